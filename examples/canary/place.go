package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/pgflags"
	"github.com/handover-go/handover/flags/ramp"
	"github.com/handover-go/handover/flags/ramp/pgramp"
	"github.com/handover-go/handover/internal/pgtest"
)

const key = "new-checkout"

// steps are those of each ramp, in percent.
func steps() []float64 { return []float64{5, 20, 50, 100} }

// A place is where the instances have the flag from, and where they meet.
type place struct {
	name string
	pool *pgxpool.Pool // nil for memory
	pg   *pgtest.Server
}

// The places.
const (
	inPostgreSQL = "PostgreSQL"
	inMemory     = "memory"
)

// open starts a database, if there is one to start.
func open(ctx context.Context) (place, error) {
	pg := pgtest.New(pgtest.Config{})
	if err := pg.Start(ctx); errors.Is(err, pgtest.ErrNotInstalled) {
		return place{name: inMemory}, nil
	} else if err != nil {
		return place{name: inPostgreSQL}, err
	}
	p := place{name: inPostgreSQL, pg: pg}
	cfg, err := pgxpool.ParseConfig(pg.URL())
	if err == nil {
		cfg.MaxConns = 4 * instances // one of each listens
		p.pool, err = pgxpool.NewWithConfig(ctx, cfg)
	}
	if err == nil {
		err = errors.Join(pgflags.New(p.pool, pgflags.Config{}).Migrate(ctx), pgramp.New(p.pool, pgramp.Config{}).Migrate(ctx))
	}
	return p, err
}

func (p place) close() {
	if p.pool != nil {
		p.pool.Close()
	}
	if p.pg != nil {
		_ = p.pg.Close()
	}
}

// A ground is what one scenario has of a place: a set of flags of its own.
type ground struct {
	place
	set  string
	plan timetable
}

// A timetable is that of a ramp which nobody leads.
type timetable struct {
	start time.Time
	bake  time.Duration
}

// prepare has the flag, which is on for nobody.
func (p place) prepare(ctx context.Context, set string, bake time.Duration) (ground, error) {
	g := ground{place: p, set: set, plan: timetable{time.Now().Add(time.Second), bake}}
	if p.pool == nil {
		return g, nil
	}
	off := []byte(`{"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off"}`)
	return g, pgflags.New(p.pool, pgflags.Config{Set: set}).Put(ctx, pgflags.Change{Who: "canary", Why: "a new version"}, key, off)
}

// source is where one instance has its flags from.
func (g ground) source(logger *slog.Logger) flags.Source {
	if g.pool != nil {
		return pgflags.New(g.pool, pgflags.Config{Set: g.set})
	}
	return ramp.Scheduled(flags.Static(fmt.Sprintf(`{"flags": {%q: {
		"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
		"x-ramp": {"steps": [5, 20, 50, 100], "bake": %q, "start": %q}}}}`,
		key, g.plan.bake, g.plan.start.UTC().Format(time.RFC3339Nano))), logger)
}

// store is where the instances meet; nil if they do not.
func (g ground) store() ramp.Store {
	if g.pool == nil {
		return nil
	}
	return pgramp.New(g.pool, pgramp.Config{Set: g.set})
}

// at is the share in percent at a time, and whether the last step has baked.
func (t timetable) at(now time.Time) (share float64, done bool) {
	past := now.Sub(t.start)
	if past < 0 {
		return 0, false
	}
	n := int(past / t.bake)
	return steps()[min(n, len(steps())-1)], n >= len(steps())
}
