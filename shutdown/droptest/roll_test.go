package droptest_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/shutdown/droptest"
)

const (
	lag    = 500 * time.Millisecond
	linger = lag + 400*time.Millisecond // a drain that knows the lag, on a busy machine
)

// hurried deploys one process instead of three.
func hurried(kind droptest.Kind) droptest.Config {
	return droptest.Config{
		Kind: kind, Replicas: 1, Lag: lag, RTT: 2 * time.Millisecond, Poll: 50 * time.Millisecond,
		Warmup: 500 * time.Millisecond, Settle: 300 * time.Millisecond,
	}
}

func TestACorrectDrainLosesNothing(t *testing.T) {
	for _, kind := range []droptest.Kind{droptest.Layer4, droptest.Proxy} {
		t.Run(string(kind), func(t *testing.T) {
			cfg := hurried(kind)
			cfg.Replicas, cfg.RTT, cfg.Warmup = 3, 20*time.Millisecond, 1200*time.Millisecond
			result, err := droptest.New(cfg).Roll(t.Context(),
				version("v1", release{linger: linger}), version("v2", release{}))
			require.NoError(t, err)
			require.Zero(t, result.Failed, result)

			require.Greater(t, result.Requests, 400, "the load is there")
			require.Equal(t, []string{"v1-1", "v1-2", "v1-3", "v2-4", "v2-5", "v2-6"}, names(result.Processes))
			for _, p := range result.Processes {
				require.Equal(t, "exit status 0", p.Status, p.Name)
				require.Equal(t, p.Version == "v1", p.Replaced, p.Name)
				require.False(t, p.Killed, p.Name)
			}
			require.GreaterOrEqual(t, result.Processes[0].ExitMS, ms(linger))
			require.Equal(t, []string{"v1"}, slices.Collect(maps.Keys(result.Shares[0])), "at first")
			require.Equal(t, []string{"v2"}, slices.Collect(maps.Keys(result.Shares[len(result.Shares)-1])), "at last")
			require.Less(t, result.P50MS, result.P99MS)
			require.Less(t, result.FastP99MS, result.P99MS)
			requireSeconds(t, result)
			for n, shares := range result.Shares {
				require.Equal(t, len(shares) > 0, result.P99BySecond[n] > 0, "second %d", n)
			}
		})
	}
}

// One thing is wrong in each, and each is found in every run: what it is expected
// to cost (in the comments) is so much that nothing at all is out of the question.
func TestAPlantedFaultIsFound(t *testing.T) {
	tests := map[string]struct {
		kind   droptest.Kind
		change func(*droptest.Config)
		alone  bool // it is too much beside others, on two cores
		old    release
		want   []string      // at least one of these kinds
		accept []string      // others that the fault may cause too, or a machine too busy for the lag
		after  time.Duration // SIGTERM, and not before
	}{
		"no linger": { // half of the new connections of a lag, about 25
			kind: droptest.Layer4,
			old:  release{fault: noLinger},
			want: []string{"new: refused"},
		},
		"no linger, behind a proxy": { // half of the requests of a lag, about 50
			kind: droptest.Proxy,
			old:  release{fault: noLinger},
			want: []string{"bad gateway: new refused"},
		},
		"accept queue not emptied": { // the same 25, and they learn it late
			kind:  droptest.Layer4,
			old:   release{fault: fullQueue, linger: linger},
			want:  []string{"new: reset"},
			after: linger,
		},
		"no close header": { // the requests of a round trip, 12
			kind: droptest.Layer4,
			change: func(c *droptest.Config) {
				c.Rate, c.NewShare, c.SlowEvery, c.RTT = 600, -1, -1, 20*time.Millisecond
			},
			old:    release{fault: noCloseHeader, linger: linger},
			want:   []string{"reused: eof"},
			accept: []string{"reused: reset", "new: eof", "new: reset", "new: refused", "new: no endpoint"},
			alone:  true,
			after:  linger,
		},
		"exit at the handler's return": { // the last of some 20 slow responses
			kind:   droptest.Layer4,
			change: func(c *droptest.Config) { c.SlowEvery = 4 },
			old:    release{fault: exitAtReturn, linger: lag + 100*time.Millisecond, slow: time.Second},
			want:   []string{"new: eof", "reused: eof"},
			accept: []string{"reused: reset", "new: reset", "new: refused"},
			after:  lag,
		},
		"Server.Shutdown first": { // like no linger
			kind:   droptest.Layer4,
			old:    release{fault: shutdownFirst},
			want:   []string{"new: refused"},
			accept: []string{"new: eof", "new: reset", "reused: eof", "reused: reset"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if !tt.alone {
				t.Parallel()
			}
			cfg := hurried(tt.kind)
			if tt.change != nil {
				tt.change(&cfg)
			}
			var ready time.Duration // the new process, which the signal to the old one waits for
			cfg.OnEvent = func(e droptest.Event) {
				if e.What == "ready" {
					ready = e.At
				}
			}
			result, err := droptest.New(cfg).Roll(t.Context(), version("v1", tt.old), version("v2", release{}))
			require.NoError(t, err)
			require.Positive(t, result.Failed, result)
			require.True(t, slices.ContainsFunc(tt.want, func(kind string) bool { return result.Kinds[kind] > 0 }), result)
			require.Subset(t, slices.Concat(tt.want, tt.accept), slices.Collect(maps.Keys(result.Kinds)), result)
			requireSeconds(t, result)
			for _, failed := range result.FailedBySecond[:int(ms(ready)-result.LoadFromMS)/1000] {
				require.Zero(t, failed, "no process has been told anything")
			}
			for _, f := range result.Failures {
				if slices.Contains(tt.want, f.Kind) {
					require.Equal(t, "v1-1", f.Process, f)
					require.GreaterOrEqual(t, f.AfterMS, ms(tt.after), f)
				}
			}
			t.Log(result)
		})
	}
}

func TestWhatAProgramSeesOfADeployment(t *testing.T) {
	t.Parallel()
	cfg := hurried(droptest.Layer4)
	var diary []string
	var ready, exited time.Duration
	ticks := 0
	cfg.OnEvent = func(e droptest.Event) {
		if e.What == "tick" {
			ticks++
			return
		}
		diary = append(diary, e.Process.Name+" "+e.What)
		switch diary[len(diary)-1] {
		case "v1-1 ready":
			ready = e.At
		case "v1-1 exited":
			exited = e.At
		}
	}
	result, err := droptest.New(cfg).Roll(t.Context(), version("v1", release{linger: linger}), version("v2", release{}))
	require.NoError(t, err)
	require.Equal(t, []string{
		"v1-1 started", "v1-1 ready",
		"v2-2 started", "v2-2 ready", "v1-1 signalled", "v1-1 exited",
		"v2-2 signalled", "v2-2 exited",
	}, diary)
	require.Positive(t, ticks)
	require.GreaterOrEqual(t, result.LoadFromMS, ms(ready.Truncate(time.Microsecond)), "there is no load before somebody can answer")
	require.Less(t, result.LoadFromMS, result.LoadToMS)
	require.GreaterOrEqual(t, result.LoadToMS, ms(exited.Truncate(time.Microsecond))+1000, "a second after the last old process")
	require.LessOrEqual(t, result.LoadToMS-result.LoadFromMS, 1000*result.Seconds+.01)

	text, err := json.Marshal(result)
	require.NoError(t, err)
	var again droptest.Result
	require.NoError(t, json.Unmarshal(text, &again))
	require.Equal(t, result, again)
}

func TestAProgramWithOnePort(t *testing.T) {
	t.Parallel()
	cfg := hurried(droptest.Proxy)
	cfg.OnePort = true
	result, err := droptest.New(cfg).Roll(t.Context(), version("v1", release{linger: linger}), version("v2", release{}))
	require.NoError(t, err)
	require.Zero(t, result.Failed, result)
}

func TestAProcessThatIgnoresSIGTERMIsKilledAndReported(t *testing.T) {
	t.Parallel()
	cfg := hurried(droptest.Layer4)
	cfg.KillAfter = 700 * time.Millisecond
	result, err := droptest.New(cfg).Roll(t.Context(), version("v1", release{fault: noSignal}), version("v2", release{}))
	require.NoError(t, err)
	require.Equal(t, 1, result.Killed)
	old := result.Processes[0]
	require.True(t, old.Killed)
	require.Equal(t, "signal: killed", old.Status)
	require.GreaterOrEqual(t, old.ExitMS, ms(cfg.KillAfter))
	require.Positive(t, result.Failed, "what it had in flight")
}

// requireSeconds holds what is known by the second against what is known of all.
func requireSeconds(t *testing.T, r droptest.Result) {
	t.Helper()
	require.Len(t, r.FailedBySecond, len(r.Shares))
	require.Len(t, r.P99BySecond, len(r.Shares))
	require.Len(t, r.FastP99BySecond, len(r.Shares))
	failed := 0
	for _, more := range r.FailedBySecond {
		failed += more
	}
	require.Equal(t, r.Failed, failed)
	require.GreaterOrEqual(t, slices.Max(r.P99BySecond), r.P50MS)
}

func names(ps []droptest.Process) []string {
	var all []string
	for _, p := range ps {
		all = append(all, p.Name)
	}
	return all
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
