package ramp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/guard"
	"github.com/handover-go/handover/flags/ramp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const key = "new-checkout"

var newCheckout = flags.Bool(key, false)

var errDown = errors.New("the store is down")

// store is one in memory, as strict as pgramp, and the source of the flag as well.
type store struct {
	mu        sync.Mutex
	down      bool
	flag      ramp.Flag
	began     time.Time // of the lead
	leader    string
	leads     time.Time // until
	instances map[string]ramp.Instance
	leases    map[string]time.Time
	changed   []chan struct{}
	samples   []ramp.Sample
	told      map[string]bool
	unheard   bool
	diary     []string
	steps     []ramp.Move
}

func newStore(share float64) *store {
	return &store{
		flag: ramp.Flag{Key: key, Revision: 1, Enabled: true, Percentage: &share},
		told: map[string]bool{}, instances: map[string]ramp.Instance{}, leases: map[string]time.Time{},
	}
}

func (s *store) Attend(_ context.Context, c ramp.Call) (ramp.Fleet, error) {
	me, ttl := c.Me, c.TTL
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return ramp.Fleet{}, errDown
	}
	now := time.Now()
	if s.leader == me.ID || !now.Before(s.leads) {
		if s.leader != me.ID || !now.Before(s.leads) {
			s.leader, s.began = me.ID, now
		}
		s.leads = now.Add(ttl)
	}
	s.instances[me.ID], s.leases[me.ID] = me, now.Add(ttl)
	fleet := ramp.Fleet{Now: now, Leader: s.leader, Since: s.began}
	for id, until := range s.leases {
		if now.Before(until) {
			fleet.Instances = append(fleet.Instances, s.instances[id])
		}
	}
	slices.SortFunc(fleet.Instances, func(a, b ramp.Instance) int { return strings.Compare(a.ID, b.ID) })
	if s.flag.Key != "" {
		fleet.Flags = []ramp.Flag{s.flag}
	}
	for _, sample := range c.Samples {
		if id := fmt.Sprint(me.ID, sample.Number); !s.told[id] {
			s.told[id] = true
			sample.Number = int64(len(s.samples) + 1)
			s.samples = append(s.samples, sample)
		}
	}
	if s.unheard { // all is done, and the answer is lost
		s.unheard = false
		return ramp.Fleet{}, errDown
	}
	if s.leader == me.ID {
		fleet.Samples = s.samples[c.After:]
	}
	// By way of JSON, as nobody shares memory with a database.
	text, err := json.Marshal(fleet)
	if err == nil {
		fleet = ramp.Fleet{}
		err = json.Unmarshal(text, &fleet)
	}
	return fleet, err
}

func (s *store) Move(_ context.Context, m ramp.Move) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return errDown
	}
	now := time.Now()
	if m.Trip {
		if !s.flag.Killed {
			s.flag.Killed = true
			s.touch()
		}
		s.note(m.By+" trips", m.Why)
		if s.flag.Ramp != nil {
			s.position(ramp.Stopped, s.flag.Ramp.Share, m.Why)
		}
		return nil
	}
	if problem := s.refusal(m, now); problem != "" {
		return fmt.Errorf("%w: %s", ramp.ErrMoved, problem)
	}
	if m.Widen {
		if m.Definition != nil {
			s.flag.Definition = m.Definition
		} else {
			s.flag.Percentage = &m.Share
		}
		s.steps = append(s.steps, m)
		s.touch()
	}
	s.note(string(m.State), fmt.Sprintf("%v %%: %s", m.Share, m.Why))
	s.position(m.State, &m.Share, m.Why)
	return nil
}

func (s *store) refusal(m ramp.Move, now time.Time) string {
	number := func(p *ramp.Position) int64 {
		if p == nil {
			return 0
		}
		return p.Number
	}
	switch {
	case s.leader != m.By || !now.Before(s.leads):
		return "another leads"
	case number(s.flag.Ramp) != number(m.Was.Ramp):
		return "the ramp has been moved"
	case !m.Widen:
		return ""
	case now.Sub(s.began) < m.TTL:
		return "it has only begun to lead"
	case now.Sub(s.flag.Ramp.Since) < m.Bake:
		return "it bakes"
	case s.flag.Killed || s.flag.Revision != m.Was.Revision:
		return "the flag has been changed"
	}
	for id, until := range s.leases {
		if now.Before(until) && !slices.Contains(m.Seen, id) {
			return "an instance has joined"
		}
	}
	return ""
}

func (s *store) position(state ramp.State, share *float64, why string) {
	next := ramp.Position{State: state, Share: share, Revision: s.flag.Revision, Since: time.Now(), Why: why}
	if was := s.flag.Ramp; was != nil {
		next.Number = was.Number
		if was.Share != nil && share != nil && *was.Share == *share {
			next.Since, next.Revision = was.Since, was.Revision
		}
	}
	next.Number++
	s.flag.Ramp = &next
}

func (s *store) Leave(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return errDown
	}
	delete(s.leases, id)
	if s.leader == id {
		s.leads = time.Now()
	}
	return nil
}

// set is what a person does to the flag or the ramp.
func (s *store) set(change func(*store)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
	if s.flag.Ramp != nil {
		s.flag.Ramp.Number++
	}
	s.touch()
}

func (s *store) touch() {
	s.flag.Revision++
	for _, c := range s.changed {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

func (s *store) note(what, why string) {
	s.diary = append(s.diary, what+" "+why)
}

func (s *store) read() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.diary)
}

func (s *store) share() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *s.flag.Percentage
}

// source is what an instance has of it: it may lag.
type source struct {
	*store
	mu   sync.Mutex
	lags bool
	last flags.Document
}

func (s *source) lag(lags bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lags = lags
}

func (s *source) Load(context.Context) (flags.Document, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	switch {
	case s.down:
		return flags.Document{}, errDown
	case s.lags:
		return s.last, nil
	}
	state := "ENABLED"
	if s.flag.Killed || !s.flag.Enabled {
		state = "DISABLED"
	}
	on := *s.flag.Percentage
	s.last = flags.Document{Revision: s.flag.Revision, JSON: fmt.Appendf(nil, `{"metadata": {"version": "%d"}, "flags": {%q: {
		"state": %q, "variants": {"on": true, "off": false}, "defaultVariant": "off",
		"targeting": {"fractional": [["on", %v], ["off", %v]]}}}}`, s.flag.Revision, key, state, on, 100-on)}
	return s.last, nil
}

func (s *source) Watch(ctx context.Context, changed func()) error {
	c := make(chan struct{}, 1)
	s.store.mu.Lock()
	s.changed = append(s.changed, c)
	s.store.mu.Unlock()
	for {
		select {
		case <-c:
			changed()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// fake is a guard that says what it is told to.
type fake struct {
	mu      sync.Mutex
	verdict guard.Verdict
	steps   int
	panics  bool
}

func passes() *fake {
	return &fake{verdict: guard.Verdict{State: guard.Passing, Step: 100, Least: 100}}
}

func (f *fake) Step() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.steps++
}

func (f *fake) Verdict() guard.Verdict {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.panics {
		panic("of the guard")
	}
	return f.verdict
}

func (f *fake) say(v guard.Verdict) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.verdict = v
}

// process is an instance of the program.
type process struct {
	*ramp.Member
	client *flags.Client
	source *source
	guard  *fake
	die    func() // as kill -9 does: nothing is taken back
	leave  func()
}

var silent = slog.New(slog.DiscardHandler)

func plan(g ramp.Guard) ramp.Plan {
	return ramp.Plan{Flag: newCheckout, Steps: []float64{5, 20, 100}, Bake: time.Minute, Guard: g}
}

// run starts an instance within a synctest bubble.
func run(t *testing.T, s *store, id string, cfg ramp.Config, handles ...flags.Handle) *process {
	t.Helper()
	g := passes()
	p := runWith(t, s, id, cfg, plan(g), handles...)
	p.guard = g
	return p
}

func runWith(t *testing.T, s *store, id string, cfg ramp.Config, plan ramp.Plan, handles ...flags.Handle) *process {
	t.Helper()
	if handles == nil {
		handles = []flags.Handle{newCheckout}
	}
	p := &process{source: &source{store: s}}
	p.client = flags.New(p.source, flags.Config{Logger: silent, Interval: 10 * time.Second}, handles...)
	cfg.ID, cfg.Logger = id, silent
	p.Member = ramp.New(p.client, s, cfg, plan)
	require.NoError(t, p.client.Start(t.Context()))
	require.NoError(t, p.Start(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { _ = p.client.Run(ctx) })
	all.Go(func() { _ = p.Run(ctx) })
	p.die = func() {
		cancel()
		all.Wait()
	}
	p.leave = func() {
		require.NoError(t, p.Leave(t.Context()))
		p.die()
	}
	t.Cleanup(p.die)
	return p
}

// on is how many of 1,000 subjects have the flag on.
func (p *process) on() (n int) {
	for i := range 1000 {
		if newCheckout.On(p.client.Pin(context.Background(), flags.Subject{Key: fmt.Sprint("user-", i)})) {
			n++
		}
	}
	return n
}

// bubble runs a test in virtual time.
func bubble(t *testing.T, test func(*testing.T)) {
	t.Helper()
	synctest.Test(t, test)
}
