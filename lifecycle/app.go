package lifecycle

import (
	"cmp"
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// Config bounds an app in time and says who is told of its changes. The zero
// value is valid.
type Config struct {
	// GracePeriod is the time from SIGTERM to SIGKILL: in Kubernetes
	// terminationGracePeriodSeconds less what a preStop hook spends of it.
	// Default 30 s; docker stop and Cloud Run grant 10 s, Nomad 5 s.
	GracePeriod time.Duration

	// Margin of the grace period is kept back at the end, for logs and the exit.
	// Default 2 s, but at most a fifth of the grace period; negative: none.
	Margin time.Duration

	// Reserve is kept for each place below the one that stops, together at most
	// half of what is left, so that a server that hangs cannot starve the pool
	// (uber-go/fx#1035). Default 1 s; negative: none.
	Reserve time.Duration

	// StartTimeout bounds the start as a whole. Default 1 min, as a startup
	// probe of 60 times 1 s; negative: none.
	StartTimeout time.Duration

	// Logger gets one record per change of state. Default slog.Default(), at
	// the time of use.
	Logger *slog.Logger

	// OnChange is told every change of state, one at a time and in order, by
	// the goroutine that makes it: it must not block. It may call State and
	// Report. If it panics, that is logged and nothing else.
	OnChange func(Change)
}

// App is a program: an ordered list of components. Use New. Its methods may be
// called from any goroutine.
type App struct {
	cfg Config

	// telling is held while a change is made and told, so that they are told in
	// the order in which they were made. It is taken before mu.
	telling sync.Mutex

	mu       sync.Mutex // guards what follows, and the components
	places   []place    // fixed once Run has begun
	mistakes []error
	sealed   bool // Run has begun
	plan     Plan // set when it began
	state    State
	cause    error
	began    time.Time // of the start
	asked    time.Time // to stop: the budget counts from here
	ended    time.Time
	release  context.CancelCauseFunc // ends the wait for an end
}

// New returns an app without components.
func New(cfg Config) *App { return &App{cfg: cfg} }

// Add appends components, each in a place of its own: started after those above
// it and stopped before them. Once Run has begun the list is sealed, and Add
// changes nothing but logs an error; so does Together.
func (a *App) Add(components ...Component) {
	for _, c := range components {
		a.Together(c)
	}
}

// Together appends one place whose components start and stop side by side, as
// two servers that must drain at the same time.
func (a *App) Together(components ...Component) {
	var p place
	for _, c := range components {
		p = append(p, &component{Component: c})
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.sealed:
		a.logger().Error("components ignored: the app has begun to run; add them before", "component", strings.Join(p.names(), ", "))
	case len(p) == 0:
		a.mistakes = append(a.mistakes, mistake("", "Together was called with no component; give it one or more"))
	default:
		a.places = append(a.places, p)
	}
}

// State is where the app is now.
func (a *App) State() State {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state
}

func (a *App) logger() *slog.Logger { return cmp.Or(a.cfg.Logger, slog.Default()) }
