package promdbcompat_test

import (
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/change/walk"
	"github.com/handover-go/handover/internal/pgtest"
)

// healthCheck sleeps for half a second after a pool has closed a connection.
const healthCheck = "github.com/jackc/pgx/v5/pgxpool.(*Pool).triggerHealthCheck.func1"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction(healthCheck)) }

var pg = pgtest.New(pgtest.Config{})

var displayName = dbcompat.Columns{Table: "users", Key: []string{"id"}, Old: []string{"name"}, New: []string{"display_name"}}

const users = `CREATE TABLE users (id int PRIMARY KEY, name text, display_name text);
	INSERT INTO users SELECT i, 'user ' || i FROM generate_series(1, 20) AS i`

// begun is a change in a database.
func begun(t *testing.T, url string) (*pgxpool.Pool, *walk.Walk) {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	execute(t, pool, users)
	w := walk.New(pool, "users-name", walk.Config{Poll: 10 * time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, w.Migrate(t.Context()))
	require.NoError(t, w.Create(t.Context(), displayName, walk.Options{}))
	return pool, w
}

func execute(t *testing.T, pool *pgxpool.Pool, sql string) {
	t.Helper()
	_, err := pool.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err, sql)
}

func registry(t *testing.T, collectors ...prometheus.Collector) *prometheus.Registry {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	for _, c := range collectors {
		require.NoError(t, r.Register(c))
	}
	return r
}

// sees are the series that are not zero, a line for each; of times, that there is one.
func sees(t *testing.T, metrics prometheus.Gatherer) string {
	t.Helper()
	families, err := metrics.Gather()
	require.NoError(t, err)
	var lines []string
	for _, family := range families {
		for _, m := range family.GetMetric() {
			value := m.GetGauge().GetValue() + m.GetCounter().GetValue()
			if value == 0 {
				continue
			}
			name := strings.TrimPrefix(family.GetName(), "handover_dbcompat_")
			for _, label := range m.GetLabel() {
				if label.GetName() != "change" {
					name += " " + label.GetValue()
				}
			}
			number := fmt.Sprint(value)
			if timed.MatchString(name) {
				number = "some"
			}
			lines = append(lines, name+" "+number)
		}
	}
	return strings.Join(lines, "\n")
}

var timed = regexp.MustCompile("_seconds|per_second")
