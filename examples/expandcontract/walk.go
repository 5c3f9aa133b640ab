package main

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/backfill"
	"github.com/handover-go/handover/dbcompat/ddl"
)

const table = `CREATE TABLE users (
	id bigint PRIMARY KEY, name text NOT NULL DEFAULT 'nobody' CHECK (name <> ''),
	email text NOT NULL DEFAULT 'someone@example.com', created_at timestamptz NOT NULL DEFAULT now())`

// experiment makes the table, and walks with it under load.
func experiment(ctx context.Context, url string, o options, out io.Writer) (result, error) {
	var r result
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return r, err
	}
	config.MaxConns = instances*workers + 4
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return r, err
	}
	defer pool.Close()
	began := time.Now()
	if _, err := pool.Exec(ctx, table); err != nil {
		return r, err
	}
	if _, err := pool.Exec(ctx, "INSERT INTO users (id, name) SELECT n, 'user-' || n || '-1' FROM generate_series(1, $1::bigint) AS n", o.rows); err != nil {
		return r, err
	}
	if err := connect(ctx, pool); err != nil {
		return r, err
	}
	f := newFleet(pool, newLedger(o.rows, o.rows/10+1000))
	loaded, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() { defer close(ended); f.run(loaded, o.rate) }()
	w := &walk{fleet: f, ddl: ddl.New(pool, ddl.Config{Logger: slog.New(slog.DiscardHandler)}), options: o, out: out, began: began, result: &r}
	err = w.all(ctx)
	stop()
	<-ended
	if err == nil {
		err = f.audit(ctx, &r)
	}
	r.take(&f.counts)
	r.Seconds = time.Since(began).Seconds()
	return r, err
}

// connect makes the pool's connections, or the first statements would wait for them.
func connect(ctx context.Context, pool *pgxpool.Pool) error {
	for range pool.Config().MaxConns {
		conn, err := pool.Acquire(ctx)
		if err != nil {
			return err
		}
		defer conn.Release()
	}
	return nil
}

// walk is the change, step by step.
type walk struct {
	fleet   *fleet
	ddl     *ddl.Runner
	options options
	out     io.Writer
	began   time.Time
	result  *result
}

func (w *walk) all(ctx context.Context) error {
	w.say("%d instances at old, %d rows", instances, w.fleet.ledger.used.Load())
	if err := pause(ctx, w.options.baseline); err != nil {
		return err
	}
	w.fleet.walk.Store(true)
	if err := w.change(ctx, ddl.AddColumn{Table: "users", Column: "display_name", Type: "text"}); err != nil {
		return err
	}
	ways := []func(context.Context) error{w.forward, w.back, w.forward, w.contract}
	if w.options.reckless {
		ways = []func(context.Context) error{w.jump}
	}
	for _, way := range ways {
		if err := way(ctx); err != nil {
			return err
		}
	}
	return nil
}

// forward goes from Old to New.
func (w *walk) forward(ctx context.Context) error {
	if err := w.roll(ctx, dbcompat.DualWrite); err != nil {
		return err
	}
	if err := w.fill(ctx, dbcompat.DualWrite); err != nil { // nobody is at Old any more
		return err
	}
	if err := w.change(ctx, ddl.CopyTwin{Table: "users", Old: "name", New: "display_name"}); err != nil {
		return err
	}
	if err := w.roll(ctx, dbcompat.ReadNew); err != nil {
		return err
	}
	if err := w.change(ctx, ddl.DropNotNull{Table: "users", Column: "name"}); err != nil {
		return err
	}
	return w.roll(ctx, dbcompat.New)
}

// back goes from New to Old: old is stale by then, and filled from new.
func (w *walk) back(ctx context.Context) error {
	if err := w.roll(ctx, dbcompat.ReadNew); err != nil {
		return err
	}
	if err := w.fill(ctx, dbcompat.ReadNew); err != nil { // nobody is at New any more
		return err
	}
	if err := w.change(ctx, ddl.SetNotNull{Table: "users", Column: "name"}); err != nil {
		return err
	}
	if err := w.roll(ctx, dbcompat.DualWrite); err != nil {
		return err
	}
	return w.roll(ctx, dbcompat.Old)
}

// jump is what is not safe: those at Old go on writing where those at ReadNew do not look.
func (w *walk) jump(ctx context.Context) error {
	if err := w.fill(ctx, dbcompat.Old); err != nil {
		return err
	}
	return w.roll(ctx, dbcompat.ReadNew)
}

// contract is the end; there is no way back from it.
func (w *walk) contract(ctx context.Context) error {
	return w.change(ctx,
		ddl.SetNotNull{Table: "users", Column: "display_name"},
		ddl.DropConstraint{Table: "users", Name: "users_name_check"},
		ddl.DropColumn{Table: "users", Column: "name"},
	)
}

func (w *walk) roll(ctx context.Context, to dbcompat.Stage) error {
	if err := w.fleet.roll(ctx, to, w.options.hold); err != nil {
		return err
	}
	w.result.Stages++
	w.say("all instances at %v", to)
	return pause(ctx, w.options.hold)
}

func (w *walk) change(ctx context.Context, ops ...ddl.Operation) error {
	for _, op := range ops {
		if err := w.ddl.Run(ctx, op); err != nil {
			return err
		}
		w.say("  %v", op)
	}
	return nil
}

// fill has the column that is not believed follow the other one, and verifies it.
func (w *walk) fill(ctx context.Context, stage dbcompat.Stage) error {
	b := backfill.New(w.fleet.pool, w.fleet.column.Columns(), dbcompat.Fixed(stage), backfill.Config{})
	ended := make(chan error)
	go func() { ended <- b.Run(ctx) }()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for running := true; running; {
		select {
		case err := <-ended:
			if err != nil {
				return err
			}
			running = false
		case <-tick.C:
			w.progress(ctx, b)
		}
	}
	s, err := b.Status(ctx)
	if err != nil {
		return err
	}
	v, err := b.Verify(ctx)
	if err != nil {
		return err
	}
	w.result.Filled += s.Changed
	w.result.Mismatches += v.Mismatches
	w.say("  back-filled %d of %d rows; verified at %v: %d mismatches in %d rows", s.Changed, s.Rows, v.Stage, v.Mismatches, v.Rows)
	return nil
}

// audit compares all rows with the ledger: what was acknowledged last has to be there, in
// the column that is left.
func (f *fleet) audit(ctx context.Context, r *result) error {
	rows, err := f.pool.Query(ctx, "SELECT id, coalesce(display_name, '') FROM users")
	if err != nil {
		return err
	}
	defer rows.Close()
	found := make([]int64, len(f.ledger.rows))
	for rows.Next() {
		var id int64
		var value string
		if err := rows.Scan(&id, &value); err != nil {
			return err
		}
		r.Rows++
		found[id-1] = number(id-1, value)
	}
	for i := range found {
		if found[i] < f.ledger.rows[i].acked.Load() || found[i] > f.ledger.rows[i].sent.Load() {
			r.LostWrites++
		}
	}
	return rows.Err()
}
