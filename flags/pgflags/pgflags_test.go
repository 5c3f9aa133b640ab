package pgflags_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/pgflags"
	"github.com/handover-go/handover/internal/pgtest"
)

// healthCheck sleeps for half a second after a pool has closed a connection.
const healthCheck = "github.com/jackc/pgx/v5/pgxpool.(*Pool).triggerHealthCheck.func1"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction(healthCheck)) }

var pg = pgtest.New(pgtest.Config{})

// A store is a source and a watcher.
var _ interface {
	flags.Source
	flags.Watcher
} = (*pgflags.Store)(nil)

var by = pgflags.Change{Who: "ada", Why: "a test"}

// on is a flag that is on.
const on = `{"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on"}`

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

// fresh makes a database with the tables, and a pool of it.
func fresh(t testing.TB) *pgxpool.Pool {
	t.Helper()
	pool := open(t, pg.Database(t), 4)
	require.NoError(t, pgflags.New(pool, pgflags.Config{}).Migrate(t.Context()))
	return pool
}

func execute(t testing.TB, pool *pgxpool.Pool, sql string) {
	t.Helper()
	_, err := pool.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
}

// query returns the rows, the columns of each with spaces between.
func query(t testing.TB, pool *pgxpool.Pool, sql string) []string {
	t.Helper()
	rows, err := pool.Query(t.Context(), sql)
	require.NoError(t, err)
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
		values, err := row.Values()
		return strings.TrimSpace(fmt.Sprintln(values...)), err
	})
	require.NoError(t, err)
	return all
}

func load(t testing.TB, store *pgflags.Store) flags.Document {
	t.Helper()
	document, err := store.Load(t.Context())
	require.NoError(t, err)
	require.True(t, json.Valid(document.JSON), "%s", document.JSON)
	return document
}

// states says of each flag of a document whether it is enabled.
func states(t testing.TB, document flags.Document) string {
	t.Helper()
	var set struct {
		Flags map[string]struct{ State string }
	}
	require.NoError(t, json.Unmarshal(document.JSON, &set))
	all := map[string]string{}
	for key, flag := range set.Flags {
		all[key] = flag.State
	}
	return fmt.Sprint(all)
}

// watching has a store watch until the test ends, or stop is called, which returns what
// Watch has. It returns when Watch listens.
func watching(t testing.TB, store *pgflags.Store) (changed <-chan struct{}, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	told, ended := make(chan struct{}, 1000), make(chan error, 1)
	go func() { ended <- store.Watch(ctx, func() { told <- struct{}{} }) }()
	result, done := error(nil), false
	stop = func() error {
		if cancel(); !done {
			result, done = <-ended, true
		}
		return result
	}
	t.Cleanup(func() { _ = stop() })
	await(t, told)
	return told, stop
}

// patience is for a machine that is busy with other things.
const patience = 30 * time.Second

func await[T any](t testing.TB, c <-chan T) (value T) {
	t.Helper()
	select {
	case value = <-c:
	case <-time.After(patience):
		require.FailNow(t, "nothing came")
	}
	return value
}
