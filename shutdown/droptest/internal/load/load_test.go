package load_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/internal/pipenet"
	"github.com/handover-go/handover/shutdown/droptest/internal/load"
	"github.com/handover-go/handover/shutdown/droptest/internal/once"
	"github.com/handover-go/handover/shutdown/droptest/internal/wire"
)

// told is what a load tells of one request.
type told struct {
	load.Request
	status int    // of the answer
	kind   string // or of the failure
	took   time.Duration
}

// run puts a handler under load until stop is closed or ctx ends, and returns
// what was told, in the order in which the requests were due.
func run(ctx context.Context, cfg load.Config, stop <-chan struct{}, handle http.HandlerFunc) []told {
	ln := pipenet.Listen(1000)
	base, end := context.WithCancel(context.WithoutCancel(ctx)) // of the handlers
	defer end()
	server := &http.Server{Handler: handle, BaseContext: func(net.Listener) context.Context { return base }}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(ln) })
	defer serving.Wait()
	defer func() { _ = server.Close() }()
	var wires wire.Set
	defer wires.Close()

	client := once.New(func(ctx context.Context) (*wire.Wire, error) {
		conn, err := ln.Dial(ctx)
		if err != nil {
			return nil, err
		}
		return wires.Add(conn, 0), nil
	})
	var mu sync.Mutex
	var all []told
	load.New(cfg, client, func(r load.Request, answer once.Reply, drop *once.Drop) {
		mu.Lock()
		defer mu.Unlock()
		one := told{Request: r, status: answer.Status, took: time.Since(r.Due)}
		if drop != nil {
			one.kind = drop.Kind()
		}
		all = append(all, one)
	}).Run(ctx, stop)
	slices.SortFunc(all, func(a, b told) int { return a.Due.Compare(b.Due) })
	return all
}

// after returns a channel that is closed then.
func after(d time.Duration) <-chan struct{} {
	c := make(chan struct{})
	time.AfterFunc(d, func() { close(c) })
	return c
}

func config() load.Config {
	return load.Config{
		Host: "api", Rate: 100, NewShare: 0.25, SlowEvery: 10,
		Path: "/", SlowPath: "/slow", Timeout: time.Minute, Seed: 1,
	}
}

func fine(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("fine")) }

func TestRequestsDoNotWaitForEarlierOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := run(t.Context(), config(), after(10*time.Second), func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(3 * time.Second)
			fine(w, r)
		})
		require.InDelta(t, 1000, len(all), 100, "as many as if each were answered at once")
		for _, one := range all {
			require.Equal(t, http.StatusOK, one.status, one)
			require.Equal(t, 3*time.Second, one.took, one)
		}
	})
}

func TestTheMix(t *testing.T) {
	tests := map[string]struct {
		newShare                float64
		slowEvery               int
		fresh, get, post, slows float64 // shares; get and post on kept connections
	}{
		"a quarter and a tenth":      {0.25, 10, 0.25, 0.375, 0.375, 0.1},
		"nothing new, nothing slow":  {0, 0, 0, 0.5, 0.5, 0},
		"everything new, and slowly": {1, 1, 1, 0, 0, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := config()
				cfg.NewShare, cfg.SlowEvery = tt.newShare, tt.slowEvery
				var mu sync.Mutex
				seen := map[string]int{}
				all := run(t.Context(), cfg, after(10*time.Second), func(w http.ResponseWriter, r *http.Request) {
					body, err := io.ReadAll(r.Body)
					mu.Lock()
					defer mu.Unlock()
					switch {
					case err != nil || r.Host != "api" || r.UserAgent() != "droptest" || len(body) > 0 != (r.Method == "POST"):
						seen["wrong"]++
					case r.Close:
						seen["fresh"]++
					default:
						seen[r.Method]++
					}
					if r.URL.Path == "/slow" {
						seen["slow"]++
					}
					fine(w, r)
				})
				n := float64(len(all))
				require.Zero(t, seen["wrong"])
				require.InDelta(t, tt.fresh, float64(seen["fresh"])/n, 0.05)
				require.InDelta(t, tt.get, float64(seen["GET"])/n, 0.05)
				require.InDelta(t, tt.post, float64(seen["POST"])/n, 0.05)
				require.InDelta(t, tt.slows, float64(seen["slow"])/n, 0.05)
				for _, one := range all {
					require.Equal(t, one.Slow, one.Path == "/slow")
					require.False(t, one.Fresh && one.Method == "POST", one.String())
				}
			})
		})
	}
}

func TestTheSeedSaysWhatIsSentAndWhen(t *testing.T) {
	of := func(seed uint64) (requests []load.Request) {
		synctest.Test(t, func(t *testing.T) {
			cfg := config()
			cfg.Seed = seed
			for _, one := range run(t.Context(), cfg, after(2*time.Second), fine) {
				requests = append(requests, one.Request)
			}
		})
		return requests
	}
	require.Equal(t, of(7), of(7))
	require.NotEqual(t, of(7), of(8))
}

func TestARequestThatIsNotAnsweredInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		cfg.Timeout = time.Second
		all := run(t.Context(), cfg, after(time.Second), func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
		})
		require.NotEmpty(t, all)
		for _, one := range all {
			require.Equal(t, "time-out", one.kind)
			require.Equal(t, time.Second, one.took)
		}
	})
}

func TestTheEndOfTheContextEndsTheLoadAndCountsForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		all := run(ctx, config(), nil, func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
		})
		require.Empty(t, all)
		require.Equal(t, time.Second, time.Since(begin))
	})
}

func TestRequestsPrintWhatIsSpecial(t *testing.T) {
	require.Equal(t, "POST /slow", load.Request{Method: "POST", Path: "/slow", Slow: true}.String())
	require.Equal(t, "GET / on its own connection", load.Request{Method: "GET", Path: "/", Fresh: true}.String())
}
