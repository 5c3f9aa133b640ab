//go:build unix

package pgflagtable_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/pgflags"
	"github.com/handover-go/handover/internal/pgtest"
	"github.com/handover-go/handover/interop/migrate/pgflagtable"
)

// healthCheck sleeps for half a second after a pool has closed a connection.
const healthCheck = "github.com/jackc/pgx/v5/pgxpool.(*Pool).triggerHealthCheck.func1"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction(healthCheck)) }

var pg = pgtest.New(pgtest.Config{})

const flag = "new-checkout-flow"

func TestEverybodyGetsWhatSheGotBefore(t *testing.T) {
	for name, tt := range map[string]struct {
		enabled    bool
		percentage int
		of200      func(int) bool // how many get it
	}{
		"nobody":              {true, 0, func(n int) bool { return n == 0 }},
		"one of a hundred":    {true, 1, func(n int) bool { return n < 20 }},
		"a quarter":           {true, 25, func(n int) bool { return n > 20 && n < 80 }},
		"all but a hundredth": {true, 99, func(n int) bool { return n > 180 }},
		"all":                 {true, 100, func(n int) bool { return n == 200 }},
		"off":                 {false, 100, func(n int) bool { return n == 0 }},
	} {
		t.Run(name, func(t *testing.T) {
			pool := open(t, pg.Database(t), nil)
			table := tableOf(t, pool, tt.enabled, tt.percentage)
			shop := moved(t, pool)
			var got int
			for i := range 200 {
				user := fmt.Sprintf("user-%d", i)
				was := table.On(t.Context(), flag, user)
				require.Equal(t, was, shop.NewCheckout.On(shop.Flags.Pin(t.Context(), flags.Subject{Key: user})), user)
				if was {
					got++
				}
			}
			require.True(t, tt.of200(got), got)
		})
	}
}

func TestARequestGetsWhatItsUserGets(t *testing.T) {
	pool := open(t, pg.Database(t), nil)
	tableOf(t, pool, true, 100)
	handler := moved(t, pool).Handler()
	for user, want := range map[string]string{"ada": "the new checkout", "": "the old checkout"} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/checkout", http.NoBody)
		r.Header.Set("User", user)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		require.Equal(t, want, w.Body.String(), user)
	}
}

// Who has no name is in no rollout, not even in one to 100 %; before, all of them were in
// it, or none. What is for everybody is a definition without a rollout.
func TestOfAUserWithoutAName(t *testing.T) {
	pool := open(t, pg.Database(t), nil)
	table := tableOf(t, pool, true, 100)
	shop := moved(t, pool)
	require.True(t, table.On(t.Context(), flag, ""))
	require.False(t, shop.NewCheckout.On(shop.Flags.Pin(t.Context(), flags.Subject{})))

	forAll := []byte(`{"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on"}`)
	require.NoError(t, pgflags.New(pool, pgflags.Config{}).Put(t.Context(), pgflags.Change{Who: "ada"}, flag, forAll))
	require.True(t, onOf(t, pool, ""))
}

func TestAPercentageThatIsNoneIsNotMoved(t *testing.T) {
	for _, percentage := range []int{-1, 101} {
		pool := open(t, pg.Database(t), nil)
		table := tableOf(t, pool, true, percentage)
		require.ErrorContains(t, pgflagtable.Move(t.Context(), pool), "rollout_percentage_is_0_to_100")
		exec(t, pool, "UPDATE feature_flags SET percentage = 25")
		require.NoError(t, pgflagtable.Move(t.Context(), pool), "and nothing was")
		require.Equal(t, table.On(t.Context(), flag, "ada"), onOf(t, pool, "ada"))
	}
}

func onOf(t *testing.T, pool *pgxpool.Pool, user string) bool {
	t.Helper()
	shop := pgflagtable.NewShop(pool, config(t))
	require.NoError(t, shop.Flags.Start(t.Context()))
	return shop.NewCheckout.On(shop.Flags.Pin(t.Context(), flags.Subject{Key: user}))
}

func TestAnAnswerIsAQueryBeforeAndNoneAfter(t *testing.T) {
	var queries count
	pool := open(t, pg.Database(t), &queries)
	table := tableOf(t, pool, true, 100)
	shop := moved(t, pool)

	before := queries.Load()
	for range 10 {
		require.True(t, table.On(t.Context(), flag, "ada"))
	}
	require.EqualValues(t, 10, queries.Load()-before)

	before = queries.Load()
	ctx := shop.Flags.Pin(t.Context(), flags.Subject{Key: "ada"})
	for range 10 {
		require.True(t, shop.NewCheckout.On(ctx))
	}
	require.Equal(t, before, queries.Load())
}

// The flag is changed while a request is at work, which asks twice.
func TestARequestSeesTwoVersionsBeforeAndOneAfter(t *testing.T) {
	pool := open(t, pg.Database(t), nil)
	table := tableOf(t, pool, true, 100)
	require.True(t, table.On(t.Context(), flag, "ada"))
	exec(t, pool, "UPDATE feature_flags SET percentage = 0")
	require.False(t, table.On(t.Context(), flag, "ada"))
	exec(t, pool, "UPDATE feature_flags SET percentage = 100")

	shop := moved(t, pool)
	running(t, shop.Flags.Run)
	request := shop.Flags.Pin(t.Context(), flags.Subject{Key: "ada"})
	require.True(t, shop.NewCheckout.On(request))
	changed := make(chan struct{}, 1)
	running(t, func(ctx context.Context) error {
		return shop.Flags.Follow(ctx, func(c flags.Change) {
			next := shop.Flags.Pin(ctx, flags.Subject{Key: "ada"})
			if slices.Contains(c.Keys, flag) && !shop.NewCheckout.On(next) {
				select {
				case changed <- struct{}{}:
				default: // it is known
				}
			}
		})
	})
	exec(t, pool, "UPDATE handover.flags SET rollout_percentage = 0")
	<-changed
	require.True(t, shop.NewCheckout.On(request))
}

func TestAKillReachesARequestThatIsAtWork(t *testing.T) {
	pool := open(t, pg.Database(t), nil)
	tableOf(t, pool, true, 100)
	shop := moved(t, pool)
	request := shop.Flags.Pin(t.Context(), flags.Subject{Key: "ada"})
	require.True(t, shop.NewCheckout.On(request))
	running(t, shop.Flags.Run)
	killed := make(chan struct{}, 1)
	running(t, func(ctx context.Context) error {
		return shop.Flags.Follow(ctx, func(flags.Change) {
			if !shop.NewCheckout.On(request) {
				select {
				case killed <- struct{}{}:
				default: // it is known
				}
			}
		})
	})
	exec(t, pool, "UPDATE handover.flags SET killed = true WHERE key = 'new-checkout-flow'")
	<-killed
}

func TestWithoutTheDatabaseTheTableIsOffAndTheFlagsAreAsTheyWere(t *testing.T) {
	server := pgtest.New(pgtest.Config{}).For(t)
	pool := open(t, server.URL(), nil)
	table := tableOf(t, pool, true, 100)
	cfg := config(t)
	shop := movedTo(t, pool, cfg)
	running(t, shop.Flags.Run)
	for again := time.NewTicker(10 * time.Millisecond); !exists(cfg.LastGood); { // Run writes it
		<-again.C
	}
	require.NoError(t, server.Stop(t.Context()))

	require.False(t, table.On(t.Context(), flag, "ada"))
	require.True(t, shop.NewCheckout.On(shop.Flags.Pin(t.Context(), flags.Subject{Key: "ada"})))

	again := pgflagtable.NewShop(pool, cfg) // a program that starts now
	require.NoError(t, again.Flags.Start(t.Context()))
	require.True(t, again.NewCheckout.On(again.Flags.Pin(t.Context(), flags.Subject{Key: "ada"})))
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

func config(t *testing.T) flags.Config {
	t.Helper()
	return flags.Config{
		LastGood:     t.TempDir() + "/flags.json",
		StartTimeout: time.Minute, // a busy machine is no database that is down
		Logger:       slog.New(slog.DiscardHandler),
	}
}

func tableOf(t *testing.T, pool *pgxpool.Pool, enabled bool, percentage int) pgflagtable.Table {
	t.Helper()
	exec(t, pool, "CREATE TABLE feature_flags (name text PRIMARY KEY, enabled boolean NOT NULL, percentage int NOT NULL)")
	exec(t, pool, "INSERT INTO feature_flags VALUES ($1, $2, $3)", flag, enabled, percentage)
	return pgflagtable.Table{Pool: pool}
}

// moved is a shop that has started, with the flags of the table.
func moved(t *testing.T, pool *pgxpool.Pool) pgflagtable.Shop {
	t.Helper()
	return movedTo(t, pool, config(t))
}

func movedTo(t *testing.T, pool *pgxpool.Pool, cfg flags.Config) pgflagtable.Shop {
	t.Helper()
	require.NoError(t, pgflagtable.Move(t.Context(), pool))
	shop := pgflagtable.NewShop(pool, cfg)
	require.NoError(t, shop.Flags.Start(t.Context()))
	return shop
}

// running runs f until the test ends.
func running(t *testing.T, f func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- f(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
}

func exec(t *testing.T, pool *pgxpool.Pool, sql string, args ...any) {
	t.Helper()
	_, err := pool.Exec(t.Context(), sql, args...)
	require.NoError(t, err)
}

func open(t *testing.T, url string, tracer pgx.QueryTracer) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(url)
	require.NoError(t, err)
	config.ConnConfig.Tracer = tracer
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

// count counts the queries that a pool sends.
type count struct{ atomic.Int64 }

func (c *count) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	c.Add(1)
	return ctx
}

func (c *count) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
