package probes_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/probes"
)

// following keeps a diary of what Follow tells.
func following(t *testing.T, set *probes.Set, f func()) (diary func() []string, stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var told []string
	var mu sync.Mutex
	var all sync.WaitGroup
	all.Go(func() {
		err := set.Follow(ctx, func(k probes.Kind, s probes.Status) {
			mu.Lock()
			told = append(told, k.String()+" "+s.String())
			mu.Unlock()
			f()
		})
		if err != nil {
			t.Errorf("follow: %v", err)
		}
	})
	diary = func() []string {
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		was := told
		told = nil
		return was
	}
	return diary, func() { cancel(); all.Wait() }
}

func TestFollowTellsWhatTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := quiet(probes.Config{Delay: -1})
		gate, err := set.Gate("cache", probes.Startup)
		require.NoError(t, err)
		add(t, set,
			probes.Check{Name: "db", Kind: probes.Readiness, Scope: probes.Shared, FailAfter: 1, PassAfter: 1, Run: inTurn(good, bad, good)},
			probes.Check{Name: "loop", Kind: probes.Liveness, Run: good},
		)
		diary, stop := following(t, set, func() {})
		require.Equal(t, []string{"startup fail", "readiness fail", "liveness pass"}, diary(), "first, what holds")
		require.NoError(t, set.Ready(t.Context()))
		stopRun := running(t, set)
		require.Empty(t, diary())
		gate.Open()
		require.Equal(t, []string{"startup pass", "readiness pass"}, diary())
		time.Sleep(6 * time.Second)
		require.Equal(t, []string{"readiness warn"}, diary())
		time.Sleep(6 * time.Second)
		require.Equal(t, []string{"readiness pass"}, diary())
		time.Sleep(time.Hour)
		require.Empty(t, diary(), "nothing turns, nothing is told")
		require.NoError(t, stopRun())
		time.Sleep(time.Minute)
		require.Equal(t, []string{"readiness fail"}, diary(), "it has expired")
		require.EqualValues(t, 1, set.Report().Endpoints[1].Turns[probes.Fail], "which is a turn, too")
		require.NoError(t, set.Drain(t.Context()))
		require.Empty(t, diary())
		stop()
	})
}

// Who is slow is told what holds, not what has held.
func TestASlowFollowerIsToldTheLatest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := quiet(probes.Config{})
		toggle, err := set.Toggle("maintenance")
		require.NoError(t, err)
		require.NoError(t, set.Ready(t.Context()))
		diary, stop := following(t, set, func() { time.Sleep(time.Second) })
		time.Sleep(10 * time.Second)
		diary()
		for i := range 101 {
			toggle.Switch(i%2 == 0)
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Minute)
		require.Equal(t, []string{"readiness fail"}, diary())
		stop()
	})
}

// A follower may ask and change the set: no lock is held.
func TestAFollowerMayUseTheSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := quiet(probes.Config{})
		diary, stop := following(t, set, func() {
			set.Report()
			_ = set.Ready(t.Context())
		})
		require.Equal(t, []string{"startup fail", "readiness pass", "liveness pass", "startup pass"}, diary())
		stop()
	})
}

func TestStatus(t *testing.T) {
	set := quiet(probes.Config{Delay: -1})
	type said struct {
		status probes.Status
		reason string
	}
	ask := func(k probes.Kind) said { s, r := set.Status(k); return said{s, r} }
	require.Equal(t, said{probes.Fail, "starting"}, ask(probes.Readiness))
	require.NoError(t, set.Ready(t.Context()))
	require.Equal(t, said{probes.Pass, ""}, ask(probes.Readiness))
	require.NoError(t, set.Drain(t.Context()))
	require.Equal(t, said{probes.Fail, "draining"}, ask(probes.Readiness))
	require.Equal(t, said{probes.Pass, ""}, ask(probes.Liveness))
	require.Equal(t, said{probes.Fail, ""}, ask(0))
	require.Equal(t, said{probes.Fail, ""}, ask(9))
}

func TestTheReportCountsRunsAndTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := quiet(probes.Config{})
		add(t, set, probes.Check{
			Name: "db", Kind: probes.Readiness, Scope: probes.Local, FailAfter: 1, PassAfter: 1, Timeout: 100 * time.Millisecond,
			Run: inTurn(good, bad, explode, hang, says("slow", true), deaf(12*time.Second), good, good),
		})
		require.NoError(t, set.Ready(t.Context()))
		require.Zero(t, set.Report().Checks[0].Age, "not judged yet")
		stop := running(t, set)
		time.Sleep(time.Minute)
		report := set.Report()
		require.NoError(t, stop())

		db := report.Checks[0]
		require.Equal(t, probes.Pass, db.Status)
		require.NoError(t, db.Err)
		runs := db.Runs
		require.Positive(t, runs[probes.Passed])
		require.Positive(t, runs[probes.Stuck])
		delete(runs, probes.Passed)
		delete(runs, probes.Stuck)
		require.Equal(t, map[probes.Result]int64{probes.Failed: 1, probes.Panicked: 1, probes.TimedOut: 2, probes.Degraded: 1}, runs)
		require.EqualValues(t, 2, db.Took.Count-db.Took.Buckets()[time.Millisecond], "two took longer than 1 ms")
		require.Equal(t, 200*time.Millisecond, db.Took.Sum)
		require.Equal(t, db.Took.Count, db.Took.Buckets()[100*time.Millisecond])
		require.LessOrEqual(t, db.Age, 6*time.Second)
		require.Greater(t, db.Since, db.Age)
		turns := report.Endpoints[1].Turns
		require.Equal(t, map[probes.Status]int64{probes.Pass: 2, probes.Warn: 1, probes.Fail: 2}, turns)
	})
}

func TestLastWordsBeforeARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log journal
		file := filepath.Join(t.TempDir(), "termination-log")
		set := probes.New(probes.Config{Logger: log.logger(), TerminationLog: file})
		locked := make(chan struct{})
		var all sync.WaitGroup
		all.Go(func() { deadlocked(locked) })
		add(t, set,
			probes.Check{Name: "loop", Kind: probes.Liveness, FailAfter: 2, Run: inTurn(good, bad)},
			probes.Check{Name: "other", Kind: probes.Liveness, FailAfter: 2, Run: inTurn(good, good, bad)},
			probes.Check{Name: "db", Kind: probes.Readiness, Scope: probes.Local, Run: bad},
		)
		stop := running(t, set)
		time.Sleep(time.Minute)
		require.NoError(t, stop())
		close(locked)
		all.Wait()

		var dumps []string
		for _, line := range log.lines() {
			if strings.Contains(line, "will be restarted") {
				dumps = append(dumps, line)
			}
		}
		require.Len(t, dumps, 1, "once, however many checks fail, and for liveness only")
		require.Contains(t, dumps[0], `level=ERROR msg="probes: liveness fails: if it stays so, this instance will be restarted" err="loop: error: `+secret)
		require.Contains(t, dumps[0], "probes_test.deadlocked")
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(text), "liveness fails: loop: error: "+secret+"\n\ngoroutine "), "%s", text)
		require.LessOrEqual(t, len(text), 4<<10)
	})
}

// holding is a log that keeps whoever reports of one check.
type holding struct {
	slog.Handler
	check   string
	release chan struct{}
	held    bool
}

func (h holding) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.held = h.held || slices.ContainsFunc(attrs, func(a slog.Attr) bool { return a.Key == "check" && a.Value.String() == h.check })
	h.Handler = h.Handler.WithAttrs(attrs)
	return h
}

func (h holding) Handle(ctx context.Context, r slog.Record) error {
	if h.held {
		<-h.release
	}
	return h.Handler.Handle(ctx, r)
}

// A check that nobody judges any more fails, too, which another one's judge notices.
func TestLastWordsOfACheckThatNobodyJudges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log journal
		h := holding{Handler: log.logger().Handler(), check: "held", release: make(chan struct{})}
		set := probes.New(probes.Config{Logger: slog.New(h)})
		add(t, set,
			probes.Check{Name: "held", Kind: probes.Liveness, Run: good},
			probes.Check{Name: "other", Kind: probes.Liveness, Run: good},
		)
		stop := running(t, set)
		for range 600 { // a prober sees it first, and tells nobody
			time.Sleep(100 * time.Millisecond)
			look(t, set, "/livez")
		}
		require.Contains(t, strings.Join(log.lines(), "\n"), `will be restarted" err="held: stale" stacks=`)
		close(h.release)
		require.NoError(t, stop())
	})
}

func TestLastWordsAreTakenBackByARecovery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "termination-log")
		set := quiet(probes.Config{TerminationLog: file})
		add(t, set, prompt(probes.Check{Name: "loop", Kind: probes.Liveness, Run: inTurn(bad, good)}))
		stop := running(t, set)
		synctest.Wait()
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NotEmpty(t, text)
		time.Sleep(10 * time.Second)
		require.NoError(t, stop())
		text, err = os.ReadFile(file)
		require.NoError(t, err)
		require.Empty(t, text)
	})
}

func deadlocked(on <-chan struct{}) { <-on }

func TestATerminationLogThatCannotBeWrittenIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log journal
		set := probes.New(probes.Config{Logger: log.logger(), TerminationLog: filepath.Join(t.TempDir(), "no", "such", "folder")})
		add(t, set, probes.Check{Name: "loop", Kind: probes.Liveness, Run: func(context.Context) error { return errors.New("late") }})
		stop := running(t, set)
		synctest.Wait()
		require.NoError(t, stop())
		lines := log.lines()
		require.Contains(t, strings.Join(lines, "\n"), `level=ERROR msg="probes: the termination log cannot be written" err="open `)
	})
}
