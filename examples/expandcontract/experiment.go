package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/change/walk"
	"github.com/handover-go/handover/dbcompat/ddl"
)

const table = `CREATE TABLE users (
	id bigint PRIMARY KEY, name text NOT NULL DEFAULT 'nobody' CHECK (name <> ''),
	email text NOT NULL DEFAULT 'someone@example.com', created_at timestamptz NOT NULL DEFAULT now())`

// changed is the change's name.
const changed = "users-name"

// experiment makes the table, and walks with it under load.
func experiment(ctx context.Context, url string, o options, out io.Writer) (result, error) {
	var r result
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return r, err
	}
	config.MaxConns = instances*workers + 6
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
	f := &fleet{pool: pool, column: displayName(), ledger: newLedger(o.rows, o.rows/10+1000)}
	quiet := slog.New(slog.DiscardHandler)
	s := &steps{
		fleet: f, ddl: ddl.New(pool, ddl.Config{Logger: quiet}), options: o, out: out, began: began, result: &r,
		walk: walk.New(pool, changed, walk.Config{Poll: 20 * time.Millisecond, Quiet: -1, Logger: quiet}),
	}
	if err := s.underLoad(ctx); err != nil {
		return r, err
	}
	r.Seconds = time.Since(began).Seconds()
	return r, f.audit(ctx, &r)
}

// underLoad goes all the way while the fleet works.
func (s *steps) underLoad(ctx context.Context) error {
	if err := s.first(ctx); err != nil {
		return errors.Join(err, s.fleet.stop())
	}
	loaded, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() { defer close(ended); s.fleet.run(loaded, s.options.rate) }()
	err := s.all(ctx)
	stop()
	<-ended
	s.result.take(&s.fleet.counts)
	return errors.Join(err, s.fleet.stop())
}

// first is the version that is at Old: it writes the new column as soon as it is told.
func (s *steps) first(ctx context.Context) error {
	if s.options.reckless {
		return s.tell(ctx, dbcompat.Old)
	}
	if err := s.walk.Migrate(ctx); err != nil {
		return err
	}
	if err := s.walk.Create(ctx, s.fleet.column.Columns(), walk.Options{Fence: true}); err != nil {
		return err
	}
	return s.deploy(ctx, dbcompat.Old)
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
