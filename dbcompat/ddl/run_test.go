package ddl_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat/ddl"
	"github.com/handover-go/handover/internal/pgtest"
)

func run(t testing.TB, pool *pgxpool.Pool, ops ...ddl.Operation) error {
	t.Helper()
	return ddl.New(pool, ddl.Config{Logger: silent, Pause: time.Millisecond}).Run(t.Context(), ops...)
}

func plan(t testing.TB, pool *pgxpool.Pool, ops ...ddl.Operation) ddl.Plan {
	t.Helper()
	plan, err := ddl.New(pool, impatient).Plan(t.Context(), ops...)
	require.NoError(t, err)
	return plan
}

func TestEachOperationIsDoneOnceAndUndone(t *testing.T) {
	tests := map[string]struct {
		before string
		op     ddl.Operation
		want   []string
	}{
		"a column": {op: ddl.AddColumn{Table: "users", Column: "Display Name", Type: "numeric(10,2)"}, want: []string{"+ column Display Name numeric(10,2)"}},
		"a default": {
			op:   ddl.SetDefault{Table: "users", Column: "name", Default: "'it''s'"},
			want: []string{"- column name text", "+ column name text default 'it''s'::text"},
		},
		"another default": {
			before: "ALTER TABLE users ALTER name SET DEFAULT 'old'",
			op:     ddl.SetDefault{Table: "users", Column: "name", Default: "'new'"},
			want:   []string{"- column name text default 'old'::text", "+ column name text default 'new'::text"},
		},
		"a column that may be NULL": {
			before: "ALTER TABLE users ALTER name SET NOT NULL",
			op:     ddl.DropNotNull{Table: "users", Column: "name"},
			want:   []string{"- column name text not null", "+ column name text"},
		},
		"a column that may not be NULL": {
			op:   ddl.SetNotNull{Table: "users", Column: "name"},
			want: []string{"- column name text", "+ column name text not null"},
		},
		"a check": {
			op:   ddl.Check{Table: "users", Name: "long", Expression: "length(name) > 1"},
			want: []string{"+ constraint long CHECK ((length(name) > 1))"},
		},
		"a foreign key": {
			op:   ddl.ForeignKey{Table: "public.users", Name: "fk", Columns: []string{"team"}, References: "teams", Actions: "ON DELETE SET NULL"},
			want: []string{"+ constraint fk FOREIGN KEY (team) REFERENCES teams(id) ON DELETE SET NULL"},
		},
		"an index": {
			op:   ddl.CreateIndex{Table: "users", Name: "i", Columns: []string{"team", "name"}},
			want: []string{"+ CREATE INDEX i ON public.users USING btree (team, name)"},
		},
		"an index on an expression": {
			op:   ddl.CreateIndex{Table: "users", Name: "i", Definition: "(lower(name) DESC) WHERE team > 1", Unique: true},
			want: []string{"+ CREATE UNIQUE INDEX i ON public.users USING btree (lower(name) DESC) WHERE (team > 1)"},
		},
		"a unique column": {
			op:   ddl.Unique{Table: "users", Name: "u", Columns: []string{"name"}},
			want: []string{"+ CREATE UNIQUE INDEX u ON public.users USING btree (name)", "+ constraint u UNIQUE (name)"},
		},
		"no index": {
			before: "CREATE UNIQUE INDEX i ON users (name)",
			op:     ddl.DropIndex{Table: "users", Name: "i"},
			want:   []string{"- CREATE UNIQUE INDEX i ON public.users USING btree (name)"},
		},
		"no constraint": {
			before: "ALTER TABLE users ADD CONSTRAINT c CHECK (name <> '')",
			op:     ddl.DropConstraint{Table: "users", Name: "c"},
			want:   []string{"- constraint c CHECK ((name <> ''::text))"},
		},
		"no column": {op: ddl.DropColumn{Table: "users", Column: "name"}, want: []string{"- column name text"}},
	}
	pool := fresh(t, "")
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			again(t, pool, users+";"+tt.before)
			before := state(t, pool)
			steps := plan(t, pool, tt.op)
			require.Equal(t, before, state(t, pool), "a plan changes nothing")
			require.NoError(t, run(t, pool, tt.op))
			after := state(t, pool)
			require.Equal(t, tt.want, changed(before, after))

			require.NoError(t, run(t, pool, tt.op), "a second time")
			require.Equal(t, after, state(t, pool))
			for _, s := range plan(t, pool, tt.op) {
				require.True(t, s.Done, s.SQL)
			}

			for _, s := range slices.Backward(steps) {
				require.False(t, s.Done, s.SQL)
				for undo := range strings.SplitSeq(s.Undo, "; ") {
					if undo != "" {
						execute(t, pool, undo)
					}
				}
			}
			if _, ok := tt.op.(ddl.DropColumn); !ok {
				require.Equal(t, before, state(t, pool), "after undo")
			}
		})
	}
}

// A crash is between two steps, or before one is committed.
func TestARunThatWasInterruptedGoesOn(t *testing.T) {
	op := ddl.SetNotNull{Table: "users", Column: "name"}
	pool := fresh(t, users)
	steps := plan(t, pool, op)
	require.NoError(t, run(t, pool, op))
	want := state(t, pool)
	for done := range steps {
		again(t, pool, users)
		for _, s := range steps[:done] {
			execute(t, pool, s.SQL)
		}
		for i, s := range plan(t, pool, op) {
			require.Equal(t, i < done, s.Done, s.SQL)
		}
		require.NoError(t, run(t, pool, op))
		require.Equal(t, want, state(t, pool))
	}
}

func TestInstancesThatRunTheSameAtOnce(t *testing.T) {
	pool := fresh(t, users)
	ops := []ddl.Operation{
		ddl.AddColumn{Table: "users", Column: "display_name", Type: "text"},
		ddl.SetNotNull{Table: "users", Column: "name"},
		ddl.Unique{Table: "users", Name: "u", Columns: []string{"name"}},
		ddl.CreateIndex{Table: "users", Name: "i", Columns: []string{"team"}},
		ddl.DropConstraint{Table: "users", Name: "none"},
	}
	errs := make([]error, 3)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			config := ddl.Config{Logger: silent, LockTimeout: 200 * time.Millisecond, Attempts: 1000, Pause: time.Millisecond}
			errs[i] = ddl.New(pool, config).Run(context.WithoutCancel(t.Context()), ops...)
		})
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.Equal(t, []string{
		"CREATE INDEX i ON public.users USING btree (team)",
		"CREATE UNIQUE INDEX u ON public.users USING btree (name)",
		"CREATE UNIQUE INDEX users_pkey ON public.users USING btree (id)",
		"column display_name text",
		"column id bigint not null",
		"column name text not null",
		"column team integer",
		"constraint u UNIQUE (name)",
		"constraint users_pkey PRIMARY KEY (id)",
	}, state(t, pool))
}

// What is right at the start of a run may depend on its own operations.
func TestAWholeExpand(t *testing.T) {
	pool := fresh(t, users)
	require.NoError(t, run(t, pool,
		ddl.AddColumn{Table: "users", Column: "display_name", Type: "text"},
		ddl.SetDefault{Table: "users", Column: "display_name", Default: "''"},
		ddl.CreateIndex{Table: "users", Name: "i", Columns: []string{"display_name"}},
		ddl.DropIndex{Table: "users", Name: "i"},
		ddl.DropColumn{Table: "users", Column: "name"},
	))
	require.Contains(t, state(t, pool), "column display_name text default ''::text")
	err := run(t, pool, ddl.DropColumn{Table: "users", Column: "team"}, ddl.DropNotNull{Table: "users", Column: "team"})
	require.ErrorContains(t, err, `there is no column "team"`)
	require.Contains(t, state(t, pool), "column team integer", "nothing has been touched")
}

// On 14 to 17 a valid CHECK is there when SET NOT NULL comes, which then reads nothing.
func TestNotNullIsNotLookedForWhileAllWait(t *testing.T) {
	pool := fresh(t, users)
	if version(t, pool) >= 18 {
		t.Skip("18 does not SET NOT NULL")
	}
	execute(t, pool, "CREATE TABLE log (command text); CREATE FUNCTION note() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log SELECT current_query(); END $$; CREATE EVENT TRIGGER t ON ddl_command_end EXECUTE FUNCTION note()")
	require.NoError(t, run(t, pool, ddl.SetNotNull{Table: "users", Column: "name"}))
	require.Equal(t, []string{
		`ALTER TABLE "public"."users" ADD CONSTRAINT "users_name_not_null" CHECK ("name" IS NOT NULL) NOT VALID`,
		`ALTER TABLE "public"."users" VALIDATE CONSTRAINT "users_name_not_null"`,
		`ALTER TABLE "public"."users" ALTER COLUMN "name" SET NOT NULL`,
		`ALTER TABLE "public"."users" DROP CONSTRAINT "users_name_not_null"`,
	}, query(t, pool, "SELECT command FROM log"))
}

// A constraint of the name that is none of ours would have SET NOT NULL read the table.
func TestAConstraintThatHasTheNameOfOurs(t *testing.T) {
	pool := fresh(t, users+"; ALTER TABLE users ADD CONSTRAINT users_name_not_null CHECK (name <> '')")
	before := state(t, pool)
	err := run(t, pool, ddl.SetNotNull{Table: "users", Column: "name"})
	want := "there is a constraint users_name_not_null of another kind: rename it"
	if version(t, pool) >= 18 {
		want = `constraint "users_name_not_null" for relation "users" already exists`
	}
	require.ErrorContains(t, err, want)
	require.Equal(t, before, state(t, pool))
}

func TestANotNullConstraintOfSomebodyElse(t *testing.T) {
	pool := fresh(t, users)
	if version(t, pool) < 18 {
		t.Skip("NOT NULL has no name before 18")
	}
	execute(t, pool, "ALTER TABLE users ADD CONSTRAINT mine NOT NULL name NOT VALID")
	op := ddl.SetNotNull{Table: "users", Column: "name"}
	require.ErrorContains(t, run(t, pool, op), "it has got mine, which is not valid: VALIDATE that, or drop it")
	execute(t, pool, "ALTER TABLE users VALIDATE CONSTRAINT mine")
	require.NoError(t, run(t, pool, op))
}

func TestWrongInputBeforeAnythingIsTouched(t *testing.T) {
	const more = users + `; CREATE TABLE events (id int, at date) PARTITION BY RANGE (at);
		CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
		CREATE TABLE parents (id int); CREATE TABLE children () INHERITS (parents);
		CREATE VIEW names AS SELECT name FROM users; CREATE DOMAIN positive AS int CHECK (VALUE > 0)`
	tests := map[string]struct {
		op   ddl.Operation
		want string
	}{
		"no table":                {ddl.DropNotNull{Table: "shop.users", Column: "a"}, "ddl: run: drop not null shop.users.a: there is no table shop.users: create it, or name its schema"},
		"a view":                  {ddl.DropColumn{Table: "names", Column: "name"}, "names is no table (relkind v): name the table behind it"},
		"a partitioned table":     {ddl.CreateIndex{Table: "events", Name: "i", Columns: []string{"id"}}, "events has partitions or children"},
		"a table with children":   {ddl.DropColumn{Table: "parents", Column: "id"}, "parents has partitions or children"},
		"a partition":             {ddl.AddColumn{Table: "events_1", Column: "a", Type: "int"}, "events_1 is a partition"},
		"no column":               {ddl.SetNotNull{Table: "users", Column: "Name"}, `there is no column "Name" in "public"."users": add it, or correct the name`},
		"no column to index":      {ddl.CreateIndex{Table: "users", Name: "i", Columns: []string{"name", "b"}}, `there is no column "b"`},
		"no type":                 {ddl.AddColumn{Table: "users", Column: "a", Type: "strnig"}, "there is no type strnig"},
		"a serial":                {ddl.AddColumn{Table: "users", Column: "a", Type: "bigserial"}, "there is no type bigserial"},
		"more than a type":        {ddl.AddColumn{Table: "users", Column: "a", Type: "int NOT NULL DEFAULT 1"}, "syntax error at or near \"NOT\" (SQLSTATE 42601): give the type alone; NOT NULL and DEFAULT are operations of their own"},
		"a domain":                {ddl.AddColumn{Table: "users", Column: "a", Type: "positive"}, "is a domain that checks"},
		"no other table":          {ddl.ForeignKey{Table: "users", Name: "f", Columns: []string{"team"}, References: "tems"}, "there is no table tems"},
		"another type":            {ddl.AddColumn{Table: "users", Column: "team", Type: "bigint"}, "ddl: add column users.team: it is there, but has the type integer"},
		"another constraint":      {ddl.Check{Table: "users", Name: "users_pkey", Expression: "true"}, "there is a constraint of that name, and of another kind: PRIMARY KEY (id)"},
		"another index":           {ddl.CreateIndex{Table: "users", Name: "users_pkey", Columns: []string{"id"}}, "there is another index of that name: CREATE UNIQUE INDEX users_pkey"},
		"another column":          {ddl.CreateIndex{Table: "users", Name: "users_pkey", Columns: []string{"team"}, Unique: true}, "there is another index of that name"},
		"another's index":         {ddl.CreateIndex{Table: "users", Name: "teams_pkey", Columns: []string{"id"}, Unique: true}, "there is an index of that name, on teams"},
		"two statements":          {ddl.CreateIndex{Table: "users", Name: "i", Definition: "(name); DROP TABLE users"}, "cannot insert multiple commands into a prepared statement"},
		"another's index to drop": {ddl.DropIndex{Table: "users", Name: "teams_pkey"}, "ddl: drop index teams_pkey on users: it is an index on teams: name that table"},
		"a primary key":           {ddl.DropNotNull{Table: "users", Column: "id"}, "is in a primary key"},
	}
	pool := fresh(t, more)
	before := state(t, pool)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if strings.HasPrefix(tt.want, "ddl: run") {
				require.EqualError(t, run(t, pool, tt.op), tt.want)
			} else {
				require.ErrorContains(t, run(t, pool, tt.op), tt.want)
			}
			require.Equal(t, before, state(t, pool))
		})
	}
	err := run(t, pool, ddl.AddColumn{Table: "users", Column: "good", Type: "int"}, tests["no table"].op, tests["no type"].op, tests["no column"].op)
	require.Equal(t, before, state(t, pool))
	for _, name := range []string{"no table", "no type", "no column"} {
		_, want, _ := strings.Cut(tests[name].want, "there is")
		require.ErrorContains(t, err, want, "all mistakes at once")
	}
}

// A name with a dot is written with quotes, as for dbcompat.Columns.
func TestATableWithDotsInItsName(t *testing.T) {
	pool := fresh(t, `CREATE SCHEMA "a.b"; CREATE TABLE "a.b"."c"".d" (id bigint PRIMARY KEY, "x.y" text DEFAULT 'x.y'); CREATE INDEX i ON "a.b"."c"".d" ("x.y");
		INSERT INTO "a.b"."c"".d" SELECT generate_series(1, 10); CREATE TABLE "team.s" (id bigint PRIMARY KEY)`)
	const table = `"a.b"."c"".d"`
	ops := []ddl.Operation{
		ddl.AddColumn{Table: table, Column: "z", Type: "text"},
		ddl.SetDefault{Table: table, Column: "z", Default: "'z'"},
		ddl.CopyTwin{Table: table, Old: "x.y", New: "z"},
		ddl.SetNotNull{Table: table, Column: "x.y"},
		ddl.DropNotNull{Table: table, Column: "x.y"},
		ddl.Check{Table: table, Name: "c", Expression: `"x.y" <> ''`},
		ddl.ForeignKey{Table: table, Name: "f", Columns: []string{"team"}, References: `public."team.s"`},
		ddl.Unique{Table: table, Name: "u.v", Columns: []string{"z"}},
		ddl.CreateIndex{Table: table, Name: "k.l", Definition: `(lower("c"".d".z))`},
		ddl.DropConstraint{Table: table, Name: "c"},
		ddl.DropIndex{Table: table, Name: "i"},
		ddl.DropColumn{Table: table, Column: "x.y"},
	}
	require.NoError(t, run(t, pool, ddl.AddColumn{Table: table, Column: "team", Type: "bigint"}, ops[0]))
	_, err := ddl.Steps(15, slices.Concat(ops[:2], ops[3:])...)
	require.NoError(t, err)
	require.NoError(t, run(t, pool, ops...))
	require.NoError(t, run(t, pool, ops[8], ops[9]))
	require.Equal(t, []string{
		`CREATE INDEX "k.l" ON "a.b"."c"".d" USING btree (lower(z))`,
		`CREATE INDEX i_z ON "a.b"."c"".d" USING btree (z)`,
		`CREATE UNIQUE INDEX "c"".d_pkey" ON "a.b"."c"".d" USING btree (id)`,
		`CREATE UNIQUE INDEX "u.v" ON "a.b"."c"".d" USING btree (z)`,
	}, query(t, pool, `SELECT indexdef FROM pg_indexes WHERE schemaname = 'a.b' ORDER BY 1`))
	require.Equal(t, []string{"id", "team", "z"}, query(t, pool, `SELECT column_name FROM information_schema.columns WHERE table_schema = 'a.b' ORDER BY 1`))
	require.ErrorContains(t, run(t, pool, ddl.DropColumn{Table: `a.b.c"`, Column: "z"}), `Table is a.b.c": give users, shop.users, or shop."my.users"`)
	require.ErrorContains(t, run(t, pool, ddl.DropColumn{Table: "team.s", Column: "z"}), `there is no table team.s: create it, or name its schema`)
	require.NoError(t, run(t, pool, ddl.DropColumn{Table: `"team.s"`, Column: "none"}))
}

// users and public.users are one table, whose column is there for both.
func TestATableByTwoNames(t *testing.T) {
	pool := fresh(t, users)
	require.NoError(t, run(t, pool,
		ddl.AddColumn{Table: "users", Column: "a", Type: "int"}, ddl.SetDefault{Table: `public."users"`, Column: "a", Default: "1"},
		ddl.DropColumn{Table: "public.users", Column: "a"},
	))
	err := run(t, pool, ddl.DropColumn{Table: "public.users", Column: "team"}, ddl.DropNotNull{Table: "users", Column: "team"})
	require.ErrorContains(t, err, `there is no column "team"`)
}

func TestNoRights(t *testing.T) {
	pool := fresh(t, users+"; GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC")
	role := pool.Config().ConnConfig.Database + "_role"
	execute(t, pool, "CREATE ROLE "+role+" LOGIN")
	t.Cleanup(func() {
		_, err := pool.Exec(context.WithoutCancel(t.Context()), "DROP OWNED BY "+role+"; DROP ROLE "+role, pgx.QueryExecModeSimpleProtocol)
		require.NoError(t, err)
	})
	config := pool.Config()
	config.ConnConfig.User = role
	little, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(little.Close)
	err = run(t, little, ddl.AddColumn{Table: "users", Column: "a", Type: "int"})
	require.EqualError(t, err, "ddl: run: add column users.a: no rights: users belongs to somebody else: run it as the owner, or as a member of that role")

	execute(t, pool, "ALTER TABLE users OWNER TO "+role+"; REVOKE TEMPORARY ON DATABASE "+pool.Config().ConnConfig.Database+" FROM PUBLIC")
	err = run(t, little, ddl.CreateIndex{Table: "users", Name: "users_pkey", Columns: []string{"id"}, Unique: true})
	require.ErrorContains(t, err, "(SQLSTATE 42501): GRANT TEMPORARY ON DATABASE")
	execute(t, pool, "ALTER TABLE users OWNER TO "+pool.Config().ConnConfig.User)
}

func TestAServerThatIsReadOnly(t *testing.T) {
	primary := pgtest.New(pgtest.Config{}).For(t)
	execute(t, open(t, primary.URL(), 1), users)
	standby := open(t, primary.Standby(pgtest.Config{}).For(t).URL(), 1)
	op := ddl.AddColumn{Table: "users", Column: "a", Type: "int"}
	require.EqualError(t, run(t, standby, op),
		"ddl: run: the server is read-only: connect to the primary (target_session_attrs=read-write)")
	require.Len(t, plan(t, standby, op), 1, "which is no reason not to plan")
	require.True(t, plan(t, standby, ddl.CreateIndex{Table: "users", Name: "users_pkey", Columns: []string{"id"}, Unique: true})[0].Done)
}

func TestWhatIsWrongWithTheArguments(t *testing.T) {
	err := ddl.New(nil, ddl.Config{LockTimeout: -1, ConcurrentTimeout: time.Microsecond, Attempts: -1}).Run(t.Context())
	for _, want := range []string{"ddl: run: the pool is nil", "Config.LockTimeout is less", "Config.ConcurrentTimeout is less", "Config.Attempts is negative"} {
		require.ErrorContains(t, err, want)
	}
	pool := fresh(t, users)
	require.EqualError(t, new(ddl.Runner).Run(t.Context()), "ddl: run: the Runner is empty: make one with New")
	require.NoError(t, run(t, pool), "nothing to do")
	require.Empty(t, plan(t, pool))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, ddl.New(pool, ddl.Config{}).Run(ctx, ddl.AddColumn{Table: "users", Column: "a", Type: "int"}), context.Canceled)
}
