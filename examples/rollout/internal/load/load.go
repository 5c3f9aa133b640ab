package load

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/handover-go/handover/examples/rollout/internal/front"
)

// patience is for one request.
const patience = 10 * time.Second

// Config is the load. All of it is needed, but a share of 0 is none.
type Config struct {
	Address  string  // host:port of the balancer
	Rate     int     // requests per second
	NewShare float64 // of requests that bring their own connection
	Seed     uint64  // of the times and of the mix
	Users    int     // that there are, with the ids 1 to Users and the names user-7-1
}

// Load is one that can be run once.
type Load struct {
	*Tally
	cfg    Config
	ledger *ledger
	kept   *http.Transport
	random *rand.Rand
}

// New returns a load that sends nothing yet.
func New(cfg Config) *Load {
	return &Load{
		Tally: newTally(), cfg: cfg, ledger: newLedger(cfg.Users),
		kept:   &http.Transport{MaxIdleConnsPerHost: 1000, DisableCompression: true},
		random: rand.New(rand.NewPCG(cfg.Seed, 0)),
	}
}

// Run sends until stop is closed or ctx ends, and returns when every request has its
// answer. What ctx has ended does not count.
func (l *Load) Run(ctx context.Context, stop <-chan struct{}) {
	var inFlight sync.WaitGroup
	defer l.kept.CloseIdleConnections()
	defer l.end()
	defer inFlight.Wait()
	l.begin()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for due := time.Now(); ; {
		due = due.Add(time.Duration(l.random.ExpFloat64() * float64(time.Second) / float64(l.cfg.Rate)))
		timer.Reset(time.Until(due))
		select {
		case <-timer.C:
		case <-stop:
			return
		case <-ctx.Done():
			return
		}
		do, fresh := l.pick(), l.random.Float64() < l.cfg.NewShare
		inFlight.Go(func() {
			timed, cancel := context.WithTimeout(ctx, patience)
			defer cancel()
			answer := do(timed, fresh)
			if ctx.Err() == nil {
				l.count(answer, due)
			}
		})
	}
}

// pick is one of the things that users do.
func (l *Load) pick() func(ctx context.Context, fresh bool) answer {
	id := 1 + l.random.Int64N(int64(l.cfg.Users))
	switch draw := l.random.Float64(); {
	case draw < 0.50:
		path := "/search?q=user-" + strconv.FormatInt(id, 10)
		return func(ctx context.Context, fresh bool) answer { return l.send(ctx, http.MethodGet, path, "", fresh) }
	case draw < 0.95:
		if l.random.IntN(3) == 0 {
			return func(ctx context.Context, fresh bool) answer { return l.rename(ctx, id, fresh) }
		}
		return func(ctx context.Context, fresh bool) answer { return l.look(ctx, id, fresh) }
	}
	return func(ctx context.Context, fresh bool) answer {
		return l.send(ctx, http.MethodPost, "/users", `{"display_name":"somebody"}`, fresh)
	}
}

func (l *Load) look(ctx context.Context, id int64, fresh bool) answer {
	floor := l.ledger.floor(id)
	a := l.send(ctx, http.MethodGet, fmt.Sprintf("/users/%d", id), "", fresh)
	if a.kind != "" {
		return a
	}
	var user struct {
		Name string `json:"display_name"`
	}
	if json.Unmarshal(a.body, &user) != nil {
		a.kind = "malformed"
	}
	a.stale = l.ledger.stale(id, user.Name, floor)
	return a
}

// rename looks instead if somebody else renames the same user.
func (l *Load) rename(ctx context.Context, id int64, fresh bool) answer {
	number, free := l.ledger.begin(id)
	if !free {
		return l.look(ctx, id, fresh)
	}
	a := l.send(ctx, http.MethodPut, fmt.Sprintf("/users/%d", id), fmt.Sprintf(`{"display_name":%q}`, name(id, number)), fresh)
	l.ledger.done(id, number, a.kind == "")
	return a
}

// LostWrites is how many users do not have the name that was acknowledged last. The names
// are those at the end, by the users' ids.
func (l *Load) LostWrites(names map[int64]string) int { return l.ledger.lost(names) }

// answer is what has become of a request.
type answer struct {
	kind    string // of the failure; empty is success
	version string // that answered
	body    []byte
	stale   bool
}

func (l *Load) send(ctx context.Context, method, path, body string, fresh bool) answer {
	r, err := http.NewRequestWithContext(ctx, method, "http://"+l.cfg.Address+path, http.NoBody)
	if err != nil {
		return answer{kind: "no request"}
	}
	front.Once(r, body)
	r.Close = fresh
	response, err := l.kept.RoundTrip(r)
	if err != nil {
		return answer{kind: failure(ctx, "no answer")}
	}
	defer func() { _ = response.Body.Close() }()
	a := answer{version: response.Header.Get("X-Version")}
	if a.body, err = io.ReadAll(response.Body); err != nil {
		a.kind = failure(ctx, "truncated")
	} else if lost := response.Header.Get(front.Lost); lost != "" {
		a.kind = "bad gateway: " + lost
	} else if response.StatusCode >= http.StatusBadRequest {
		a.kind = fmt.Sprintf("status %d", response.StatusCode)
	}
	return a
}

func failure(ctx context.Context, kind string) string {
	if ctx.Err() != nil {
		return "time-out"
	}
	return kind
}
