package pgprobes_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/internal/pgtest"
	"github.com/handover-go/handover/probes"
	"github.com/handover-go/handover/probes/pgprobes"
)

// Time is virtual in these tests, and stands still while PostgreSQL is asked, which is
// a real one: a goroutine that waits for a socket does not let a bubble's clock go on.

// readyz says what the probe does: "200 warn, postgres saturated".
func readyz(set *probes.Set) string {
	report := set.Report()
	status := map[probes.Status]string{probes.Pass: "200 pass", probes.Warn: "200 warn", probes.Fail: "503 fail"}
	line := status[report.Endpoints[1].Status]
	for _, check := range report.Checks {
		if check.Reason != "" {
			line += ", " + check.Name + " " + check.Reason
		}
	}
	return line
}

// watch is the diary of a probe, for a time.
func watch(set *probes.Set, d time.Duration) []string {
	var diary []string
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		diary = append(diary, readyz(set))
	}
	return slices.Compact(diary)
}

// serve runs a set of one check, which has to return when the set ends.
func serve(t *testing.T, check probes.Check) *probes.Set {
	t.Helper()
	return run(t, check, func(err error) {
		if err != nil {
			t.Error(err)
		}
	})
}

// run runs a set of one check, and tells how it ended.
func run(t *testing.T, check probes.Check, ending func(error)) *probes.Set {
	t.Helper()
	set := probes.New(probes.Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, set.Add(check))
	require.NoError(t, set.Ready(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- set.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		ending(<-ended)
	})
	return set
}

func TestASaturatedPoolWarnsWhereItsPingFails(t *testing.T) {
	database := pg.Database(t)
	synctest.Test(t, func(t *testing.T) {
		settle(t)
		pool := open(t, database, 4)
		check := pgprobes.Pool("postgres", pool, pgprobes.Config{})
		check.Scope = probes.Local // so that a failure shows
		own := serve(t, check)
		ping := serve(t, probes.Check{Name: "ping", Kind: probes.Readiness, Scope: probes.Local, Run: pool.Ping})
		synctest.Wait()
		require.Equal(t, "200 pass", readyz(own))
		require.Equal(t, "200 pass", readyz(ping))

		release := fill(t, pool)
		require.Equal(t, []string{"200 pass", "200 warn, postgres saturated"}, watch(own, time.Minute))
		require.Equal(t, []string{"503 fail, ping timeout"}, watch(ping, time.Minute))
		release()
		time.Sleep(12 * time.Second)
		require.Equal(t, "200 pass", readyz(own))
		require.Equal(t, "200 pass", readyz(ping))
	})
}

// settle lets a minute go by when all has ended, and with it the connection of a check.
func settle(t *testing.T) { t.Cleanup(func() { time.Sleep(time.Minute + time.Second) }) }

// work is a pool of two connections, and those that use it.
type work struct {
	*pgxpool.Pool
	t     *testing.T
	taken []*pgxpool.Conn
}

func (w *work) take() {
	conn, err := w.Acquire(w.t.Context())
	require.NoError(w.t, err)
	w.taken = append(w.taken, conn)
}

func (w *work) giveBack() {
	w.taken[0].Release()
	w.taken = w.taken[1:]
}

// wait has somebody get a connection after a wait.
func (w *work) wait() {
	got := make(chan *pgxpool.Conn)
	go func() {
		conn, err := w.Acquire(w.t.Context())
		if err != nil {
			w.t.Error(err)
		}
		got <- conn
	}()
	synctest.Wait()
	w.giveBack()
	w.taken = append(w.taken, <-got)
}

func (w *work) giveUp() {
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Millisecond)
	defer cancel()
	_, err := w.Acquire(ctx)
	require.ErrorIs(w.t, err, context.DeadlineExceeded)
}

func TestWhenAPoolIsSaturated(t *testing.T) {
	do := func(deeds ...func(*work)) []func(*work) { return deeds }
	take, back, wait := (*work).take, (*work).giveBack, (*work).wait
	nothing := func(*work) {}
	both := func(w *work) { w.take(); w.take() }
	turn := func(w *work) { w.giveBack(); w.take() }
	turnAway := func(w *work) { turn(w); w.giveUp() }
	takeAndWait := func(w *work) { w.take(); w.wait() }
	tests := map[string]struct {
		patience time.Duration
		deeds    []func(*work) // one before each look, and there are 5 s between two
		want     string
	}{
		"not when connections are idle":     {0, do(nothing, take, nothing, nothing), "pass pass pass pass"},
		"not when it is full for a moment":  {0, do(both, back, take, back, take), "pass pass pass pass pass"},
		"when nothing comes back":           {0, do(both, nothing, nothing, nothing), "pass pass saturated saturated"},
		"when others always have to wait":   {0, do(both, wait, wait, wait), "pass pass saturated saturated"},
		"when others give up":               {0, do(both, turnAway, turnAway), "pass pass saturated"},
		"not when one of the looks is fine": {0, do(both, back, takeAndWait), "pass pass pass"},
		"not when it is full by chance":     {0, do(both, turn, turn, turn, turn), "pass pass pass pass pass"},
		"until something comes back":        {0, do(both, wait, wait, back, take, wait), "pass pass saturated pass pass pass"},
		"at the first look, if that is set": {-1, do(nothing, both, back), "pass saturated pass"},
		"after a shorter time":              {5 * time.Second, do(both, nothing), "pass saturated"},
	}
	database := pg.Database(t)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				settle(t)
				w := &work{Pool: open(t, database, 2), t: t}
				check := pgprobes.Pool("postgres", w.Pool, pgprobes.Config{SaturatedFor: test.patience})
				var diary []string
				for _, deed := range test.deeds {
					deed(w)
					diary = append(diary, strings.TrimSuffix(verdict(t, check), " (warns)"))
					time.Sleep(5 * time.Second)
				}
				require.Equal(t, test.want, strings.Join(diary, " "))
				for len(w.taken) > 0 {
					w.giveBack()
				}
			})
		})
	}
}

func TestWhatIsSaidOfASaturatedPool(t *testing.T) {
	database := pg.Database(t)
	synctest.Test(t, func(t *testing.T) {
		settle(t)
		w := &work{Pool: open(t, database, 1), t: t}
		check := pgprobes.Pool("postgres", w.Pool, pgprobes.Config{})
		w.take()
		require.NoError(t, check.Run(t.Context()))
		time.Sleep(12 * time.Second)
		w.wait()
		w.giveUp()
		w.giveUp()
		require.EqualError(t, check.Run(t.Context()), "saturated: pgprobes: check postgres: all 1 connections of the pool are in use, "+
			"for 12.002s; since the last look 1 acquires went well, 1 of them after a wait, and 2 gave up")
		w.giveBack()
	})
}

func TestAServerWithoutAConnectionLeft(t *testing.T) {
	server := pgtest.New(pgtest.Config{Settings: map[string]string{
		"max_connections": "3", "superuser_reserved_connections": "0", "max_wal_senders": "0",
	}}).For(t)
	once := pgprobes.Config{Lifetime: -1}
	full, empty := open(t, server.URL(), 3), open(t, server.URL(), 3)
	checks := []probes.Check{
		pgprobes.Pool("full", full, once),
		pgprobes.Pool("empty", empty, once),
		pgprobes.Server("server", parse(t, server.URL()), once),
	}
	verdicts := func() (all []string) {
		for _, check := range checks {
			all = append(all, check.Name+": "+verdict(t, check))
		}
		return all
	}
	require.Equal(t, []string{"full: pass", "empty: pass", "server: pass"}, verdicts())
	fill(t, full)()
	require.Equal(t, []string{"full: too-many-connections (warns)", "empty: too-many-connections", "server: too-many-connections"}, verdicts())
}

func TestAConnectionIsMadeAsThePoolMakesIt(t *testing.T) {
	config, err := pgxpool.ParseConfig(pg.Database(t))
	require.NoError(t, err)
	var diary []string
	user := config.ConnConfig.User
	config.ConnConfig.User = "somebody"
	config.BeforeConnect = func(_ context.Context, c *pgx.ConnConfig) error {
		diary = append(diary, "before")
		c.User = user
		return nil
	}
	config.AfterConnect = func(context.Context, *pgx.Conn) error {
		diary = append(diary, "after")
		return nil
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	defer pool.Close()
	check := pgprobes.Pool("postgres", pool, pgprobes.Config{Lifetime: -1})
	require.Equal(t, "pass", verdict(t, check))
	require.Equal(t, "pass", verdict(t, check))
	require.Equal(t, []string{"before", "before"}, diary)

	user = "nobody"
	require.Equal(t, "denied", verdict(t, check))
}

func TestAPasswordThatCannotBeHadIsNoServerThatIsDown(t *testing.T) {
	noToken := errors.New("no token")
	config, err := pgxpool.ParseConfig("postgres://nobody@127.0.0.1:1/none")
	require.NoError(t, err)
	config.BeforeConnect = func(context.Context, *pgx.ConnConfig) error { return noToken }
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	defer pool.Close()
	check := pgprobes.Pool("postgres", pool, pgprobes.Config{})
	err = check.Run(t.Context())
	require.EqualError(t, err, "pgprobes: check postgres: before connect: no token")
	require.ErrorIs(t, err, noToken)
}

func TestAPoolThatIsClosedSaysNothingOfTheServer(t *testing.T) {
	pool := open(t, pg.Database(t), 2)
	check := pgprobes.Pool("postgres", pool, pgprobes.Config{Lifetime: -1})
	pool.Close()
	require.Equal(t, "pass", verdict(t, check))
}

func TestWhatAddRefuses(t *testing.T) {
	pool := open(t, "postgres://127.0.0.1:1/none", 1)
	alive := pgprobes.Pool("postgres", pool, pgprobes.Config{})
	alive.Kind, alive.Scope = probes.Liveness, probes.Local
	tests := map[string]struct {
		check probes.Check
		want  string
	}{
		"no pool":             {pgprobes.Pool("postgres", nil, pgprobes.Config{}), "Run is nil"},
		"no server":           {pgprobes.Server("postgres", nil, pgprobes.Config{}), "Run is nil"},
		"no name":             {pgprobes.Pool("", pool, pgprobes.Config{}), "the name must be"},
		"as a sign of health": {alive, "on liveness restarts this instance when something else is broken"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			require.ErrorContains(t, probes.New(probes.Config{}).Add(test.check), test.want)
		})
	}
}
