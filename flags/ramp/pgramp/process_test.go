package pgramp_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/internal/pgtest"
)

// looked waits until the leader has met the others for a while after the step has baked.
func looked(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	now := one(t, pool, "SELECT clock_timestamp()::text")
	until(t, "the leader goes on looking", func() bool {
		return one(t, pool, fmt.Sprintf(`SELECT coalesce(bool_or(l.expires_at - interval '%d ms' > timestamptz '%s' + interval '2 s'), false)
			FROM handover.ramp_leaders l`, ttl.Milliseconds(), now)) == "true"
	})
}

// pair starts two, of which the second has this version, with a flag that is disabled
// until both are there.
func pair(t *testing.T, pool *pgxpool.Pool, url, steps, version string) *fleet {
	t.Helper()
	execute(t, pool, "UPDATE handover.flags SET enabled = false")
	f := newFleet(t, url, steps)
	f.start("a")
	f.version = version
	f.start("b")
	until(t, "both live", func() bool { return len(query(t, pool, "SELECT FROM handover.ramp_instances")) == 2 })
	return f
}

func TestNoProcessIsLeftBehind(t *testing.T) {
	url := pg.Database(t)
	pool := fresh(t, url)
	var steps []string
	for s := 2.5; s <= 100; s += 2.5 {
		steps = append(steps, fmt.Sprint(s))
	}
	f := pair(t, pool, url, strings.Join(steps, ","), "1")
	execute(t, pool, "UPDATE handover.flags SET enabled = true")
	until(t, "a step", func() bool { return one(t, pool, share) != "0" })
	f.rule("b", "lag")
	looked(t, pool)
	stuck := one(t, pool, share)
	looked(t, pool)
	require.Equal(t, stuck, one(t, pool, share), "no step while b lags")
	require.NotEqual(t, "100", stuck)
	f.release("b", "lag")
	until(t, "it goes on", func() bool { return f.on("a") == 1000 && f.on("b") == 1000 })
	until(t, "it is done", func() bool { return one(t, pool, "SELECT state FROM handover.ramps") == "done" })
	require.Equal(t, append(append([]string{"0"}, steps...), "100"), query(t, pool, "SELECT new ->> 'share' FROM handover.ramp_audit ORDER BY id"))
}

func TestATripReachesTheOther(t *testing.T) {
	url := pg.Database(t)
	pool := fresh(t, url)
	f := pair(t, pool, url, "50", "1")
	execute(t, pool, "UPDATE handover.flags SET enabled = true")
	until(t, "both serve it", func() bool { return f.on("a") > 0 && f.on("b") > 0 })
	f.rule("b", "trip")
	until(t, "it is taken away", func() bool { return f.on("a") == 0 && f.on("b") == 0 })
	require.Equal(t, "ramp of b its guard has tripped: errors: 9 of 61", one(t, pool, "SELECT who, why FROM handover.flag_audit WHERE (new ->> 'killed')::boolean"))
	until(t, "the ramp is stopped", func() bool { return one(t, pool, "SELECT state FROM handover.ramps") == "stopped" })
	require.Contains(t, one(t, pool, "SELECT evidence::text FROM handover.ramps"), "errors: 9 of 61")
}

// Leaders are killed, and stopped and woken when another leads, at random moments. Each
// step is there once, in its order, and has baked.
func TestLeadersAreKilledAndNoStepIsSkippedOrRepeated(t *testing.T) {
	url := pg.Database(t)
	pool := fresh(t, url)
	var steps []string
	for s := 4; s <= 100; s += 4 {
		steps = append(steps, fmt.Sprint(s))
	}
	f := newFleet(t, url, strings.Join(steps, ","))
	for id := range 3 {
		f.start(fmt.Sprint("first-", id))
	}
	leader := func() string { return one(t, pool, "SELECT coalesce((SELECT id FROM handover.ramp_leaders), '')") }
	until(t, "a step", func() bool { return one(t, pool, share) != "0" })
	stepped := func() bool { return one(t, pool, "SELECT state FROM handover.ramps") == "done" }
	for n := range 4 {
		before, was := one(t, pool, share), leader()
		until(t, "a step of this leader", func() bool { return one(t, pool, share) != before || stepped() })
		<-time.After(time.Duration(rand.IntN(int(bake)))) // so that it is anywhere in a step
		if n%2 == 0 {
			f.kill(was)
			f.start(fmt.Sprint("next-", n))
			until(t, "another leads", func() bool { return leader() != was })
			continue
		}
		require.NoError(t, f.processes[was].Process.Signal(syscall.SIGSTOP))
		until(t, "another leads", func() bool { return leader() != was })
		require.NoError(t, f.processes[was].Process.Signal(syscall.SIGCONT))
	}
	until(t, "it is done", stepped)
	want := append([]string{"0"}, steps...)
	require.Equal(t, append(want, "100"), query(t, pool, "SELECT new ->> 'share' FROM handover.ramp_audit ORDER BY id"))
	require.Equal(t, want, query(t, pool, "SELECT new ->> 'rollout_percentage' FROM handover.flag_audit WHERE key = 'new-checkout' ORDER BY id"))
	require.Empty(t, query(t, pool, fmt.Sprintf(`
		SELECT new FROM handover.ramp_audit WHERE (old ->> 'share')::numeric > 0 AND (new ->> 'since')::timestamptz - (old ->> 'since')::timestamptz < interval '%d ms'
		AND new ->> 'since' <> old ->> 'since'`, bake.Milliseconds())), "all have baked")
}

func TestTheDatabaseIsAwayForAWhile(t *testing.T) {
	server := pgtest.New(pgtest.Config{}).For(t)
	url := server.URL()
	pool := fresh(t, url)
	f := pair(t, pool, url, "20,100", "2") // of other code, so that they stay at 20 %
	execute(t, pool, "UPDATE handover.flags SET enabled = true, rollout_percentage = 20")
	until(t, "both serve it, with a ramp", func() bool {
		return f.on("a") > 0 && f.on("b") > 0 && len(query(t, pool, "SELECT FROM handover.ramps")) == 1
	})
	require.NoError(t, server.Kill(t.Context()))
	a := f.on("a")
	f.rule("b", "trip")
	until(t, "it is killed there, without the database", func() bool { return f.on("b") == 0 })
	require.Equal(t, a, f.on("a"), "nothing is widened, and nobody could tell a")
	require.NoError(t, server.Start(t.Context()))
	pool.Reset() // its connections are to the server that was killed
	until(t, "a is told when the database is back", func() bool { return f.on("a") == 0 })
	require.Equal(t, "true", one(t, pool, "SELECT killed FROM handover.flags"))
	require.Zero(t, f.on("b"))
}
