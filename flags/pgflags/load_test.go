package pgflags_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags/pgflags"
)

func TestTheDocument(t *testing.T) {
	pool := fresh(t)
	execute(t, pool, `
		BEGIN;
		INSERT INTO handover.flags (key, definition) VALUES
			('b', '`+on+`'), ('B <&> "quoted"', '`+on+`'),
			('killed', '{"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on", "x-keep": 1}');
		INSERT INTO handover.flags (key, enabled, rollout_percentage) VALUES
			('simple', true, 12.5), ('simple-all', true, NULL), ('simple-killed', true, 30), ('simple-off', false, 30);
		INSERT INTO handover.flags (set, key, enabled) VALUES ('another', 'x', true);
		UPDATE handover.flags SET killed = true WHERE key LIKE '%killed';
		UPDATE handover.flag_sets SET metadata = '{"bucketing": "md5-100", "version": "mine"}',
			evaluators = '{"staff": {"ends_with": [{"var": "email"}, "@example.com"]}}' WHERE set = 'default';
		COMMIT`)
	document := load(t, pgflags.New(pool, pgflags.Config{}))
	require.Equal(t, int64(1), document.Revision, "it was one transaction")
	require.Equal(t, `{"metadata":{"bucketing":"md5-100","flagSetId":"default","version":"1"},
"$evaluators":{"staff": {"ends_with": [{"var": "email"}, "@example.com"]}},
"flags":{
"B \u003c\u0026\u003e \"quoted\"":{"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on"},
"b":{"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on"},
"killed":{"state": "DISABLED", "x-keep": 1, "variants": {"on": true}, "defaultVariant": "on"},
"simple":{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off","targeting":{"fractional":[["on",12500],["off",87500]]}},
"simple-all":{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off","targeting":{"fractional":[["on",100],["off",0]]}},
"simple-killed":{"state":"DISABLED","variants":{"on":true,"off":false},"defaultVariant":"off","targeting":{"fractional":[["on",30],["off",70]]}},
"simple-off":{"state":"DISABLED","variants":{"on":true,"off":false},"defaultVariant":"off","targeting":{"fractional":[["on",30],["off",70]]}}
}}
`, string(document.JSON))

	another := load(t, pgflags.New(pool, pgflags.Config{Set: "another"}))
	require.Equal(t, "map[x:ENABLED]", states(t, another))
	execute(t, pool, "DELETE FROM handover.flags WHERE set = 'another'")
	another = load(t, pgflags.New(pool, pgflags.Config{Set: "another"}))
	require.Equal(t, "{\"metadata\":{\"flagSetId\":\"another\",\"version\":\"2\"},\n\"flags\":{\n}}\n", string(another.JSON),
		"which a client refuses")
}

// A document that was read before is given again, if it is still that.
func TestADocumentIsReadWhenItHasChanged(t *testing.T) {
	pool := fresh(t)
	execute(t, pool, "INSERT INTO handover.flags (key, enabled) VALUES ('a', true)")
	store := pgflags.New(pool, pgflags.Config{})
	first := load(t, store)
	again := load(t, store)
	require.Same(t, &first.JSON[0], &again.JSON[0])
	execute(t, pool, "UPDATE handover.flags SET killed = false")
	again = load(t, store)
	require.Same(t, &first.JSON[0], &again.JSON[0], "nothing has changed")
	execute(t, pool, "UPDATE handover.flags SET killed = true")
	changed := load(t, store)
	require.Equal(t, int64(2), changed.Revision)
	require.Equal(t, "map[a:DISABLED]", states(t, changed))

	// Another history with the same revision: what a backup has, and what was done since.
	execute(t, pool, `
		ALTER TABLE handover.flag_sets DISABLE TRIGGER USER; ALTER TABLE handover.flags DISABLE TRIGGER USER;
		DELETE FROM handover.flag_sets; DELETE FROM handover.flags;
		ALTER TABLE handover.flag_sets ENABLE TRIGGER USER; ALTER TABLE handover.flags ENABLE TRIGGER USER;`)
	_, err := store.Load(t.Context())
	require.ErrorIs(t, err, pgflags.ErrNoSet)
	execute(t, pool, "INSERT INTO handover.flags (key, enabled) VALUES ('a', true)")
	execute(t, pool, "INSERT INTO handover.flags (key, enabled) VALUES ('b', true)")
	other := load(t, store)
	require.Equal(t, int64(2), other.Revision)
	require.Equal(t, "map[a:ENABLED b:ENABLED]", states(t, other))
}

func TestLoadFails(t *testing.T) {
	pool := fresh(t)
	gone := open(t, "postgres://app@localhost/app?host=/nowhere", 1)
	refused, err := pgxpool.New(t.Context(), strings.Replace(pg.Database(t), "//postgres@", "//nobody@", 1))
	require.NoError(t, err)
	defer refused.Close()
	tests := map[string]struct {
		store  *pgflags.Store
		want   string
		wantIs error
	}{
		"no pool":               {pgflags.New(nil, pgflags.Config{}), "pgflags: load set default: the pool is nil: make one with pgxpool.New", nil},
		"no tables":             {pgflags.New(open(t, pg.Database(t), 1), pgflags.Config{}), `pgflags: load set default: schema handover: the tables are not there, or not all of them: call Migrate, or apply what Export writes (ERROR: relation "handover.flag_sets" does not exist (SQLSTATE 42P01))`, pgflags.ErrNotMigrated},
		"another schema":        {pgflags.New(pool, pgflags.Config{Schema: "Other"}), `pgflags: load set default: schema Other: the tables are not there`, pgflags.ErrNotMigrated},
		"no such set":           {pgflags.New(pool, pgflags.Config{Set: "new"}), "pgflags: load set new: there is no such set: correct Config.Set, or insert its first flag", pgflags.ErrNoSet},
		"a server that is gone": {pgflags.New(gone, pgflags.Config{}), "pgflags: load set default: ", nil},
		"a role that is none":   {pgflags.New(refused, pgflags.Config{}), `role "nobody" does not exist`, nil},
		"a schema with a quote": {pgflags.New(pool, pgflags.Config{Schema: `a"; DROP`}), `Config.Schema is "a\"; DROP": take letters, digits, _ and -, 63 bytes at the most`, nil},
		"a long schema and set": {pgflags.New(pool, pgflags.Config{Schema: strings.Repeat("s", 64), Set: strings.Repeat("ä", 201)}), "63 bytes at the most\nConfig.Set is \"ääää", nil},
		"a set with a zero":     {pgflags.New(pool, pgflags.Config{Set: "a\x00"}), `Config.Set is "a\x00"…: take up to 200 characters, and no zero`, nil},
		"a set that is no text": {pgflags.New(pool, pgflags.Config{Set: "\xff"}), "invalid byte sequence", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := test.store.Load(t.Context())
			require.ErrorContains(t, err, test.want)
			if test.wantIs != nil {
				require.ErrorIs(t, err, test.wantIs)
			}
		})
	}
}

// A pool that has no connection to give is not waited for longer than ctx.
func TestLoadEndsWithItsContext(t *testing.T) {
	pool := open(t, pg.Database(t), 1)
	taken, err := pool.Acquire(t.Context())
	require.NoError(t, err)
	defer taken.Release()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = pgflags.New(pool, pgflags.Config{}).Load(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)

	w, through := newWire(t, pg.Database(t))
	w.silence()
	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err = pgflags.New(open(t, through, 1), pgflags.Config{}).Load(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Less(t, time.Since(began), patience)
}

// Readers take no turn, and see each revision with one content only.
func TestReadersSeeOneVersion(t *testing.T) {
	pool := fresh(t)
	execute(t, pool, "INSERT INTO handover.flags (key, enabled, rollout_percentage) SELECT 'flag-' || i, true, 0 FROM generate_series(1, 50) i")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		defer cancel()
		for i := 1; i <= 100; i++ {
			if _, err := pool.Exec(t.Context(), fmt.Sprint("UPDATE handover.flags SET rollout_percentage = ", i)); err != nil {
				ended <- err
				return
			}
		}
		ended <- nil
	}()
	before, seen := int64(0), 0
	for ctx.Err() == nil {
		document := load(t, pgflags.New(pool, pgflags.Config{})) // which remembers nothing
		require.GreaterOrEqual(t, document.Revision, before)
		arm := fmt.Sprintf(`[["on",%d],`, document.Revision-1)
		require.Equal(t, 50, strings.Count(string(document.JSON), arm), "revision %d", document.Revision)
		before, seen = document.Revision, seen+1
	}
	require.NoError(t, <-ended)
	t.Logf("%d times", seen)
}

// Whatever the role's transactions are by default.
func TestIsolationIsOfNoConcern(t *testing.T) {
	database := pg.Database(t)
	config, err := pgxpool.ParseConfig(database)
	require.NoError(t, err)
	config.ConnConfig.RuntimeParams["default_transaction_isolation"] = "serializable"
	config.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	defer pool.Close()
	store := pgflags.New(pool, pgflags.Config{})
	require.NoError(t, store.Migrate(t.Context()))
	require.NoError(t, store.Put(t.Context(), by, "a", []byte(on)))
	require.NoError(t, store.Kill(t.Context(), by, "a"))
	require.Equal(t, "map[a:DISABLED]", states(t, load(t, store)))
}

func BenchmarkLoad(b *testing.B) {
	pool := fresh(b)
	_, err := pool.Exec(b.Context(), "INSERT INTO handover.flags (key, definition) SELECT 'flag-' || i, '"+on+"' FROM generate_series(1, 500) i")
	require.NoError(b, err)
	b.Run("changed", func(b *testing.B) {
		for b.Loop() {
			load(b, pgflags.New(pool, pgflags.Config{}))
		}
	})
	b.Run("unchanged", func(b *testing.B) {
		store := pgflags.New(pool, pgflags.Config{})
		for b.Loop() {
			_, err := store.Load(b.Context())
			require.NoError(b, err)
		}
	})
}
