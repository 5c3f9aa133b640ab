package backfill_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/backfill"
)

func TestZZTenants(t *testing.T) {
	url := pg.Database(t)
	tenant := func(schema string) *pgxpool.Pool {
		config, err := pgxpool.ParseConfig(url)
		require.NoError(t, err)
		config.MaxConns = 3
		config.ConnConfig.RuntimeParams["search_path"] = schema
		pool, err := pgxpool.NewWithConfig(t.Context(), config)
		require.NoError(t, err)
		t.Cleanup(pool.Close)
		execute(t, pool, "CREATE SCHEMA "+schema+`; CREATE TABLE users (id bigint PRIMARY KEY, name text, label text);
		INSERT INTO users SELECT i, 'name' || i FROM generate_series(1, 100) i`)
		return pool
	}
	a, b := tenant("a"), tenant("b")
	ctx, stop := context.WithCancel(t.Context())
	n := 0
	first := backfill.New(a, name, func(context.Context) (dbcompat.Stage, error) {
		if n++; n == 6 {
			stop()
		}
		return dbcompat.DualWrite, nil
	}, backfill.Config{Start: 10, Most: 10})
	require.ErrorIs(t, first.Run(ctx), context.Canceled)
	second := backfill.New(b, name, dual, backfill.Config{})
	require.NoError(t, second.Run(t.Context()))
	require.Equal(t, "0", one(t, b, "SELECT count(*) FROM users WHERE label IS NULL"))
}

func TestZZTwoNames(t *testing.T) {
	pool := users(t, 100)
	full := name
	full.Table = "public.users"
	require.NoError(t, backfill.New(pool, name, dual, backfill.Config{}).Run(t.Context()))
	s := status(t, backfill.New(pool, full, dual, backfill.Config{}))
	require.Equal(t, backfill.Done, s.State)
}

func TestZZTurnAtTheEnd(t *testing.T) {
	pool := users(t, 100)
	n := 0
	fill := backfill.New(pool, name, func(context.Context) (dbcompat.Stage, error) {
		if n++; n > 2 {
			return dbcompat.Old, nil
		}
		return dbcompat.DualWrite, nil
	}, backfill.Config{})
	_, err := fill.Verify(t.Context())
	require.ErrorIs(t, err, backfill.ErrTurned)
}

func TestZZMost(t *testing.T) {
	require.NoError(t, backfill.New(users(t, 10), name, dual, backfill.Config{Most: 100}).Run(t.Context()))
}

func TestZZDDL(t *testing.T) { // concurrent DDL during batches
	pool := users(t, 20000)
	n := 0
	fill := backfill.New(pool, name, func(ctx context.Context) (dbcompat.Stage, error) {
		n++
		switch n {
		case 5:
			_, err := pool.Exec(ctx, "ALTER TABLE users ADD COLUMN more text")
			return dbcompat.DualWrite, err
		case 8:
			_, err := pool.Exec(ctx, "ALTER TABLE users ALTER COLUMN id TYPE int")
			return dbcompat.DualWrite, err
		case 12:
			_, err := pool.Exec(ctx, "ALTER TABLE users ALTER COLUMN label SET DEFAULT 'x'")
			return dbcompat.DualWrite, err
		}
		return dbcompat.DualWrite, nil
	}, backfill.Config{Start: 500, Most: 500})
	require.NoError(t, fill.Run(t.Context()))
	require.Zero(t, verified(t, fill).Mismatches)
}

func TestZZLease(t *testing.T) {
	pool := users(t, 10)
	_, release := lock(t, pool, "id = 5")
	defer release()
	fill := backfill.New(pool, name, dual, backfill.Config{Attempts: 7, LockTimeout: 20 * time.Millisecond})
	ended := make(chan error, 1)
	go func() { ended <- fill.Run(t.Context()) }()
	lease := func() string { return one(t, pool, "SELECT max(leased_until) FROM handover.backfills WHERE runner <> ''") }
	require.Eventually(t, func() bool { return one(t, pool, "SELECT count(*) FROM pg_locks WHERE NOT granted") != "0" }, time.Minute, time.Millisecond)
	was := lease()
	require.Eventually(t, func() bool { return lease() > was }, 2*time.Second, 10*time.Millisecond)
	<-ended
}
