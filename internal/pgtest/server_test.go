package pgtest_test

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/internal/pgtest"
)

// healthCheck sleeps for half a second after a pool has closed a connection.
const healthCheck = "github.com/jackc/pgx/v5/pgxpool.(*Pool).triggerHealthCheck.func1"

func TestMain(m *testing.M) {
	_ = os.Unsetenv(pgtest.Env) // these tests are about servers of their own
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction(healthCheck))
}

var pg = pgtest.New(pgtest.Config{})

func connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

func execute(t testing.TB, url, sql string) {
	t.Helper()
	_, err := connect(t, url).Exec(t.Context(), sql)
	require.NoError(t, err)
}

// read returns the one value of a query.
func read(t testing.TB, url, sql string) (value string) {
	t.Helper()
	require.NoError(t, connect(t, url).QueryRow(t.Context(), sql).Scan(&value))
	return value
}

// directory is that of a server, which its URL has as the host.
func directory(t testing.TB, server *pgtest.Server) string {
	t.Helper()
	u, err := url.Parse(server.URL())
	require.NoError(t, err)
	return u.Query().Get("host")
}

func TestAServerKeepsWhatIsCommitted(t *testing.T) {
	server := pgtest.New(pgtest.Config{}).For(t)
	before := server.URL()
	tests := map[string]func(*pgtest.Server, context.Context) error{
		"stop":  (*pgtest.Server).Stop,
		"crash": (*pgtest.Server).Kill,
	}
	for name, end := range tests {
		t.Run("over a "+name, func(t *testing.T) {
			session := connect(t, before)
			_, err := session.Exec(t.Context(), "CREATE TABLE "+name+" AS SELECT 'it is' AS here")
			require.NoError(t, err)

			require.NoError(t, end(server, t.Context()))
			require.Error(t, session.Ping(t.Context()), "its sessions are ended")
			_, err = pgx.Connect(t.Context(), before)
			require.Error(t, err)

			require.NoError(t, server.Start(t.Context()))
			require.Equal(t, before, server.URL())
			require.Equal(t, "it is", read(t, before, "SELECT here FROM "+name))
		})
	}
}

func TestEverythingMayBeCalledTwiceAndBeforeTheStart(t *testing.T) {
	server := pgtest.New(pgtest.Config{})
	for range 2 {
		require.NoError(t, server.Stop(t.Context()))
		require.NoError(t, server.Kill(t.Context()))
		require.NoError(t, server.Close())
		require.Empty(t, server.URL())
	}
	server.For(t)
	var starts sync.WaitGroup
	for range 4 {
		starts.Go(func() {
			if err := server.Start(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	starts.Wait()
	first := directory(t, server)
	require.DirExists(t, first)

	for range 2 {
		require.NoError(t, server.Stop(t.Context()))
	}
	for range 2 {
		require.NoError(t, server.Close())
		require.NoDirExists(t, first)
		require.Empty(t, server.URL())
	}
	require.NoError(t, server.Start(t.Context()), "it may be started again")
	require.NotEqual(t, first, directory(t, server), "and is a new one")
}

func TestSettingsReachTheServer(t *testing.T) {
	server := pgtest.New(pgtest.Config{Settings: map[string]string{
		"max_connections":            "7",
		"cluster_name":               `it's a \back\slash`,
		"log_min_duration_statement": "-1",
	}}).For(t)
	require.Equal(t, "7", read(t, server.URL(), "SHOW max_connections"))
	require.Equal(t, `it's a \back\slash`, read(t, server.URL(), "SHOW cluster_name"))
	require.Equal(t, "off", read(t, server.URL(), "SHOW fsync"))
}

func TestAStartThatFailsSaysWhy(t *testing.T) {
	server := pgtest.New(pgtest.Config{Settings: map[string]string{"max_connections": "many"}})
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	installed(t)
	err := server.Start(t.Context())
	require.ErrorContains(t, err, "pgtest: start server: ")
	require.ErrorContains(t, err, `invalid value for parameter "max_connections": "many"`)
}

func TestAStartThatIsCancelled(t *testing.T) {
	installed(t)
	server := pgtest.New(pgtest.Config{})
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond) // in initdb
	defer cancel()
	require.ErrorIs(t, server.Start(ctx), context.DeadlineExceeded)
	require.Empty(t, server.URL(), "nothing is left of it")
	require.NoError(t, server.Start(t.Context()), "it may be started again")
}

func TestAStandbyFollows(t *testing.T) {
	primary := pg.Database(t)
	execute(t, primary, "CREATE TABLE first ()")
	standby := pg.Standby(pgtest.Config{Settings: map[string]string{"cluster_name": "second"}}).For(t)
	require.Equal(t, "second", read(t, standby.URL(), "SHOW cluster_name"))
	require.Equal(t, "true", read(t, standby.URL(), "SELECT pg_is_in_recovery()::text"))

	execute(t, primary, "CREATE TABLE second ()")
	there, err := url.Parse(standby.URL())
	require.NoError(t, err)
	here, err := url.Parse(primary)
	require.NoError(t, err)
	there.Path = here.Path
	follower := connect(t, there.String())
	require.Eventually(t, func() bool {
		_, err := follower.Exec(t.Context(), "TABLE second")
		return err == nil
	}, time.Minute, 5*time.Millisecond)
	_, err = follower.Exec(t.Context(), "CREATE TABLE third ()")
	require.ErrorContains(t, err, "read-only")
	require.NoError(t, follower.Close(t.Context())) // or the database cannot be dropped there
}

func TestAServerIsNobodyElses(t *testing.T) {
	installed(t)
	dir := directory(t, pg)
	info, err := os.Stat(dir)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	sockets, err := filepath.Glob(filepath.Join(dir, ".s.PGSQL.*[0-9]"))
	require.NoError(t, err)
	require.Len(t, sockets, 1)
}

// installed skips a test that is of no use without a server, as For does.
func installed(t *testing.T) {
	t.Helper()
	pg.Database(t)
}
