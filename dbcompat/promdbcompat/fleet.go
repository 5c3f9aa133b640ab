package promdbcompat

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/backfill"
	"github.com/handover-go/handover/dbcompat/change/walk"
)

// FleetConfig says how often the database is asked. The zero value is valid.
type FleetConfig struct {
	// Name is the value of the label change. Default "change".
	Name string

	// Interval is the time between two looks; 15 s by default, and 1 s at least.
	Interval time.Duration

	// Timeout is how long a look may take; 5 s by default.
	Timeout time.Duration

	// Logger gets a record when looks begin to fail, and when they are well again.
	// Default slog.Default(), at the time of use.
	Logger *slog.Logger
}

// Fleet is a prometheus.Collector of what the database knows of a change, as of the last
// look of Run. It is safe for concurrent use.
type Fleet struct {
	walk   *walk.Walk
	config FleetConfig

	stage, epoch, settled, hidden, instances, behind, lapsed, seen *prometheus.Desc
	filling, rows, expected, rate                                  *prometheus.Desc
	verified, mismatches, verification, age, failing               *prometheus.Desc

	mu    sync.Mutex
	state walk.State // of the last look that went well
	at    time.Time  // of it, here; zero: there was none
	err   error      // of the last look
}

// NewFleet returns a Fleet of what w moves. A nil one is an error of Run, and of each
// scrape.
func NewFleet(w *walk.Walk, config FleetConfig) *Fleet {
	desc := describe(config.Name)
	return &Fleet{
		walk:         w,
		config:       config.withDefaults(),
		stage:        desc("fleet_stage", "1 for the stage of the change.", "stage"),
		epoch:        desc("fleet_epoch", "The moves of the change, and 1."),
		settled:      desc("fleet_settled", "1 if nobody is of an epoch before the present one."),
		hidden:       desc("fleet_hidden", "1 if the old columns have other names, or are dropped."),
		instances:    desc("fleet_instances", "Instances by the stage that they have acknowledged.", "stage"),
		behind:       desc("fleet_behind", "Instances that have not acknowledged the present epoch."),
		lapsed:       desc("fleet_lapsed", "Instances whose lease has ended and who have not been counted out."),
		seen:         desc("fleet_unmanaged_seen", "Declared writers and readers of the old columns that are connected.", "kind"),
		filling:      desc("backfill_state", "1 for what has become of the back-fill.", "state"),
		rows:         desc("backfill_rows", "Rows that the back-fill has looked at."),
		expected:     desc("backfill_rows_expected", "Rows that there are to look at, an estimate until it is done."),
		rate:         desc("backfill_rows_per_second", "How fast the back-fill was of late, with what was waited; 0 if none runs."),
		verified:     desc("verification_rows", "Rows that the last verification has compared."),
		mismatches:   desc("verification_mismatches", "Rows that differed in the last verification."),
		verification: desc("verification_age_seconds", "How long ago the last verification began."),
		age:          desc("fleet_age_seconds", "How long ago the database was read."),
		failing:      desc("fleet_failing", "1 if the last look at the database brought an error."),
	}
}

func (c FleetConfig) withDefaults() FleetConfig {
	c.Interval = max(time.Second, cmp.Or(c.Interval, 15*time.Second))
	c.Timeout = cmp.Or(max(0, c.Timeout), 5*time.Second)
	return c
}

// Run looks at once and then each Interval, until the end of ctx, which is no error. What
// goes wrong in a look is a metric, and a record.
func (f *Fleet) Run(ctx context.Context) error {
	if f.walk == nil {
		return errNoWalk
	}
	tick := time.NewTicker(f.config.Interval)
	defer tick.Stop()
	for {
		f.look(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

var errNoWalk = errors.New("promdbcompat: NewFleet was given a nil Walk")

func (f *Fleet) look(ctx context.Context) {
	limited, cancel := context.WithTimeout(ctx, f.config.Timeout)
	defer cancel()
	state, err := f.walk.State(limited)
	if ctx.Err() != nil { // it is about us, and not about the database
		return
	}
	f.mu.Lock()
	before := f.err
	if f.err = err; err == nil {
		f.state, f.at = state, time.Now()
	}
	f.mu.Unlock()
	logger := cmp.Or(f.config.Logger, slog.Default())
	switch {
	case err != nil && before == nil:
		logger.WarnContext(ctx, "the state of a change is not known", "component", "promdbcompat", "err", fmt.Errorf("promdbcompat: %w", err))
	case err == nil && before != nil:
		logger.InfoContext(ctx, "the state of a change is known again", "component", "promdbcompat")
	}
}

// Describe is for the registry.
func (f *Fleet) Describe(to chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{
		f.stage, f.epoch, f.settled, f.hidden, f.instances, f.behind, f.lapsed, f.seen,
		f.filling, f.rows, f.expected, f.rate, f.verified, f.mismatches, f.verification, f.age, f.failing,
	} {
		to <- desc
	}
}

// Collect is for the registry. It reads memory, and asks no database.
func (f *Fleet) Collect(to chan<- prometheus.Metric) {
	if f.walk == nil {
		to <- prometheus.NewInvalidMetric(f.stage, errNoWalk)
		return
	}
	f.mu.Lock()
	s, at, err := f.state, f.at, f.err
	f.mu.Unlock()
	out := sink(to)
	out.gauge(f.failing, one(err != nil))
	if at.IsZero() {
		return // nothing is known, and 0 would be a lie
	}
	since := time.Since(at)
	out.gauge(f.age, since.Seconds())
	out.stages(f.stage, func(stage dbcompat.Stage) float64 { return one(stage == s.Stage) })
	out.gauge(f.epoch, float64(s.Epoch))
	out.gauge(f.settled, one(!s.Settled.IsZero()))
	out.gauge(f.hidden, one(!s.Hidden.IsZero()))
	f.fleet(out, s)
	f.fill(out, s.Fill)
	if v := s.Verification; v != nil {
		out.gauge(f.verified, float64(v.Rows))
		out.gauge(f.mismatches, float64(v.Mismatches))
		out.gauge(f.verification, max(0, (s.Now.Sub(v.Began)+since).Seconds()))
	}
}

func (f *Fleet) fleet(out sink, s walk.State) {
	at, lapsed := map[dbcompat.Stage]float64{}, 0
	for _, i := range s.Instances {
		at[i.Stage]++
		if i.Lapsed {
			lapsed++
		}
	}
	out.stages(f.instances, func(stage dbcompat.Stage) float64 { return at[stage] })
	out.gauge(f.behind, float64(len(s.Behind())))
	out.gauge(f.lapsed, float64(lapsed))
	seen := map[walk.Kind]float64{}
	for _, u := range s.Unmanaged {
		seen[u.Kind] += one(len(u.Seen) > 0)
	}
	for _, kind := range []walk.Kind{walk.Writer, walk.Reader} {
		out.gauge(f.seen, seen[kind], string(kind))
	}
}

func (f *Fleet) fill(out sink, fill walk.Fill) {
	for _, state := range []backfill.State{backfill.None, backfill.Running, backfill.Paused, backfill.Cancelled, backfill.Done} {
		out.gauge(f.filling, one(state == fill.State), string(state))
	}
	rate := fill.RowsPerSecond
	if fill.State != backfill.Running || !fill.Alive {
		rate = 0
	}
	out.gauge(f.rows, float64(fill.Rows))
	out.gauge(f.expected, float64(fill.Total))
	out.gauge(f.rate, rate)
}
