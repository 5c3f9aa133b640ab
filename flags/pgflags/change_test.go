package pgflags_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags/pgflags"
)

func TestChanges(t *testing.T) {
	pool := fresh(t)
	store := pgflags.New(pool, pgflags.Config{})
	require.ErrorIs(t, store.Kill(t.Context(), by, "a"), pgflags.ErrNoFlag)
	require.EqualError(t, store.Unkill(t.Context(), by, "a"), "pgflags: unkill a: there is no such flag in the set")
	require.EqualError(t, store.Delete(t.Context(), by, "a"), "pgflags: delete a: there is no such flag in the set")

	diary := []string{}
	does := func(err error) {
		require.NoError(t, err)
		document := load(t, store)
		diary = append(diary, fmt.Sprint(document.Revision, " ", states(t, document)))
	}
	does(store.Put(t.Context(), by, "a", []byte(on)))
	does(store.Kill(t.Context(), pgflags.Change{Who: "bob", Why: "it burns"}, "a"))
	does(store.Kill(t.Context(), by, "a"))
	does(store.Put(t.Context(), pgflags.Change{}, "a", []byte(strings.Replace(on, `"on"}`, `"off"}`, 1))))
	does(store.Unkill(t.Context(), by, "a"))
	execute(t, pool, "INSERT INTO handover.flags (key, enabled, rollout_percentage) VALUES ('b', false, 10)")
	does(store.Put(t.Context(), by, "b", []byte(on)))
	does(store.Delete(t.Context(), by, "a"))
	require.Equal(t, []string{
		"1 map[a:ENABLED]", "2 map[a:DISABLED]", "2 map[a:DISABLED]", "3 map[a:DISABLED]", "4 map[a:ENABLED]",
		"6 map[a:ENABLED b:ENABLED]", "7 map[b:ENABLED]",
	}, diary)

	entries, err := store.Audit(t.Context(), "a")
	require.NoError(t, err)
	diary = nil
	for _, e := range entries {
		diary = append(diary, fmt.Sprint(e.Revision, " ", e.Key, " ", e.Action, " ", e.Who, ": ", e.Why))
	}
	require.Equal(t, []string{
		"7 a delete ada: a test", "4 a update ada: a test", "3 a update " + pool.Config().ConnConfig.User + ": ", "2 a update bob: it burns", "1 a insert ada: a test",
	}, diary)
}

// Somebody has begun a transaction and gone to lunch.
func TestAChangeWaitsForItsTurn(t *testing.T) {
	pool := fresh(t)
	store := pgflags.New(pool, pgflags.Config{})
	require.NoError(t, store.Put(t.Context(), by, "a", []byte(on)))
	lunch, err := pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = lunch.Rollback(context.WithoutCancel(t.Context())) }()
	_, err = lunch.Exec(t.Context(), "UPDATE handover.flags SET owner = 'me'")
	require.NoError(t, err)
	kill := func(ctx context.Context) <-chan error {
		killed := make(chan error, 1)
		go func() { killed <- store.Kill(ctx, by, "a") }()
		const waits = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = " +
			"(SELECT oid FROM pg_database WHERE datname = current_database())"
		for len(query(t, pool, waits)) == 0 && t.Context().Err() == nil {
			runtime.Gosched()
		}
		return killed
	}
	ctx, cancel := context.WithCancel(t.Context())
	killed := kill(ctx)
	cancel()
	err = await(t, killed)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "pgflags: kill a: another transaction that changes flags has not ended")
	require.Equal(t, "map[a:ENABLED]", states(t, load(t, store)), "readers wait for nobody")
	killed = kill(t.Context())
	require.NoError(t, lunch.Commit(t.Context()))
	require.NoError(t, await(t, killed))
	require.Equal(t, int64(3), load(t, store).Revision)
}

func TestPutRefuses(t *testing.T) {
	store := pgflags.New(fresh(t), pgflags.Config{})
	require.EqualError(t, store.Put(t.Context(), by, "a", nil),
		"pgflags: put a: ERROR: invalid input syntax for type json (SQLSTATE 22P02)")
	require.ErrorContains(t, store.Put(t.Context(), by, "", []byte(on)), "flags_key_check")
	require.ErrorContains(t, store.Put(t.Context(), by, "a", []byte(`{}`)), "definition_has_")
	_, err := store.Load(t.Context())
	require.ErrorIs(t, err, pgflags.ErrNoSet, "nothing was written")
}

// A change is refused for what it makes worse, and for what is wrong with itself.
func TestTheSetIsLookedAtBeforeAChangeIsCommitted(t *testing.T) {
	pool := fresh(t)
	store := pgflags.New(pool, pgflags.Config{})
	const (
		needsA = `{"state": "ENABLED", "variants": {"on": true, "off": false}, "x-prerequisites": [{"flag": "a", "variant": "on"}]}`
		wrong  = `{"state": "ENABLED", "variants": {"on": true, "off": false}, "targeting": {"if": [true, "onn"]}}`
		said   = `.targeting.if[1]: names no variant "onn"; instead: "on"`
	)
	refuses := func(err error, want string) {
		t.Helper()
		require.EqualError(t, err, "pgflags: "+want)
	}
	refuses(store.Put(t.Context(), by, "w", []byte(wrong)), "put w: refused: flags.w"+said)
	_, err := store.Load(t.Context())
	require.ErrorIs(t, err, pgflags.ErrNoSet, "nothing was written")
	require.NoError(t, store.Put(t.Context(), by, "a", []byte(on)))
	refuses(store.Delete(t.Context(), by, "a"), "delete a: refused: flags: is an empty set, "+
		"with which every caller falls to its default; instead: one flag at least")
	require.NoError(t, store.Put(t.Context(), by, "b", []byte(needsA)))
	refuses(store.Delete(t.Context(), by, "a"), "delete a: refused: flags.b.x-prerequisites[0].flag: "+
		`names no flag "a"; instead: "b"`)

	// What others have broken by SQL can be mended one by one, and killed.
	for _, key := range []string{"w1", "w2"} {
		execute(t, pool, "INSERT INTO handover.flags (key, definition) VALUES ('"+key+"', '"+wrong+"')")
	}
	require.NoError(t, store.Put(t.Context(), by, "c", []byte(on)))
	require.NoError(t, store.Kill(t.Context(), by, "w1"))
	refuses(store.Put(t.Context(), by, "w2", []byte(wrong)), "put w2: refused: flags.w2"+said)
	require.NoError(t, store.Put(t.Context(), by, "w2", []byte(on)))
	require.NoError(t, store.Delete(t.Context(), by, "w1"))
	require.Equal(t, "map[a:ENABLED b:ENABLED c:ENABLED w2:ENABLED]", states(t, load(t, store)))
}
