package pgtest_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/internal/pgtest"
)

// diary is a test that writes down what it is told.
type diary struct {
	testing.TB // for what it is not told here: Context, Helper

	entries  []string
	cleanups []func()
}

func (d *diary) Cleanup(f func())                  { d.cleanups = append(d.cleanups, f) }
func (d *diary) Error(args ...any)                 { d.write("error", fmt.Sprint(args...)) }
func (d *diary) Errorf(format string, args ...any) { d.write("error", fmt.Sprintf(format, args...)) }
func (d *diary) Skip(args ...any)                  { d.end("skip", fmt.Sprint(args...)) }
func (d *diary) Fatal(args ...any)                 { d.end("fatal", fmt.Sprint(args...)) }
func (d *diary) Fatalf(format string, args ...any) { d.end("fatal", fmt.Sprintf(format, args...)) }

func (d *diary) write(what, text string) { d.entries = append(d.entries, what+": "+text) }

func (d *diary) end(how, text string) {
	d.write(how, text)
	runtime.Goexit()
}

// told runs a test, with its cleanups, and returns what it was told.
func told(t *testing.T, test func(testing.TB)) []string {
	t.Helper()
	d := &diary{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			for i := range d.cleanups {
				d.cleanups[len(d.cleanups)-1-i]()
			}
		}()
		test(d)
	}()
	<-done
	return d.entries
}

func TestWithoutPostgreSQL(t *testing.T) {
	const missing = "no PostgreSQL server is installed: run ./scripts/ensure postgres, or set PGBIN to the directory of its initdb"
	tests := map[string]struct{ ci, want string }{
		"a test is skipped":             {"", "skip: "},
		"a test of the CI fails":        {"true", "fatal: "},
		"only true is what CI is there": {"false", "skip: "},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			t.Setenv("PGBIN", dir)
			t.Setenv("CI", test.ci)
			t.Setenv(pgtest.Env, "")
			want := []string{test.want + "pgtest: make server: PGBIN=" + dir + " has not got all of initdb, postgres and pg_ctl: " + missing}
			server := pgtest.New(pgtest.Config{})
			require.Equal(t, want, told(t, func(tb testing.TB) { server.For(tb) }))
			require.Equal(t, want, told(t, func(tb testing.TB) { server.Database(tb) }))
			require.ErrorIs(t, server.Start(t.Context()), pgtest.ErrNotInstalled)
		})
	}
}

func TestWithoutPgBasebackupThereAreNoStandbys(t *testing.T) {
	installed(t)
	whole, err := exec.LookPath("initdb")
	if err != nil {
		found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
		if len(found) == 0 {
			require.NotEqual(t, "true", os.Getenv("CI"), "the binaries are in a place that this test does not know")
			t.Skip("the binaries are in a place that this test does not know")
		}
		whole = found[0]
	}
	whole, err = filepath.EvalSymlinks(whole)
	require.NoError(t, err)
	part := filepath.Join(t.TempDir(), "bin")
	require.NoError(t, os.Mkdir(part, 0o755))
	for _, name := range []string{"initdb", "postgres", "pg_ctl"} {
		require.NoError(t, os.Symlink(filepath.Join(filepath.Dir(whole), name), filepath.Join(part, name)))
	}
	t.Setenv("PGBIN", part)
	require.ErrorIs(t, pg.Standby(pgtest.Config{}).Start(t.Context()), pgtest.ErrNotInstalled)
}

// there reports whether a server has the database of a URL.
func there(t *testing.T, server *pgtest.Server, database string) bool {
	t.Helper()
	config, err := pgx.ParseConfig(database)
	require.NoError(t, err)
	return read(t, server.URL(), "SELECT count(*)::text FROM pg_database WHERE datname = '"+config.Database+"'") == "1"
}

func TestEachTestHasADatabaseOfItsOwn(t *testing.T) {
	var first, second string
	entries := told(t, func(tb testing.TB) {
		first, second = pg.Database(tb), pg.Database(tb)
		for _, database := range []string{first, second} {
			conn := connect(t, database)
			_, err := conn.Exec(t.Context(), "CREATE TABLE here ()")
			require.NoError(t, err)
			require.NoError(t, conn.Close(t.Context()))
			require.True(t, there(t, pg, database))
		}
	})
	require.Empty(t, entries)
	require.False(t, there(t, pg, first))
	require.False(t, there(t, pg, second))
}

func TestASessionThatIsLeftOpenFailsTheTest(t *testing.T) {
	var database string
	entries := told(t, func(tb testing.TB) {
		database = pg.Database(tb)
		connect(t, database)
	})
	require.Equal(t, []string{"error: pgtest: the test has left its database in use: There is 1 other session using the database."}, entries)
	require.False(t, there(t, pg, database), "it is dropped all the same")
}

func TestAServerThatWasStopped(t *testing.T) {
	server := pgtest.New(pgtest.Config{}).For(t)
	require.Empty(t, told(t, func(tb testing.TB) {
		server.Database(tb)
		require.NoError(t, server.Stop(t.Context()))
	}), "its databases need not be dropped")
	standby := server.Standby(pgtest.Config{}).For(t)
	require.Equal(t, "true", read(t, standby.URL(), "SELECT pg_is_in_recovery()::text"), "it is started for its standby")
}

func TestTheServerOfSomebodyElse(t *testing.T) {
	installed(t)
	t.Setenv(pgtest.Env, pg.URL())
	tests := map[string]struct {
		config pgtest.Config
		used   bool
	}{
		"is used by a test that only wants a database": {pgtest.Config{}, true},
		"is not used by one that has settings":         {pgtest.Config{Settings: map[string]string{"cluster_name": "mine"}}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server := pgtest.New(test.config)
			t.Cleanup(func() { require.NoError(t, server.Close()) })
			var database string
			require.Empty(t, told(t, func(tb testing.TB) {
				database = server.Database(tb)
				require.Equal(t, test.used, there(t, pg, database))
				require.Equal(t, test.used, server.URL() == "", "none is started beside it")
			}))
			require.False(t, there(t, pg, database))
		})
	}

	t.Setenv(pgtest.Env, "host=localhost user=me")
	require.Equal(t, []string{"fatal: pgtest: " + pgtest.Env + " is no URL: give one such as postgres://user@host:5432/postgres"},
		told(t, func(tb testing.TB) { pgtest.New(pgtest.Config{}).Database(tb) }))
}
