package pgprobes_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/internal/pgtest"
	"github.com/handover-go/handover/probes"
)

// healthCheck sleeps for half a second after a pool has closed a connection.
const healthCheck = "github.com/jackc/pgx/v5/pgxpool.(*Pool).triggerHealthCheck.func1"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction(healthCheck)) }

var pg = pgtest.New(pgtest.Config{})

// open makes a pool of n connections.
func open(t testing.TB, url string, n int32) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(url)
	require.NoError(t, err)
	config.MaxConns = n
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

// fill takes all connections of a pool, until release is called.
func fill(t testing.TB, pool *pgxpool.Pool) (release func()) {
	t.Helper()
	var taken []*pgxpool.Conn
	for range pool.Config().MaxConns {
		conn, err := pool.Acquire(t.Context())
		require.NoError(t, err)
		taken = append(taken, conn)
	}
	return func() {
		for _, conn := range taken {
			conn.Release()
		}
	}
}

func parse(t testing.TB, url string) *pgx.ConnConfig {
	t.Helper()
	config, err := pgx.ParseConfig(url)
	require.NoError(t, err)
	return config
}

func connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

func execute(t testing.TB, conn *pgx.Conn, sql string) {
	t.Helper()
	_, err := conn.Exec(t.Context(), sql)
	require.NoError(t, err)
}

// verdict runs a check once and says what a probe would: "pass", "down", "saturated
// (warns)", "error".
func verdict(t testing.TB, check probes.Check) string {
	t.Helper()
	err := check.Run(t.Context())
	if err == nil {
		return "pass"
	}
	require.ErrorContains(t, err, "pgprobes: check "+check.Name+": ")
	reason, ok := errors.AsType[*probes.ReasonError](err)
	switch {
	case !ok:
		return "error"
	case reason.Degrading:
		return fmt.Sprintf("%s (warns)", reason.Reason)
	}
	return reason.Reason
}
