package console

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/change/walk"
	"github.com/handover-go/handover/internal/adminpage"
)

// Config says what is shown. The zero value is valid.
type Config struct {
	// Timeout is how long a request may take; 2 s by default.
	Timeout time.Duration

	// Events is how many are shown; 20 by default, negative for none.
	Events int

	// Mismatches are those that this program's reads count; by default there are none.
	Mismatches *dbcompat.Mismatches
}

// Console is an http.Handler for the people who run the service. It may be mounted below
// any path with http.StripPrefix.
type Console struct {
	walk   *walk.Walk
	config Config
	turn   chan struct{} // its one token: who asks the database
}

// New returns a Console of what w moves. It asks nothing.
func New(w *walk.Walk, config Config) (*Console, error) {
	if w == nil {
		return nil, errors.New("console: new: no walk: give the one of walk.New")
	}
	if config.Timeout < 0 {
		return nil, fmt.Errorf("console: new: Config.Timeout is %s: give the time in which there has to be an answer", config.Timeout)
	}
	config.Timeout = cmp.Or(config.Timeout, 2*time.Second)
	config.Events = cmp.Or(config.Events, 20)
	return &Console{walk: w, config: config, turn: make(chan struct{}, 1)}, nil
}

// ServeHTTP answers; see the package.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	code, shown := http.StatusOK, overview{}
	switch {
	case strings.TrimPrefix(r.URL.Path, "/") != "":
		code, shown.Error = http.StatusNotFound, "there is no such page: there is ./"
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		code, shown.Error = http.StatusMethodNotAllowed, r.Method+" is not for this: it changes nothing"
	default:
		var err error
		if shown, err = c.overview(r.Context()); err != nil {
			code, shown.Error = http.StatusServiceUnavailable, err.Error()
			if errors.Is(err, walk.ErrNoChange) {
				code = http.StatusNotFound
			}
		}
	}
	send(w, adminpage.Wanted(r.Header["Accept"]), code, shown)
}

// overview is what is shown. Its fields are the JSON.
type overview struct {
	Error      string       `json:"error,omitempty"`
	State      *walk.State  `json:"state,omitempty"`
	Steps      []walk.Step  `json:"steps,omitempty"`
	Events     []walk.Event `json:"events,omitempty"`
	Mismatches *mismatches  `json:"mismatches,omitempty"`
	Took       string       `json:"took,omitempty"`
}

// mismatches are those of this process.
type mismatches struct {
	Compared uint64   `json:"compared"`
	Differ   uint64   `json:"differ"`
	Samples  []sample `json:"samples,omitempty"`
}

type sample struct {
	Stage dbcompat.Stage `json:"stage"`
	Key   string         `json:"key"`
}

// overview asks the database, when nobody else does: a page that is open in many places
// is not to take the program's connections.
func (c *Console) overview(ctx context.Context) (o overview, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	o.Mismatches = c.mismatches()
	start := time.Now()
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return o, fmt.Errorf("console: somebody else has asked, and has no answer yet: %w", ctx.Err())
	}
	plan, err := c.walk.Plan(ctx)
	if err != nil {
		return o, fmt.Errorf("console: %w", err)
	}
	o.State, o.Steps = &plan.State, plan.Steps
	if c.config.Events > 0 {
		if o.Events, err = c.walk.Events(ctx, c.config.Events); err != nil {
			return o, fmt.Errorf("console: %w", err)
		}
	}
	o.Took = time.Since(start).Round(time.Millisecond).String()
	return o, nil
}

func (c *Console) mismatches() *mismatches {
	if c.config.Mismatches == nil {
		return nil
	}
	var m mismatches
	m.Compared, m.Differ = c.config.Mismatches.Counts()
	for _, s := range c.config.Mismatches.Samples() {
		m.Samples = append(m.Samples, sample(s))
	}
	return &m
}

func send(w http.ResponseWriter, asPage bool, code int, shown overview) {
	contentType, body := "text/html; charset=utf-8", []byte(nil)
	if asPage {
		body = page(shown)
	} else {
		contentType = "application/json"
		var err error
		if body, err = json.MarshalIndent(shown, "", "  "); err != nil {
			code, body = http.StatusInternalServerError, []byte(`{"error": "what there is cannot be written as JSON"}`)
		}
		body = append(body, '\n')
	}
	adminpage.Head(w, contentType, len(body))
	w.WriteHeader(code)
	_, _ = w.Write(body) // net/http keeps it back from a HEAD
}
