package pgprobes_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/internal/pgtest"
	"github.com/handover-go/handover/probes"
	"github.com/handover-go/handover/probes/pgprobes"
)

func TestAServerThatGoesAndComesBack(t *testing.T) {
	server := pgtest.New(pgtest.Config{}).For(t)
	pool := open(t, server.URL(), 2)
	checks := []probes.Check{
		pgprobes.Pool("pool", pool, pgprobes.Config{}),
		pgprobes.Server("server", parse(t, server.URL()), pgprobes.Config{}),
	}
	verdicts := func() string { return verdict(t, checks[0]) + ", " + verdict(t, checks[1]) }
	diary := []string{verdicts(), verdicts()}
	does := func(do func(context.Context) error) {
		require.NoError(t, do(t.Context()))
		diary = append(diary, verdicts())
	}
	does(server.Stop)
	does(server.Start)
	does(server.Kill)
	does(server.Start)
	// Between two looks: what has been kept is broken, and nobody is told.
	require.NoError(t, server.Stop(t.Context()))
	does(server.Start)
	require.Equal(t, []string{
		"pass, pass", "pass, pass", "down, down", "pass, pass", "down, down", "pass, pass", "pass, pass",
	}, diary)
}

func TestAServerThatIsDownIsNotSaturated(t *testing.T) {
	server := pgtest.New(pgtest.Config{}).For(t)
	pool := open(t, server.URL(), 1)
	defer fill(t, pool)()
	check := pgprobes.Pool("postgres", pool, pgprobes.Config{SaturatedFor: -1})
	require.Equal(t, "saturated (warns)", verdict(t, check))
	require.NoError(t, server.Kill(t.Context()))
	require.Equal(t, "down", verdict(t, check))
}

func TestAServerThatRefuses(t *testing.T) {
	database := pg.Database(t)
	starting := pg.Standby(pgtest.Config{Settings: map[string]string{"hot_standby": "off"}}).For(t)
	user := parse(t, database)
	user.User = "nobody"
	name := parse(t, database)
	name.Database = "none"
	setting := parse(t, database)
	setting.RuntimeParams["no_such_setting"] = "on"
	admin := connect(t, database)
	role := admin.Config().Database + "_role"
	execute(t, admin, "CREATE ROLE "+role+" LOGIN")
	execute(t, admin, "REVOKE EXECUTE ON FUNCTION pg_is_in_recovery FROM PUBLIC")
	little := parse(t, database)
	little.User = role
	tests := map[string]struct {
		server *pgx.ConnConfig
		want   string
	}{
		"a role that it does not know":     {user, "denied"},
		"a database that it does not have": {name, "denied"},
		"a setting that it does not know":  {setting, "error"},
		"a question":                       {little, "denied"},
		"everybody, for the moment":        {parse(t, starting.URL()), "not-accepting"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, test.want, verdict(t, pgprobes.Server("postgres", test.server, pgprobes.Config{})))
		})
	}
	execute(t, admin, "DROP ROLE "+role)
	require.NoError(t, admin.Close(t.Context()))
}

func TestAPrimaryThatTakesNoWrites(t *testing.T) {
	database := pg.Database(t)
	admin := connect(t, database)
	once := pgprobes.Config{Lifetime: -1}
	writer := pgprobes.Server("writer", parse(t, database), once)
	once.ReadOnly = true
	reader := pgprobes.Server("reader", parse(t, database), once)
	verdicts := func() string { return verdict(t, writer) + ", " + verdict(t, reader) }

	diary := []string{verdicts()}
	alter := "ALTER DATABASE " + admin.Config().Database + " SET default_transaction_read_only = "
	execute(t, admin, alter+"on")
	diary = append(diary, verdicts())
	require.EqualError(t, writer.Run(t.Context()), "read-only: pgprobes: check writer: "+
		"transactions are read-only, and writes are needed: default_transaction_read_only is on")
	execute(t, admin, alter+"off")
	diary = append(diary, verdicts())
	require.Equal(t, []string{"pass, pass", "read-only, pass", "pass, pass"}, diary)
	require.NoError(t, admin.Close(t.Context()))
}

// await asks a session until the condition is met, and takes no virtual time.
func await(t *testing.T, session *pgx.Conn, condition string) {
	t.Helper()
	for met := false; !met; {
		require.NoError(t, session.QueryRow(t.Context(), "SELECT coalesce("+condition+", false)").Scan(&met))
	}
}

// Virtual time: the age of what was replayed is the server's own, and more than a
// millisecond throughout; what goes by between two looks is said here.
func TestAStandby(t *testing.T) {
	primary := pgtest.New(pgtest.Config{}).For(t)
	execute(t, connect(t, primary.URL()), "CREATE ROLE app LOGIN")
	standby := primary.Standby(pgtest.Config{}).For(t)
	app := parse(t, standby.URL())
	app.User = "app"
	synctest.Test(t, func(t *testing.T) {
		settle(t)
		master, follower := connect(t, primary.URL()), connect(t, standby.URL())
		lag := pgprobes.Config{ReadOnly: true, MaxLag: time.Millisecond}
		checks := []probes.Check{
			pgprobes.Server("writer", parse(t, standby.URL()), pgprobes.Config{}),
			pgprobes.Server("reader", parse(t, standby.URL()), pgprobes.Config{ReadOnly: true}),
			pgprobes.Server("fresh", parse(t, standby.URL()), lag),
			pgprobes.Server("fresh", app, lag), // who sees little of pg_stat_wal_receiver
			pgprobes.Server("patient", app, pgprobes.Config{ReadOnly: true, MaxLag: time.Hour}),
		}
		verdicts := func() string {
			var all []string
			for _, check := range checks {
				all = append(all, verdict(t, check))
			}
			return strings.Join(all, ", ")
		}
		const (
			received = "pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn()"
			replayed = "pg_last_wal_receive_lsn() <= pg_last_wal_replay_lsn()"
			alone    = "NOT EXISTS (SELECT FROM pg_stat_wal_receiver)"
			quiet    = "clock_timestamp() - pg_last_xact_replay_timestamp() > '10 ms'"
		)
		execute(t, master, "CREATE TABLE first ()")
		await(t, follower, quiet)
		await(t, follower, replayed)
		require.Equal(t, "read-only, pass, pass, pass, pass", verdicts(), "a primary with nothing to do")

		execute(t, follower, "SELECT pg_wal_replay_pause()")
		execute(t, master, "CREATE TABLE second ()")
		await(t, follower, received)
		require.Equal(t, "read-only, pass, pass, pass, pass", verdicts(), "the first transaction after a quiet time")
		time.Sleep(2 * time.Hour)
		require.Equal(t, "read-only, pass, lagging, lagging, pass", verdicts(), "which is not replayed")
		require.ErrorContains(t, checks[2].Run(t.Context()), "lagging: pgprobes: check fresh: it is up to ")

		execute(t, follower, "SELECT pg_wal_replay_resume()")
		await(t, follower, replayed)
		require.Equal(t, "read-only, pass, pass, pass, pass", verdicts(), "which is")

		require.NoError(t, primary.Stop(t.Context()))
		await(t, follower, alone)
		require.Equal(t, "read-only, pass, pass, pass, pass", verdicts(), "it has just lost its primary")
		time.Sleep(time.Second)
		require.Equal(t, "read-only, pass, lagging, lagging, pass", verdicts(), "and what that does, it does not know")

		require.NoError(t, standby.Stop(t.Context()))
		require.NoError(t, standby.Start(t.Context()))
		require.Equal(t, "read-only, pass, lagging, lagging, pass", verdicts(), "nor does it know more when it is started again")
		later := pgprobes.Server("later", app, lag)
		require.EqualError(t, later.Run(t.Context()), "lagging: pgprobes: check later: "+
			"it has replayed nothing since it was started: how far it is behind is not known")

		follower = connect(t, standby.URL())
		execute(t, follower, "SELECT pg_promote()")
		require.Equal(t, "pass, pass, pass, pass, pass", verdicts(), "it is the primary")
	})
}
