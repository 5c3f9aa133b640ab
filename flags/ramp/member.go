package ramp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/internal/lease"
)

// Member is a process's part in the ramps of a fleet. Use New. Its methods may be called
// from any goroutine.
type Member struct {
	client *flags.Client
	store  Store // nil: only guards, and what they kill is killed here
	cfg    Config
	plans  map[string]Plan
	wrong  []error
	lead   *lease.Keeper
	turn   chan struct{} // whose it is speaks with the store
	look   chan struct{} // there is something new to tell
	kill   chan struct{} // there is a trip to tell

	mu       sync.Mutex // guards what follows
	running  bool
	joined   bool // there may be a lease
	left     bool
	me       Instance
	told     Instance // what the store knows of us
	fleet    *Fleet
	met      time.Time
	since    time.Time // met, or when it was asked first
	err      error
	guards   map[string]*watched
	samples  []Sample          // that the store has not got
	number   int64             // of the last one
	after    int64             // the last one of all that has been judged
	said     map[string]string // what was waited for, and is logged
	unlisted bool              // a trip has not been written
}

// New returns a member with these plans. It does nothing before Start. The client's
// source has to be the set that the store is of; a nil store is none, see the package.
func New(client *flags.Client, store Store, cfg Config, plans ...Plan) *Member {
	m := &Member{
		client: client, store: store, cfg: cfg.withDefaults(), plans: map[string]Plan{},
		turn: make(chan struct{}, 1), look: make(chan struct{}, 1), kill: make(chan struct{}, 1),
		guards: map[string]*watched{}, said: map[string]string{},
	}
	m.lead = lease.New(lease.Config{TTL: m.cfg.TTL})
	m.wrong = m.cfg.wrong()
	if v := reflect.ValueOf(store); store != nil && v.Kind() == reflect.Pointer && v.IsNil() {
		m.store = nil
		m.wrong = append(m.wrong, fmt.Errorf("the store is a nil %T: give nil itself for none", store))
	}
	if client == nil {
		m.wrong = append(m.wrong, errors.New("the client is nil: make one with flags.New"))
	}
	for i, p := range plans {
		m.add(i, p)
	}
	return m
}

// add takes a plan, and notes what is wrong with it.
func (m *Member) add(i int, p Plan) {
	key := p.Flag.Key()
	_, twice := m.plans[key]
	switch {
	case key == "":
		m.wrong = append(m.wrong, fmt.Errorf("plan %d of New has no flag: declare it with flags.Bool", i+1))
	case twice:
		m.wrong = append(m.wrong, fmt.Errorf("flag %q has two plans: make one of them", key))
	case p.Flag.Default():
		m.wrong = append(m.wrong, fmt.Errorf("flag %q is on by default, and off cannot be taken away at once: turn its meaning round", key))
	}
	for _, err := range p.wrong() {
		m.wrong = append(m.wrong, fmt.Errorf("flag %q: %w", key, err))
	}
	m.plans[key] = p
	if p.Guard != nil {
		m.guards[key] = &watched{guard: p.Guard, fleet: p.Fleet}
	}
}

func (m *Member) logger() *slog.Logger { return cmp.Or(m.cfg.Logger, slog.Default()) }

// Start joins the others. A store that does not answer within a third of the TTL is no
// error, and is asked again by Run. The error is of the program itself: plans and settings
// that are wrong, all there are.
func (m *Member) Start(ctx context.Context) error {
	if err := m.mistakes(); err != nil {
		return fmt.Errorf("ramp: start: %w", err)
	}
	if m.store == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, m.cfg.TTL/3)
	defer cancel()
	m.glance()
	_ = m.attend(ctx) // which has logged it
	return nil
}

// Run looks at the guards, renews the lease and takes the steps, if it leads, until ctx
// ends; then it returns nil. It is an error while it runs already, and after a Start that
// failed. Without Start it joins by itself.
func (m *Member) Run(ctx context.Context) error {
	if err := m.mistakes(); err != nil {
		return fmt.Errorf("ramp: run: %w", err)
	}
	m.mu.Lock()
	if m.running {
		m.mu.Unlock()
		return errors.New("ramp: run: it is running already")
	}
	m.running = true
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		m.running = false
		m.mu.Unlock()
	}()
	m.glance()
	var all sync.WaitGroup
	all.Go(func() { m.watch(ctx) })
	if m.store != nil { // a store that hangs keeps nobody from looking, nor from telling of a trip
		all.Go(func() { m.meet(ctx) })
		all.Go(func() { m.tell(ctx) })
	}
	all.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), m.cfg.Tick)
	defer cancel()
	m.trip(last) // what has tripped at the very end, or has not been written yet
	return nil
}

// mistakes are those of the program, also a plan for a flag that the client does not know:
// it could not be killed.
func (m *Member) mistakes() error {
	all := slices.Clone(m.wrong)
	if m.client == nil {
		return errors.Join(all...)
	}
	declared := map[string]bool{}
	for _, f := range m.client.Report().Flags {
		declared[f.Key] = f.Declared
	}
	for _, key := range m.keys() {
		if key != "" && !declared[key] {
			all = append(all, fmt.Errorf("flag %q is none that the client was told of: hand it to flags.New", key))
		}
	}
	return errors.Join(all...)
}

// Leave takes the lease back, so that the others need not wait for it to end. It is the
// component's Stop. Guards are looked at for as long as Run runs.
func (m *Member) Leave(ctx context.Context) error {
	m.mu.Lock()
	m.left = true
	m.mu.Unlock()
	if m.store == nil {
		return nil
	}
	select {
	case m.turn <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("ramp: leave: the store does not answer: %w", ctx.Err())
	}
	defer func() { <-m.turn }()
	m.lead.Drop()
	m.mu.Lock()
	joined := m.joined
	m.mu.Unlock()
	if !joined {
		return nil
	}
	if err := m.store.Leave(ctx, m.cfg.ID); err != nil {
		return fmt.Errorf("ramp: leave: %w", err)
	}
	m.mu.Lock()
	m.joined = false
	m.mu.Unlock()
	return nil
}

// keys are those of the plans.
func (m *Member) keys() []string {
	keys := make([]string, 0, len(m.plans))
	for key := range m.plans {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
