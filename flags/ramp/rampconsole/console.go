package rampconsole

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/handover-go/handover/flags/ramp"
	"github.com/handover-go/handover/internal/adminpage"
)

// Config says how closely is looked. The zero value is valid.
type Config struct {
	// Every is the time between two points of a picture, for the first 600 of them. Default
	// 1 s.
	Every time.Duration
}

// Member tells of ramps, as a ramp.Member does. It must not block.
type Member interface{ Status() ramp.Status }

// Console is an http.Handler. Use New. It is safe for concurrent use.
type Console struct {
	member Member
	every  time.Duration
	policy string

	mu      sync.Mutex // guards what follows
	running bool
	past    map[string]*past // by flag
}

// New returns a Console of member, a ramp.Member, which need not have started. The error
// joins what is wrong with the arguments.
func New(member Member, cfg Config) (*Console, error) {
	var mistakes []error
	if m, ok := member.(*ramp.Member); member == nil || ok && m == nil {
		mistakes = append(mistakes, errors.New("rampconsole: new: no member: give the one of ramp.New"))
	}
	if cfg.Every < 0 {
		mistakes = append(mistakes, fmt.Errorf("rampconsole: new: Config.Every is %s: take more than none, or 0 for 1s", cfg.Every))
	}
	if err := errors.Join(mistakes...); err != nil {
		return nil, err
	}
	return &Console{member: member, every: cmp.Or(cfg.Every, time.Second), policy: policy(), past: map[string]*past{}}, nil
}

// Run notes what the pictures show, until ctx ends; then it returns nil. It is an error
// while it runs already.
func (c *Console) Run(ctx context.Context) error {
	c.mu.Lock()
	if c.running {
		c.mu.Unlock()
		return errors.New("rampconsole: run: it is running already")
	}
	c.running = true
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.running = false
		c.mu.Unlock()
	}()
	ticker := time.NewTicker(c.every)
	defer ticker.Stop()
	for {
		c.look(time.Now())
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// ServeHTTP shows all ramps, whatever the path.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, r.Method+" is not for this: it only shows; to pause a ramp there is pgramp", http.StatusMethodNotAllowed)
		return
	}
	v := c.view()
	contentType, body := "text/html; charset=utf-8", []byte(nil)
	if adminpage.Wanted(r.Header["Accept"]) {
		body = v.page()
	} else {
		contentType = "application/json"
		body, _ = json.MarshalIndent(v, "", "  ") // texts and finite numbers
		body = append(body, '\n')
	}
	adminpage.Head(w, contentType, len(body))
	w.Header().Set("Content-Security-Policy", c.policy) // a style of its own, and no forms
	_, _ = w.Write(body)                                // net/http keeps it back from a HEAD
}
