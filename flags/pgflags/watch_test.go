package pgflags_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/pgflags"
	"github.com/handover-go/handover/internal/pgtest"
)

// The pools have one connection each: Watch has none of these.
func TestAKillReachesEverybody(t *testing.T) {
	for name, watchers := range map[string]int{"one watcher": 1, "twenty watchers": 20} {
		t.Run(name, func(t *testing.T) {
			database := pg.Database(t)
			store := pgflags.New(open(t, database, 1), pgflags.Config{})
			require.NoError(t, store.Migrate(t.Context()))
			require.NoError(t, store.Put(t.Context(), by, "a", []byte(on)))
			const kills = 10
			// Each time that a watcher has loaded the flag as killed, it says when.
			seen := make(chan time.Time, watchers)
			var all sync.WaitGroup
			for range watchers {
				instance := pgflags.New(open(t, database, 1), pgflags.Config{})
				load(t, instance) // as a client has at its start: the pool is connected
				changed, stop := watching(t, instance)
				all.Go(func() {
					for before := int64(0); ; {
						select {
						case <-changed:
						case <-t.Context().Done():
							return
						}
						document, err := instance.Load(t.Context())
						if err != nil {
							t.Error(err)
							return
						}
						if strings.Contains(string(document.JSON), "DISABLED") && document.Revision > before {
							seen <- time.Now()
						}
						before = document.Revision
						if document.Revision == 2*kills {
							_ = stop()
							return
						}
					}
				})
			}
			var took []time.Duration
			for kill := range kills {
				began := time.Now()
				require.NoError(t, store.Kill(t.Context(), by, "a"))
				for range watchers {
					took = append(took, await(t, seen).Sub(began))
				}
				if kill < kills-1 {
					require.NoError(t, store.Unkill(t.Context(), by, "a"))
				}
			}
			all.Wait()
			slices.Sort(took)
			t.Logf("a kill is loaded after %s (median), %s (slowest of %d)", took[len(took)/2], took[len(took)-1], len(took))
			require.Less(t, took[len(took)/2], time.Second) // the slowest is up to who else uses the machine
		})
	}
}

func TestWatchIsToldOfItsSetOnly(t *testing.T) {
	pool := fresh(t)
	changed, stop := watching(t, pgflags.New(pool, pgflags.Config{Set: "mine"}))
	others, _ := watching(t, pgflags.New(pool, pgflags.Config{Set: "other"}))
	execute(t, pool, "INSERT INTO handover.flags (set, key, enabled) VALUES ('other', 'a', true)")
	execute(t, pool, "BEGIN; INSERT INTO handover.flags (set, key, enabled) VALUES ('mine', 'a', true), ('mine', 'b', true); "+
		"UPDATE handover.flags SET killed = true WHERE set = 'mine'; COMMIT")
	execute(t, pool, "UPDATE handover.flags SET killed = killed; UPDATE handover.flags SET killed = true WHERE set = 'none'")
	execute(t, pool, "BEGIN; UPDATE handover.flags SET owner = 'me'; ROLLBACK")
	execute(t, pool, "INSERT INTO handover.flags (set, key, enabled) VALUES ('other', 'end', true)")
	await(t, others)
	await(t, others)
	require.ErrorIs(t, stop(), context.Canceled)
	require.Len(t, changed, 1)
}

func TestWatchWithoutListening(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	pool := fresh(t)
	told := func() { t.Error("told") }
	require.ErrorIs(t, pgflags.New(pool, pgflags.Config{NoListen: true}).Watch(ctx, told), context.Canceled)
	require.ErrorIs(t, pgflags.New(pool, pgflags.Config{}).Watch(ctx, told), context.Canceled)
	require.ErrorContains(t, pgflags.New(nil, pgflags.Config{}).Watch(t.Context(), told), "pgflags: watch set default: the pool is nil")
}

// What a pool knows of the password of the hour, Watch knows too.
func TestWatchConnectsAsThePoolDoes(t *testing.T) {
	config, err := pgxpool.ParseConfig(pg.Database(t))
	require.NoError(t, err)
	user := config.ConnConfig.User
	config.ConnConfig.User = "nobody"
	fail := error(nil)
	config.BeforeConnect = func(_ context.Context, config *pgx.ConnConfig) error {
		config.User = user
		return fail
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	defer pool.Close()
	store := pgflags.New(pool, pgflags.Config{})
	_, stop := watching(t, store)
	require.ErrorIs(t, stop(), context.Canceled)
	fail = context.DeadlineExceeded
	require.EqualError(t, store.Watch(t.Context(), func() {}), "pgflags: watch set default: before connect: context deadline exceeded")
}

// watch runs Watch until it returns; told are its calls of changed.
func watch(t *testing.T, store *pgflags.Store) (told <-chan struct{}, ended <-chan error) {
	t.Helper()
	calls, result := make(chan struct{}, 100), make(chan error, 1)
	go func() { result <- store.Watch(t.Context(), func() { calls <- struct{}{} }) }()
	return calls, result
}

// A network that is cut says nothing at all.
func TestWatchNoticesSilence(t *testing.T) {
	w, through := newWire(t, pg.Database(t))
	store := pgflags.New(open(t, through, 1), pgflags.Config{KeepAlive: time.Second})
	told, ended := watch(t, store)
	await(t, told)
	await(t, w.asked)
	await(t, w.asked) // it has been answered once
	w.silence()
	err := await(t, ended)
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.ErrorContains(t, err, "pgflags: watch set default: no answer for 1s: ")

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, store.Watch(ctx, func() {}), context.DeadlineExceeded, "nobody answers")
}

func TestWatchEndsWithItsContextInSilence(t *testing.T) {
	for name, keepAlive := range map[string]time.Duration{"asking": time.Minute, "not asking": -1} {
		w, through := newWire(t, pg.Database(t))
		_, stop := watching(t, pgflags.New(open(t, through, 1), pgflags.Config{KeepAlive: keepAlive}))
		w.silence()
		began := time.Now()
		require.ErrorIs(t, stop(), context.Canceled, name)
		require.Less(t, time.Since(began), patience)
	}
}

// A pooler may give the session that listens to somebody else.
func TestWatchNoticesThatItsSessionIsAnother(t *testing.T) {
	w, through := newWire(t, pg.Database(t))
	w.elsewhere = true
	told, ended := watch(t, pgflags.New(open(t, through, 1), pgflags.Config{KeepAlive: time.Second}))
	await(t, told)
	require.EqualError(t, await(t, ended), "pgflags: watch set default: the session is no longer the one that listens, "+
		"as behind a pooler that gives them out by transaction: set Config.NoListen")
}

func TestASessionThatAnAdministratorEnds(t *testing.T) {
	pool := open(t, pg.Database(t), 1)
	told, ended := watch(t, pgflags.New(pool, pgflags.Config{}))
	await(t, told)
	execute(t, pool, "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
	require.ErrorContains(t, await(t, ended), "terminating connection due to administrator command")
}

func TestAServerThatIsRestarted(t *testing.T) {
	server := pgtest.New(pgtest.Config{}).For(t)
	pool := open(t, server.URL(), 2)
	store := pgflags.New(pool, pgflags.Config{})
	require.NoError(t, store.Migrate(t.Context()))
	require.NoError(t, store.Put(t.Context(), by, "a", []byte(on)))
	for name, end := range map[string]func(context.Context) error{"stopped": server.Stop, "killed": server.Kill} {
		told, ended := watch(t, store)
		await(t, told)
		before := load(t, store)
		require.NoError(t, end(t.Context()))
		require.ErrorContains(t, await(t, ended), "pgflags: watch set default: ", name)
		require.ErrorContains(t, store.Watch(t.Context(), func() {}), "pgflags: watch set default: ", name)
		_, err := store.Load(t.Context())
		require.Error(t, err)

		require.NoError(t, server.Start(t.Context()))
		changed, stop := watching(t, store)
		require.Equal(t, before, load(t, store))
		require.NoError(t, store.Put(t.Context(), by, name, []byte(on)))
		await(t, changed)
		require.ErrorIs(t, stop(), context.Canceled)
	}
}

// A standby gives what the primary had, one version at a time, and goes on from there.
func TestAStandby(t *testing.T) {
	primary := pgtest.New(pgtest.Config{}).For(t)
	writer := pgflags.New(open(t, primary.URL(), 2), pgflags.Config{})
	require.NoError(t, writer.Migrate(t.Context()))
	require.NoError(t, writer.Put(t.Context(), by, "a", []byte(on)))
	standby := primary.Standby(pgtest.Config{}).For(t)
	pool := open(t, standby.URL(), 2)
	reader := pgflags.New(pool, pgflags.Config{})

	require.EqualError(t, reader.Watch(t.Context(), func() {}), "pgflags: watch set default: "+
		"ERROR: cannot execute LISTEN during recovery (SQLSTATE 25006); a standby has no notifications: set Config.NoListen")
	require.ErrorContains(t, reader.Kill(t.Context(), by, "a"), "during recovery")

	history := map[int64]string{}
	note := func() flags.Document {
		document := load(t, writer)
		history[document.Revision] = string(document.JSON)
		return document
	}
	note()
	seen, last := 0, int64(0)
	for revision := int64(2); revision <= 50; revision++ {
		if revision == 20 {
			execute(t, pool, "SELECT pg_wal_replay_pause()")
		}
		require.NoError(t, writer.Put(t.Context(), by, fmt.Sprint("flag-", revision), []byte(on)))
		newest, document := note(), load(t, reader)
		require.LessOrEqual(t, document.Revision, newest.Revision)
		require.GreaterOrEqual(t, document.Revision, last)
		require.Equal(t, history[document.Revision], string(document.JSON))
		last, seen = document.Revision, seen+1
	}
	require.Less(t, last, int64(50), "a standby that has fallen behind says so by its revision")
	execute(t, pool, "SELECT pg_wal_replay_resume()")
	require.NoError(t, primary.Stop(t.Context())) // which sends all that it has
	execute(t, pool, "SELECT pg_promote()")
	promoted := load(t, reader)
	require.Equal(t, int64(50), promoted.Revision)
	require.NoError(t, reader.Kill(t.Context(), by, "a"))
	require.Equal(t, int64(51), load(t, reader).Revision)
	changed, _ := watching(t, reader)
	require.NoError(t, reader.Unkill(t.Context(), by, "a"))
	await(t, changed)
}
