package pgramp_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/pgflags"
	"github.com/handover-go/handover/flags/ramp"
	"github.com/handover-go/handover/flags/ramp/pgramp"
	"github.com/handover-go/handover/internal/pgtest"
)

// healthCheck sleeps for half a second after a pool has closed a connection.
const healthCheck = "github.com/jackc/pgx/v5/pgxpool.(*Pool).triggerHealthCheck.func1"

// This binary is also the program whose instances the tests start and kill.
func TestMain(m *testing.M) {
	if dir := os.Getenv(envInstance); dir != "" {
		os.Exit(instance(dir))
	}
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction(healthCheck))
}

var pg = pgtest.New(pgtest.Config{})

const key = "new-checkout"

var newCheckout = flags.Bool(key, false)

var by = pgflags.Change{Who: "ada", Why: "a test"}

func open(t testing.TB, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

// fresh makes a database with the tables, and with the flag at 0 %.
func fresh(t testing.TB, url string) *pgxpool.Pool {
	t.Helper()
	pool := open(t, url)
	require.NoError(t, pgflags.New(pool, pgflags.Config{}).Migrate(t.Context()))
	require.NoError(t, pgramp.New(pool, pgramp.Config{}).Migrate(t.Context()))
	reset(t, pool)
	return pool
}

// reset has the flag at 0 %, and nothing else.
func reset(t testing.TB, pool *pgxpool.Pool) {
	t.Helper()
	execute(t, pool, `DELETE FROM handover.ramps; DELETE FROM handover.ramp_instances; DELETE FROM handover.ramp_leaders;
		DELETE FROM handover.ramp_audit; DELETE FROM handover.flags; DELETE FROM handover.flag_audit;
		INSERT INTO handover.flags (key, enabled, rollout_percentage) VALUES ('new-checkout', true, 0)`)
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

func one(t testing.TB, pool *pgxpool.Pool, sql string) string {
	t.Helper()
	all := query(t, pool, sql)
	require.Len(t, all, 1)
	return all[0]
}

const (
	share = "SELECT rollout_percentage::text FROM handover.flags"
	audit = "SELECT who, new ->> 'state', new ->> 'share', why FROM handover.ramp_audit ORDER BY id"
)

// member is an instance that has what it takes.
func member(id string) ramp.Instance {
	return ramp.Instance{ID: id, Version: "1", Flags: map[string]ramp.Seen{key: {Type: "boolean", Set: "1"}}}
}

// attend attends, and returns what there is.
func attend(t testing.TB, s *pgramp.Store, id string, ttl time.Duration) ramp.Fleet {
	t.Helper()
	fleet, err := s.Attend(t.Context(), ramp.Call{Me: member(id), TTL: ttl, Keys: []string{key}})
	require.NoError(t, err)
	return fleet
}
