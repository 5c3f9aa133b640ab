//go:build unix

package main_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/examples/rollout/internal/installed"
	"github.com/handover-go/handover/internal/pgtest"
)

// outcome is what the last line has of one strategy.
type outcome struct {
	result
	Balancer string
	Stalled  *struct {
		Requests, Failed int
		RolledBack       bool `json:"rolled_back"`
	}
	BlueGreen *struct {
		BackMS     float64 `json:"back_ms"`
		Streams    int
		StreamsCut int `json:"streams_cut"`
	}
	Canaries []struct {
		Version, Outcome          string
		Share, Requests, Failures int
	}
	Spared int
	Schema *struct {
		Moves, Deploys, Filled, Mismatches int
		LostWrites                         int `json:"lost_writes"`
	}
	StaleReads *int `json:"stale_reads"`
}

// needsPostgres skips a test where there is none, but not where CI is true.
func needsPostgres(t *testing.T) {
	t.Helper()
	err := startsPostgres()
	if errors.Is(err, pgtest.ErrNotInstalled) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	require.NoError(t, err)
}

var startsPostgres = sync.OnceValue(func() error {
	pg := pgtest.New(pgtest.Config{})
	return errors.Join(pg.Start(context.Background()), pg.Close())
})

// deployed runs a strategy to its end.
func deployed(t *testing.T, exit int, args ...string) outcome {
	t.Helper()
	page := filepath.Join(t.TempDir(), "report.html")
	cmd := exec.CommandContext(t.Context(), program, append(args, "-quick", "-json", "-rate", "60", "-program", complete, "-report", page)...)
	cmd.Env = append(os.Environ(), "FLAGS_KILL=", "VERSION=")
	out, err := cmd.Output()
	if err != nil {
		require.ErrorAs(t, err, new(*exec.ExitError))
	}
	require.Equal(t, exit, cmd.ProcessState.ExitCode(), "%s", out)
	var o outcome
	require.NoError(t, json.Unmarshal(lastOf(out), &o), "%s", out)
	require.Positive(t, o.Requests)
	require.Equal(t, exit != 0, o.Failed > 0, "%s", out)
	html, err := os.ReadFile(page)
	require.NoError(t, err)
	for _, p := range o.Processes {
		require.Contains(t, string(html), p.Name)
		if exit == 0 {
			require.Equal(t, "exit status 0", p.Status, "%s", out)
		}
	}
	return o
}

func TestRollingOverCompleteLosesNothingAndAStalledReleaseChangesNothing(t *testing.T) {
	needsPostgres(t)
	t.Parallel()
	o := deployed(t, 0, "-strategy", "rolling")
	require.Equal(t, "rolling", o.Strategy)
	require.Equal(t, "complete", o.Service)
	require.Equal(t, "builtin", o.Balancer)
	require.Len(t, o.Processes, 5, "two of each version, and one that was never ready")
	require.Positive(t, o.Stalled.Requests)
	require.Zero(t, o.Stalled.Failed)
	require.True(t, o.Stalled.RolledBack)
}

// needsBalancer skips a test where it is not installed, but not where CI is true.
func needsBalancer(t *testing.T, name string) {
	t.Helper()
	if name == "builtin" {
		return
	}
	if _, err := installed.Find(name); err != nil && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
}

// A reload of nginx is what a switch could lose something by.
func TestBlueGreenSwitchesThereAndBack(t *testing.T) {
	needsPostgres(t)
	needsBalancer(t, "nginx")
	t.Parallel()
	o := deployed(t, 0, "-strategy", "bluegreen", "-balancer", "nginx")
	require.Equal(t, "bluegreen", o.Strategy)
	require.Equal(t, "nginx", o.Balancer)
	require.Len(t, o.Processes, 4)
	require.GreaterOrEqual(t, o.BlueGreen.BackMS, 1000.0, "the balancer's lag")
	require.Equal(t, 3, o.BlueGreen.Streams)
	require.Zero(t, o.BlueGreen.StreamsCut)
}

// HAProxy has a backend for the spare, and tells of what it hides by its log alone.
func TestACanaryThatIsBadIsRolledBackAndAGoodOneIsPromoted(t *testing.T) {
	t.Parallel()
	for _, balancer := range []string{"builtin", "haproxy"} {
		t.Run(balancer, func(t *testing.T) {
			needsPostgres(t)
			needsBalancer(t, balancer)
			t.Parallel()
			o := deployed(t, 0, "-strategy", "canary", "-balancer", balancer)
			require.Equal(t, "canary", o.Strategy)
			require.Equal(t, balancer, o.Balancer)
			require.Len(t, o.Canaries, 2)
			bad, good := o.Canaries[0], o.Canaries[1]
			require.Equal(t, "v2 rolled_back", bad.Version+" "+bad.Outcome)
			require.Equal(t, 5, bad.Share)
			require.Positive(t, bad.Failures)
			require.GreaterOrEqual(t, o.Spared, bad.Failures, "nobody has seen them")
			require.Equal(t, "v3 promoted", good.Version+" "+good.Outcome)
			require.Equal(t, 100, good.Share)
			require.Zero(t, good.Failures)
		})
	}
}

func TestASchemaIsChangedForwardBackAndForward(t *testing.T) {
	needsPostgres(t)
	t.Parallel()
	o := deployed(t, 0, "-strategy", "schema")
	require.Equal(t, "schema", o.Strategy)
	require.Equal(t, 5, o.Schema.Moves)
	require.Equal(t, 4, o.Schema.Deploys)
	require.Positive(t, o.Schema.Filled)
	require.Zero(t, o.Schema.Mismatches+o.Schema.LostWrites)
	require.Zero(t, *o.StaleReads)
}

// The naive rolling deployment is the small service's, and among its tests.
func TestWhatIsNaiveLosesSomethingInEachStrategy(t *testing.T) {
	needsPostgres(t)
	t.Parallel()
	for strategy, naive := range map[string]string{
		"bluegreen": "switch and kill",
		"canary":    "no analysis, and nobody who answers for a canary",
		"schema":    "the column is renamed in one deploy",
	} {
		t.Run(strategy, func(t *testing.T) {
			t.Parallel()
			o := deployed(t, 1, "-strategy", strategy, "-naive")
			require.Equal(t, strategy, o.Strategy)
			require.Equal(t, naive, o.Naive)
		})
	}
}

// The processes of the strategies are ended as well, when nobody wants to know any more.
func TestCtrlCInAStrategyLeavesNoProcess(t *testing.T) {
	needsPostgres(t)
	t.Parallel()
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errors.New("it does not end"))
	defer cancel()
	cmd, rest := startedAt(ctx, t, "-- blue has the traffic", "-strategy", "bluegreen", "-quick", "-json", "-rate", "40", "-program", complete)
	interrupted(t, cmd, rest)
}

func TestWhatWasInterruptedSaysNothingOfWhatHasNotBeen(t *testing.T) {
	needsPostgres(t)
	t.Parallel()
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errors.New("it does not end"))
	defer cancel()
	cmd, rest := startedAt(ctx, t, "-- roll to v2", "-strategy", "rolling", "-quick", "-json", "-rate", "40", "-program", complete)
	require.NotContains(t, interrupted(t, cmd, rest), "rolled back")
}
