package watchdog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Config tunes a [Dog]. Its zero value is a good one.
type Config struct {
	// Tick is the resolution of the clock, 1 to 100 ms; 20 ms by default, which is 50
	// wake-ups a second. A stop of the process that is shorter goes unnoticed, so it
	// has to be well below the period of a CPU quota: 100 ms, unless the kubelet's
	// cpuCFSQuotaPeriod says otherwise.
	Tick time.Duration
}

// A Dog keeps the clock by which heartbeats are judged. Its methods may be called
// at any time, from any goroutine. Make one with [New].
type Dog struct {
	config Config
	ticks  atomic.Int64              // the clock: so many have been taken
	begun  atomic.Bool               // Run has been called
	asked  atomic.Pointer[time.Time] // when a check was first run, if that was before Run

	mu      sync.Mutex // guards what follows
	running bool
	faults  []error // of heartbeats, for Run
}

// New makes a watchdog. It starts nothing.
func New(config Config) *Dog { return &Dog{config: config} }

// Run keeps the clock going until ctx ends, and returns nil. Its place is beside
// that of the checks: it begins before what it watches, and ends after it.
//
// Before Run nothing is late, for a start may take its time; but a check that was
// first run longer than its limit ago fails, as nobody watches. After Run the clock
// stands, so that what is alive then stays so: a process that is told to stop must
// not be killed while its requests finish. Run may be called again.
//
// It returns an error at once if it runs already, or if the Tick or a heartbeat's
// limit is out of range; all that are, in one error.
func (d *Dog) Run(ctx context.Context) error {
	if err := d.enter(); err != nil {
		return fmt.Errorf("watchdog: run: %w", err)
	}
	defer d.leave()
	ticker := time.NewTicker(d.tick())
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C: // one, however late it comes: see time.NewTicker
			d.ticks.Add(1)
		case <-ctx.Done():
			return nil
		}
	}
}

func (d *Dog) enter() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.running {
		return errors.New("the watchdog runs already: run it once")
	}
	faults := d.faults
	if tick := d.tick(); tick < time.Millisecond || tick > 100*time.Millisecond {
		faults = append(slices.Clip(faults), fmt.Errorf("the tick is %v: give 1ms to 100ms, or leave it out for the default", tick))
	}
	if len(faults) > 0 {
		return errors.Join(faults...)
	}
	d.running = true
	d.begun.Store(true)
	return nil
}

func (d *Dog) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.running = false
}

func (d *Dog) tick() time.Duration { return cmp.Or(d.config.Tick, 20*time.Millisecond) }

// refuse keeps a mistake for Run, the first to return an error.
func (d *Dog) refuse(fault error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults = append(d.faults, fault)
}

// unwatched is for how long checks have been run while Run was not. It is real
// time: nobody counts any other yet.
func (d *Dog) unwatched() time.Duration {
	if d.begun.Load() {
		return 0
	}
	now := time.Now()
	if d.asked.CompareAndSwap(nil, &now) {
		return 0
	}
	return now.Sub(*d.asked.Load())
}
