package pgprobes

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/handover-go/handover/probes"
)

// Pool checks the server of a pool, and whether the pool is saturated. It connects as
// the pool does, BeforeConnect included, which may know the password of the hour; but
// for AfterConnect and the Tracer, as nobody wants a span every five seconds. The pool
// may be closed before the check ends.
//
// Saturated is a pool that was full whenever it was looked at, for SaturatedFor, while
// between two looks others had to wait, gave up, or none got a connection at all.
//
// The lag is how old the data may be: the age of the last transaction that was
// replayed, or the time since the standby was last seen connected to its primary, with
// all replayed that it had received, whichever is less. So a primary that has nothing to
// do is no lag (prometheus-community/postgres_exporter#385), and a standby that has lost
// its primary falls behind. A link that is cut in silence, PostgreSQL itself notices
// after wal_receiver_timeout, a minute.
//
// The fields of the check may be changed before it is added, but for Run. It is
// [probes.Shared]: after its first pass a failure warns, as all instances have it.
func Pool(name string, pool *pgxpool.Pool, config Config) probes.Check {
	if pool == nil {
		return check(name, nil) // Add refuses it
	}
	w := newWatch(name, config, func(ctx context.Context) (*pgconn.Config, error) {
		c := pool.Config()
		if c.BeforeConnect != nil {
			if err := c.BeforeConnect(ctx, c.ConnConfig); err != nil {
				return nil, fmt.Errorf("before connect: %w", err)
			}
		}
		return &c.ConnConfig.Config, nil
	})
	w.pool = pool
	return check(name, w.run)
}

// Server checks a server whose pool is none of pgxpool's, or which has none. What is
// said of [Pool] holds, but for what needs a pool: it is never saturated, and
// too-many-connections fails, as nothing is known of connections that work.
func Server(name string, server *pgx.ConnConfig, config Config) probes.Check {
	if server == nil {
		return check(name, nil)
	}
	server = server.Copy()
	return check(name, newWatch(name, config, func(context.Context) (*pgconn.Config, error) {
		return &server.Copy().Config, nil
	}).run)
}

func check(name string, run func(context.Context) error) probes.Check {
	return probes.Check{Name: name, Kind: probes.Readiness, Scope: probes.Shared, Dials: true, Run: run}
}

// watch is what one check knows.
type watch struct {
	name     string
	config   Config
	link     link
	standby  standby
	pool     *pgxpool.Pool // nil: there is none
	pressure pressure
}

func newWatch(name string, config Config, target func(context.Context) (*pgconn.Config, error)) *watch {
	config = config.withDefaults()
	return &watch{
		name: name, config: config,
		link:     link{lifetime: config.Lifetime, target: target},
		pressure: pressure{patience: config.SaturatedFor},
	}
}

func (w *watch) run(ctx context.Context) error {
	saturated := w.look() // first, so that a server that is down does not interrupt the series
	answer, err := w.link.ask(ctx, w.question())
	if err != nil {
		return w.failure(reason(err), err)
	}
	state, err := read(answer)
	switch {
	case err != nil:
		return w.failure("", err)
	case state.readOnly && !w.config.ReadOnly:
		return w.failure("read-only", state.refusal())
	}
	if err := w.lag(state); err != nil {
		return w.failure("lagging", err)
	}
	if saturated != nil {
		return w.failure("saturated", saturated)
	}
	return nil
}

// look is nil if there is no pool, or none that is saturated.
func (w *watch) look() error {
	if w.pool == nil {
		return nil
	}
	return w.pressure.look(w.pool.Stat(), time.Now())
}
