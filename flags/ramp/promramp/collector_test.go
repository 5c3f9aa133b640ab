package promramp_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/guard"
	"github.com/handover-go/handover/flags/ramp"
	"github.com/handover-go/handover/flags/ramp/promramp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// told is a member that says what a test wants.
type told func() ramp.Status

func (t told) Status() ramp.Status { return t() }

func registry(t *testing.T, collectors ...prometheus.Collector) *prometheus.Registry {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	for _, c := range collectors {
		require.NoError(t, r.Register(c))
	}
	return r
}

// sees compares the series of these names, without handover_ramp_.
func sees(t *testing.T, metrics prometheus.Gatherer, what string, names ...string) {
	t.Helper()
	for i := range names {
		names[i] = "handover_ramp_" + names[i]
	}
	var lines []string
	for line := range strings.Lines(what) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, "handover_ramp_"+line)
		}
	}
	text, err := exposition(metrics, names)
	require.NoError(t, err)
	require.ElementsMatch(t, lines, text)
}

// exposition are the lines with numbers.
func exposition(metrics prometheus.Gatherer, names []string) (lines []string, err error) {
	families, err := metrics.Gather()
	for _, family := range families {
		for _, name := range names {
			if family.GetName() != name {
				continue
			}
			for _, m := range family.GetMetric() {
				var labels []string
				for _, l := range m.GetLabel() {
					if l.GetName() != "member" {
						labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
					}
				}
				lines = append(lines, fmt.Sprintf("%s{%s} %v", name, strings.Join(labels, ","), m.GetGauge().GetValue()+m.GetCounter().GetValue()))
			}
		}
	}
	return lines, err
}

func verdict(state guard.State, requests, failures uint64, evidence float64) ramp.Guarded {
	return ramp.Guarded{Verdict: guard.Verdict{State: state, Metrics: []guard.Metric{
		{Name: "errors", Bound: 0.01, Evidence: evidence, Threshold: 1000, New: guard.Arm{Requests: requests, Failures: failures}, Control: guard.Arm{Requests: 900}},
		{Name: "untested", New: guard.Arm{Requests: requests}},
	}}}
}

func TestARampIsShown(t *testing.T) {
	status := ramp.Status{
		ID: "web-1", Leader: "web-1", Met: time.Unix(1000, 5e8), Instances: make([]ramp.Instance, 2),
		Ramps: []ramp.Progress{{
			Key: "new-checkout", State: ramp.Running, Share: 5, Next: 20, Since: time.Unix(900, 0), Left: 90 * time.Second,
			Waiting: []string{"it bakes", "web-2 lags"},
			Verdicts: map[string]ramp.Guarded{
				"web-1": verdict(guard.Holding, 30, 2, 12), "web-2": verdict(guard.Passing, 500, 400, 1e9), "all together": verdict(guard.Passing, 530, 402, 77),
			},
		}},
	}
	r := registry(t, promramp.New(told(func() ramp.Status { return status }), promramp.Config{}))
	sees(t, r, `leader{} 1
		instances{} 2
		met_timestamp_seconds{} 1000.5
		failing{} 0
		omitted{} 0`, "leader", "instances", "met_timestamp_seconds", "failing", "omitted")
	sees(t, r, `state{flag="new-checkout",state="done"} 0
		state{flag="new-checkout",state="new"} 0
		state{flag="new-checkout",state="paused"} 0
		state{flag="new-checkout",state="running"} 1
		state{flag="new-checkout",state="stopped"} 0
		share{flag="new-checkout"} 0.05
		next_share{flag="new-checkout"} 0.2
		step_timestamp_seconds{flag="new-checkout"} 900
		bake_left_seconds{flag="new-checkout"} 90
		waiting{flag="new-checkout"} 2
		killed{flag="new-checkout"} 0`,
		"state", "share", "next_share", "step_timestamp_seconds", "bake_left_seconds", "waiting", "killed")
	sees(t, r, `guard{by="instance",flag="new-checkout",state="holding"} 1
		guard{by="instance",flag="new-checkout",state="passing"} 0
		guard{by="instance",flag="new-checkout",state="tripped"} 0
		guard{by="fleet",flag="new-checkout",state="holding"} 0
		guard{by="fleet",flag="new-checkout",state="passing"} 1
		guard{by="fleet",flag="new-checkout",state="tripped"} 0
		evidence{by="instance",flag="new-checkout",metric="errors"} 12
		evidence{by="fleet",flag="new-checkout",metric="errors"} 77
		evidence_threshold{by="instance",flag="new-checkout",metric="errors"} 1000
		evidence_threshold{by="fleet",flag="new-checkout",metric="errors"} 1000`, "guard", "evidence", "evidence_threshold")
	sees(t, r, `requests_total{arm="new",flag="new-checkout",metric="errors"} 30
		requests_total{arm="control",flag="new-checkout",metric="errors"} 900
		requests_total{arm="new",flag="new-checkout",metric="untested"} 30
		requests_total{arm="control",flag="new-checkout",metric="untested"} 0
		failures_total{arm="new",flag="new-checkout",metric="errors"} 2
		failures_total{arm="control",flag="new-checkout",metric="errors"} 0
		failures_total{arm="new",flag="new-checkout",metric="untested"} 0
		failures_total{arm="control",flag="new-checkout",metric="untested"} 0`, "requests_total", "failures_total")
	problems, err := testutil.GatherAndLint(r)
	require.NoError(t, err)
	require.Empty(t, problems)
}

func TestNothingIsShownOfWhatThereIsNot(t *testing.T) {
	r := registry(t, promramp.New(told(func() ramp.Status { return ramp.Status{Err: errors.New("down"), Ramps: []ramp.Progress{{Key: "a"}}} }), promramp.Config{}))
	sees(t, r, `leader{} 0
		failing{} 1
		state{flag="a",state="done"} 0
		state{flag="a",state="new"} 1
		state{flag="a",state="paused"} 0
		state{flag="a",state="running"} 0
		state{flag="a",state="stopped"} 0`,
		"leader", "failing", "met_timestamp_seconds", "state", "next_share", "step_timestamp_seconds", "guard", "evidence", "requests_total")
}

func TestCountersDoNotGoBack(t *testing.T) {
	n := uint64(7)
	r := registry(t, promramp.New(told(func() ramp.Status {
		return ramp.Status{ID: "a", Ramps: []ramp.Progress{{Key: "k", Verdicts: map[string]ramp.Guarded{"a": verdict(guard.Holding, n, 0, 1)}}}}
	}), promramp.Config{}))
	const series = `requests_total{arm="new",flag="k",metric="errors"} `
	for _, step := range []struct{ is, shown uint64 }{{7, 7}, {3, 7}, {8, 8}} {
		n = step.is
		lines, err := exposition(r, []string{"handover_ramp_requests_total"})
		require.NoError(t, err)
		require.Contains(t, lines, "handover_ramp_"+series+fmt.Sprint(step.shown))
	}
}

func TestSeriesAreBounded(t *testing.T) {
	var ramps []ramp.Progress
	for i := range 50 {
		ramps = append(ramps, ramp.Progress{Key: fmt.Sprintf("k%02d", i)})
	}
	ramps[40].Verdicts = map[string]ramp.Guarded{"a": verdict(guard.Holding, 1, 0, math.MaxFloat64)}
	ramps[41].Key, ramps[42].Key = "x\xff", "x\xfe" // one label
	status := told(func() ramp.Status { return ramp.Status{ID: "a", Ramps: ramps} })
	r := registry(t, promramp.New(status, promramp.Config{Name: "few", MaxRamps: 2}), promramp.New(status, promramp.Config{Name: "all"}), promramp.New(status, promramp.Config{Name: "none", MaxRamps: -1}))
	sees(t, r, `omitted{} 48
		omitted{} 1
		omitted{} 50`, "omitted")
	lines, err := exposition(r, []string{"handover_ramp_share"})
	require.NoError(t, err)
	require.Len(t, lines, 2+49)
	require.Contains(t, lines, `handover_ramp_share{flag="k40"} 0`)
}

func TestWithoutAMember(t *testing.T) {
	for name, m := range map[string]promramp.Member{"nil": nil, "a nil member": (*ramp.Member)(nil)} {
		t.Run(name, func(t *testing.T) {
			_, err := registry(t, promramp.New(m, promramp.Config{})).Gather()
			require.ErrorContains(t, err, "New was given no member")
		})
	}
}

// A member itself, scraped from all sides, before it has started and while it runs.
func TestAMemberIsScrapedWhileItRuns(t *testing.T) {
	silent := slog.New(slog.DiscardHandler)
	flag := flags.Bool("new-checkout", false)
	client := flags.New(flags.Static(`{"flags": {"new-checkout": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on"}}}`), flags.Config{Logger: silent}, flag)
	g, err := guard.New(flag, guard.Config{Logger: silent})
	require.NoError(t, err)
	member := ramp.New(client, nil, ramp.Config{ID: "me", Tick: time.Millisecond, Logger: silent}, ramp.Plan{Flag: flag, Guard: g})
	r := registry(t, promramp.New(member, promramp.Config{}))
	_, err = r.Gather()
	require.NoError(t, err)

	ctx, stop := context.WithCancel(t.Context())
	require.NoError(t, client.Start(ctx))
	require.NoError(t, member.Start(ctx))
	var all sync.WaitGroup
	all.Go(func() { _ = member.Run(ctx) })
	for range 3 {
		all.Go(func() {
			for range 20 {
				_, _ = guard.Do(client.Pin(ctx, flags.Subject{Key: "ada"}), g, func(context.Context) (int, error) { return 1, nil }, nil)
				_, _ = r.Gather()
			}
		})
	}
	require.Eventually(t, func() bool {
		lines, err := exposition(r, []string{"handover_ramp_requests_total"})
		return err == nil && strings.Contains(strings.Join(lines, "\n"), `{arm="new",flag="new-checkout",metric="errors"} 60`)
	}, time.Minute, 5*time.Millisecond)
	stop()
	all.Wait()
}
