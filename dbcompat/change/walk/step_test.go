package walk_test

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/backfill"
	"github.com/handover-go/handover/dbcompat/change/walk"
	"github.com/handover-go/handover/dbcompat/heal"
)

// session is that of another program.
func session(t testing.TB, pool *pgxpool.Pool, application string) *pgx.Conn {
	t.Helper()
	config := pool.Config().ConnConfig
	config.RuntimeParams["application_name"] = application
	conn, err := pgx.ConnectConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

// plain has a number where there is one of the moment.
func plain(text string) string {
	for pattern, with := range map[string]string{
		`\d\d:\d\d:\d\d`:                    "T",
		`pid \d+|pid \[[\d ]+\]`:            "pid N",
		`backend\(\d+\)`:                    "backend(N)",
		`[\d.]+(ms|s) ago`:                  "D ago",
		`holds \w+ on \w+: .*?: wait, or`:   "holds L: wait, or",
		`, for [\d.]+m?s, `:                 ", for D, ",
		`statement -?\d+ `:                  "statement N ",
		`up to [0-9A-F/]+, .*of [0-9A-F/]+`: "up to L1, and the verification is of L2",
	} {
		text = regexp.MustCompile(pattern).ReplaceAllString(text, with)
	}
	return text
}

// A step has something missing, which is said, and then it has not.
type step struct {
	from   dbcompat.Stage
	before func(*testing.T, *pgxpool.Pool, *walk.Walk)
	call   func(context.Context, *walk.Walk) error
	lacks  string
	mend   func(*testing.T, *pgxpool.Pool, *walk.Walk)
}

func advance(s dbcompat.Stage) func(context.Context, *walk.Walk) error {
	return func(ctx context.Context, w *walk.Walk) error { return w.Advance(ctx, s) }
}

func rollback(s dbcompat.Stage) func(context.Context, *walk.Walk) error {
	return func(ctx context.Context, w *walk.Walk) error { return w.Rollback(ctx, s) }
}

func sql(text string) func(*testing.T, *pgxpool.Pool, *walk.Walk) {
	return func(t *testing.T, pool *pgxpool.Pool, _ *walk.Walk) { execute(t, pool, text) }
}

func both(all ...func(*testing.T, *pgxpool.Pool, *walk.Walk)) func(*testing.T, *pgxpool.Pool, *walk.Walk) {
	return func(t *testing.T, pool *pgxpool.Pool, w *walk.Walk) {
		for _, f := range all {
			f(t, pool, w)
		}
	}
}

func joined(name string, least, most dbcompat.Stage) func(*testing.T, *pgxpool.Pool, *walk.Walk) {
	return func(t *testing.T, pool *pgxpool.Pool, _ *walk.Walk) { instance(t, pool, name, least, most) }
}

func acknowledged(t *testing.T, pool *pgxpool.Pool, _ *walk.Walk) { acknowledge(t, pool) }

func filled(t *testing.T, _ *pgxpool.Pool, w *walk.Walk) { fill(t, w) }

func declared(kind walk.Kind, name string) func(*testing.T, *pgxpool.Pool, *walk.Walk) {
	return func(t *testing.T, _ *pgxpool.Pool, w *walk.Walk) {
		require.NoError(t, w.Declare(t.Context(), kind, name))
	}
}

func withdrawn(kind walk.Kind, name string) func(*testing.T, *pgxpool.Pool, *walk.Walk) {
	return func(t *testing.T, _ *pgxpool.Pool, w *walk.Walk) {
		require.NoError(t, w.Withdraw(t.Context(), kind, name))
	}
}

func connected(name string) func(*testing.T, *pgxpool.Pool, *walk.Walk) {
	return func(t *testing.T, pool *pgxpool.Pool, _ *walk.Walk) { session(t, pool, name) }
}

func healed(quiet time.Duration) func(*testing.T, *pgxpool.Pool, *walk.Walk) {
	return func(t *testing.T, pool *pgxpool.Pool, _ *walk.Walk) {
		require.NoError(t, heal.New(pool, displayName, dbcompat.Fixed(dbcompat.Old), heal.Config{Quiet: quiet}).Install(t.Context()))
	}
}

func unhealed(t *testing.T, pool *pgxpool.Pool, _ *walk.Walk) {
	require.NoError(t, heal.New(pool, displayName, dbcompat.Fixed(dbcompat.Old), heal.Config{}).Remove(t.Context()))
}

func moved(s dbcompat.Stage) func(*testing.T, *pgxpool.Pool, *walk.Walk) {
	return func(t *testing.T, _ *pgxpool.Pool, w *walk.Walk) {
		state, err := w.State(t.Context())
		require.NoError(t, err)
		if s > state.Stage {
			require.NoError(t, w.Advance(t.Context(), s))
		} else {
			require.NoError(t, w.Rollback(t.Context(), s))
		}
		require.NoError(t, w.Settle(t.Context()))
	}
}

func TestWhatAStepAsksFor(t *testing.T) {
	const running = `INSERT INTO handover.backfills (name, statement, stage, state, runner) VALUES ('public.users: name -> display_name', '', '', 'running', 'job 1')
		ON CONFLICT (name) DO UPDATE SET state = 'running', runner = 'job 1'`
	const cancelled = "UPDATE handover.backfills SET state = 'cancelled'"
	hide := func(ctx context.Context, w *walk.Walk) error { return w.Hide(ctx) }
	drop := func(ctx context.Context, w *walk.Walk) error { return w.Drop(ctx) }
	remove := func(ctx context.Context, w *walk.Walk) error { return w.Delete(ctx) }
	settle := func(ctx context.Context, w *walk.Walk) error { return w.Settle(ctx) }
	hidden := func(t *testing.T, _ *pgxpool.Pool, w *walk.Walk) { require.NoError(t, w.Hide(t.Context())) }

	pool := open(t, pg.Database(t))
	self := pool.Config().ConnConfig.User
	for name, c := range map[string]step{
		"to dual-write the new column has to be there": {
			dbcompat.Old, sql("ALTER TABLE users RENAME display_name TO other"), advance(dbcompat.DualWrite),
			`column display_name is not there: add it to "users", or correct the name`,
			sql("ALTER TABLE users RENAME other TO display_name"),
		},
		"to dual-write an old program has to be able to insert": {
			dbcompat.Old, sql("UPDATE users SET display_name = name; ALTER TABLE users ALTER display_name SET NOT NULL"), advance(dbcompat.DualWrite),
			`column display_name is NOT NULL and has no default, so that a program which does not write it can insert no row: ALTER TABLE "users" ALTER COLUMN "display_name" DROP NOT NULL`,
			sql("ALTER TABLE users ALTER display_name SET DEFAULT ''"),
		},
		"to dual-write the new column has to be written": {
			dbcompat.Old, sql("ALTER TABLE users DROP display_name; ALTER TABLE users ADD display_name text GENERATED ALWAYS AS (name) STORED"), advance(dbcompat.DualWrite),
			"column display_name is generated, so that nobody can write it: make it a plain one",
			sql("ALTER TABLE users ALTER display_name DROP EXPRESSION"),
		},
		"everybody has to be able to do the stage": {
			dbcompat.Old, both(joined("web-1", dbcompat.Old, dbcompat.Old), joined("web-2", dbcompat.Old, dbcompat.New)), advance(dbcompat.DualWrite),
			"web-1 (v1) cannot do dual-write: its code is for old to old: replace it by a version that can",
			sql("DELETE FROM handover.change_instances WHERE id = 'web-1'"),
		},
		"also the way back": {
			dbcompat.New, joined("web-1", dbcompat.New, dbcompat.New), rollback(dbcompat.ReadNew),
			"web-1 (v1) cannot do read-new: its code is for new to new: replace it by a version that can",
			sql("DELETE FROM handover.change_instances WHERE id = 'web-1'"),
		},
		"who is silent has to be able to do it, as long as it may be there": {
			dbcompat.Old, both(joined("web-1", dbcompat.Old, dbcompat.Old), func(t *testing.T, pool *pgxpool.Pool, _ *walk.Walk) {
				execute(t, session(t, pool, "app"), "BEGIN")
				lapseIn(t, pool, "web-1")
			}), advance(dbcompat.DualWrite),
			"web-1 (v1) cannot do dual-write: its code is for old to old: replace it by a version that can",
			sql("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'app'"),
		},
		"a declared writer that is seen keeps it where it is": {
			dbcompat.Old, both(declared(walk.Writer, "v0"), connected("v0")), advance(dbcompat.DualWrite),
			"the declared writer v0 is connected, pid N, and writes the old columns alone: stop it, or withdraw it if it writes both",
			sql("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'v0'"),
		},
		"by its role too": {
			dbcompat.Old, both(declared(walk.Writer, self), connected("psql")), advance(dbcompat.DualWrite),
			"the declared writer SELF is connected, pid N, and writes the old columns alone: stop it, or withdraw it if it writes both",
			withdrawn(walk.Writer, self),
		},
		"a verification has to be there": {
			dbcompat.DualWrite, nil, advance(dbcompat.ReadNew),
			"the verification is not there: fill new from old, as nobody is at old any more, and verify",
			filled,
		},
		"it has to be of after the last moment of old": {
			dbcompat.DualWrite, both(filled, moved(dbcompat.Old), moved(dbcompat.DualWrite)), advance(dbcompat.ReadNew),
			"the verification is from T, at dual-write, and the change has settled at dual-write since: fill new from old, as nobody is at old any more, and verify",
			filled,
		},
		"it has to have found nothing": {
			dbcompat.DualWrite, func(t *testing.T, _ *pgxpool.Pool, w *walk.Walk) {
				_, err := w.Verify(t.Context(), backfill.Config{})
				require.NoError(t, err)
			}, advance(dbcompat.ReadNew),
			"the verification has found 20 rows that differ: [id = 1 id = 2 id = 3 id = 4 id = 5 id = 6 id = 7 id = 8 id = 9 id = 10]: fill new from old, as nobody is at old any more, and verify",
			filled,
		},
		"the trigger has to be quiet": {
			dbcompat.DualWrite, both(filled, healed(0)), advance(dbcompat.ReadNew),
			"the trigger of package heal is still needed: it has been quiet for 0s only: find who writes the old columns alone",
			unhealed,
		},
		"a back-fill that is under way writes by a stage": {
			dbcompat.DualWrite, both(filled, sql(running)), advance(dbcompat.ReadNew),
			"a back-fill is under way (job 1), and writes by a stage that would be gone: wait for it, or cancel it",
			sql(cancelled),
		},
		"also the way back to old": {
			dbcompat.DualWrite, both(filled, sql(running)), rollback(dbcompat.Old),
			"a back-fill is under way (job 1), and writes by a stage that would be gone: wait for it, or cancel it",
			sql(cancelled),
		},
		"a replica that is not connected": {
			dbcompat.DualWrite, both(filled, sql("SELECT pg_create_physical_replication_slot('standby', true)")), advance(dbcompat.ReadNew),
			"replica standby is not connected, but has a slot: its readers would see what is old: wait, or if there is none any more: SELECT pg_drop_replication_slot('standby')",
			sql("SELECT pg_drop_replication_slot('standby')"),
		},
		"to new an insert has to do without old": {
			dbcompat.ReadNew, sql("ALTER TABLE users ALTER name SET NOT NULL"), advance(dbcompat.New),
			`column name is NOT NULL and has no default, so that a program which does not write it can insert no row: ALTER TABLE "users" ALTER COLUMN "name" DROP NOT NULL`,
			sql("ALTER TABLE users ALTER name DROP NOT NULL"),
		},
		"to new the trigger has to be removed, however quiet": {
			dbcompat.ReadNew, healed(-1), advance(dbcompat.New),
			"the trigger of package heal takes what New inserts for an old writer's: remove it",
			unhealed,
		},
		"to new all readers have to be told": {
			dbcompat.ReadNew, declared(walk.Reader, "debezium"), advance(dbcompat.New),
			"the declared reader debezium reads the old columns: have it read the new ones, and withdraw it",
			withdrawn(walk.Reader, "debezium"),
		},
		"back from new old has to be filled": {
			dbcompat.New, moved(dbcompat.ReadNew), rollback(dbcompat.DualWrite),
			"the verification is from T, at dual-write, and the change has settled at read-new since: fill old from new, as instances at new have left it alone, and verify",
			filled,
		},
		"not if nobody has been at new":            {dbcompat.ReadNew, nil, rollback(dbcompat.DualWrite), "", nil},
		"back from new nothing, if not yet hidden": {dbcompat.New, nil, rollback(dbcompat.ReadNew), "", nil},
		"back from new the columns have to be there": {
			dbcompat.New, hidden, rollback(dbcompat.ReadNew),
			"the old columns are hidden: show them first",
			func(t *testing.T, _ *pgxpool.Pool, w *walk.Walk) { require.NoError(t, w.Show(t.Context())) },
		},
		"all things are said at once": {
			dbcompat.ReadNew, both(sql("ALTER TABLE users ALTER name SET NOT NULL"), declared(walk.Reader, "debezium"), joined("web-1", dbcompat.ReadNew, dbcompat.ReadNew)), advance(dbcompat.New),
			`web-1 (v1) cannot do new: its code is for read-new to read-new: replace it by a version that can
column name is NOT NULL and has no default, so that a program which does not write it can insert no row: ALTER TABLE "users" ALTER COLUMN "name" DROP NOT NULL
the declared reader debezium reads the old columns: have it read the new ones, and withdraw it`,
			both(sql("DELETE FROM handover.change_instances; ALTER TABLE users ALTER name SET DEFAULT ''"), withdrawn(walk.Reader, "debezium")),
		},

		"to hide, all has to be at new": {
			dbcompat.ReadNew, nil, hide,
			"the change is at read-new: advance to new, and wait",
			moved(dbcompat.New),
		},
		"to hide, no code may name the column": {
			dbcompat.New, joined("web-1", dbcompat.Old, dbcompat.New), hide,
			"web-1 (v1) has code for the old columns: it does old to new: replace it by a version whose Min is New",
			sql("UPDATE handover.change_instances SET min_stage = 4"),
		},
		"to hide, nobody may be declared": {
			dbcompat.New, declared(walk.Reader, "bi"), hide,
			"the declared reader bi reads the old columns: have it read the new ones, and withdraw it",
			withdrawn(walk.Reader, "bi"),
		},
		"to hide, no view and no function may refer to it, but an index may": {
			dbcompat.New, sql("CREATE VIEW names AS SELECT name FROM users; CREATE INDEX ON users (name); CREATE FUNCTION greet() RETURNS text LANGUAGE sql AS 'SELECT name FROM users'"), hide,
			`view names refers to the column (drop column users.name): change it so that it does without the column, or drop it
function greet() refers to the column (drop column users.name): its text has the word: change it, or name it in DropColumn.Accept`,
			sql("DROP VIEW names; DROP FUNCTION greet()"),
		},
		"to hide, the table has to be had": {
			dbcompat.New, func(t *testing.T, pool *pgxpool.Pool, _ *walk.Walk) {
				execute(t, session(t, pool, "report"), "BEGIN; SELECT FROM users")
			}, hide,
			`pid N, SELF, "report", idle in transaction, for D, holds L: wait, or end it: SELECT pg_terminate_backend(N)`,
			sql("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'report'"),
		},
		"to drop, they have to be hidden": {
			dbcompat.New, nil, drop,
			"the old columns are not hidden: hide them first, and see who complains",
			both(hidden, sql("UPDATE handover.changes SET hidden_at = hidden_at - interval '1 day'")),
		},
		"to drop, they have to have been hidden for long": {
			dbcompat.New, hidden, drop,
			"the old columns have been hidden for 0s only: wait for another 24h0m0s",
			sql("UPDATE handover.changes SET hidden_at = hidden_at - interval '1 day'"),
		},
		"to drop, nothing at all may refer to it": {
			dbcompat.New, both(sql("CREATE INDEX by_name ON users (name)"), hidden, sql("UPDATE handover.changes SET hidden_at = hidden_at - interval '1 day'")), drop,
			"index by_name refers to the column (drop column users.hidden_1_name): DropIndex before this",
			sql("DROP INDEX by_name"),
		},
		"to drop, nobody of before may have come back": {
			dbcompat.New, both(hidden, joined("web-1", dbcompat.Old, dbcompat.New), sql("UPDATE handover.changes SET hidden_at = hidden_at - interval '1 day'")), drop,
			"web-1 (v1) has code for the old columns: it does old to new: replace it by a version whose Min is New",
			sql("DELETE FROM handover.change_instances"),
		},

		"to delete, it has to be over, or not begun": {
			dbcompat.DualWrite, nil, remove,
			"the change is at dual-write: walk it to its end, or back to old",
			moved(dbcompat.Old),
		},
		"to delete, nobody may have joined": {
			dbcompat.Old, joined("web-1", dbcompat.Old, dbcompat.New), remove,
			"web-1 (v1) has joined it: deploy a version that does without, or stop it",
			sql("DELETE FROM handover.change_instances"),
		},
		"to delete, the columns are there or gone": {
			dbcompat.New, hidden, remove,
			"the old columns are hidden: show them, or drop them",
			func(t *testing.T, _ *pgxpool.Pool, w *walk.Walk) { require.NoError(t, w.Show(t.Context())) },
		},

		"to settle, all have to acknowledge": {
			dbcompat.Old, both(joined("web-1", dbcompat.Old, dbcompat.New), joined("web-2", dbcompat.Old, dbcompat.New), func(t *testing.T, pool *pgxpool.Pool, w *walk.Walk) {
				require.NoError(t, w.Advance(t.Context(), dbcompat.DualWrite))
				acknowledge(t, pool, "web-1")
			}), settle,
			"web-2 (v1) has not acknowledged dual-write: it has not looked yet, or a transaction of old is open in it: wait, and if it stays like this look for its longest transaction",
			acknowledged,
		},
		"a move waits for the one before": {
			dbcompat.Old, both(joined("web-1", dbcompat.Old, dbcompat.New), func(t *testing.T, pool *pgxpool.Pool, w *walk.Walk) {
				require.NoError(t, w.Advance(t.Context(), dbcompat.DualWrite))
			}), rollback(dbcompat.Old),
			"web-1 (v1) has not acknowledged dual-write: it has not looked yet, or a transaction of old is open in it: wait, and if it stays like this look for its longest transaction",
			acknowledged,
		},
		"who is silent is there as long as a transaction from before is": {
			dbcompat.Old, both(joined("web-1", dbcompat.Old, dbcompat.New), moved0, func(t *testing.T, pool *pgxpool.Pool, _ *walk.Walk) {
				execute(t, session(t, pool, "app"), "BEGIN")
				lapseIn(t, pool, "web-1")
			}), settle,
			"web-1 (v1) has let its lease lapse D ago, and pid N (app, idle in transaction since T) may be a transaction of it: wait, or end it: SELECT pg_terminate_backend(N)",
			sql("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'app'"),
		},
		"a transaction from after its lease is none of it": {
			dbcompat.Old, both(joined("web-1", dbcompat.Old, dbcompat.New), moved0, func(t *testing.T, pool *pgxpool.Pool, _ *walk.Walk) {
				lapse(t, pool, "web-1")
				execute(t, session(t, pool, "app"), "BEGIN")
			}), settle, "", nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := again(t, pool, patient, walk.Options{})
			to(t, pool, w, c.from)
			if c.before != nil {
				c.before(t, pool, w)
			}
			if c.lacks != "" {
				was := query(t, pool, "SELECT * FROM handover.changes")
				err := c.call(t.Context(), w)
				require.Equal(t, c.lacks, strings.ReplaceAll(plain(missing(err)), self, "SELF"))
				var notReady *walk.NotReadyError
				require.ErrorAs(t, err, &notReady)
				require.Equal(t, was, query(t, pool, "SELECT * FROM handover.changes"), "something has been touched")
				c.mend(t, pool, w)
			}
			require.NoError(t, c.call(t.Context(), w))
			require.NoError(t, c.call(t.Context(), w), "once more")
		})
	}
}

func moved0(t *testing.T, _ *pgxpool.Pool, w *walk.Walk) {
	require.NoError(t, w.Advance(t.Context(), dbcompat.DualWrite))
}

// lapseIn has an instance's lease end now.
func lapseIn(t testing.TB, pool *pgxpool.Pool, name string) {
	t.Helper()
	execute(t, pool, "UPDATE handover.change_instances SET expires_at = clock_timestamp() WHERE id = '"+name+"'")
}
