//go:build unix

package main_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/internal/pgtest"
)

// outcome is what the last line has of one strategy.
type outcome struct {
	result
	Naive   string
	Stalled *struct {
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
	cmd := exec.CommandContext(t.Context(), program, append(args, "-quick", "-json", "-rate", "60", "-program", complete)...)
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
	for _, p := range o.Processes {
		if exit == 0 {
			require.Equal(t, "exit status 0", p.Status, "%s", out)
		}
	}
	return o
}

func TestRollingOverCompleteLosesNothingAndAStalledReleaseChangesNothing(t *testing.T) {
	needsPostgres(t)
	t.Parallel()
	o := deployed(t, 0, "-strategy", "rolling", "-service", "complete")
	require.Equal(t, "rolling", o.Strategy)
	require.Equal(t, "complete", o.Service)
	require.Len(t, o.Processes, 6)
	require.Positive(t, o.Stalled.Requests)
	require.True(t, o.Stalled.RolledBack)
}

func TestBlueGreenSwitchesThereAndBack(t *testing.T) {
	needsPostgres(t)
	t.Parallel()
	o := deployed(t, 0, "-strategy", "bluegreen")
	require.Equal(t, "bluegreen", o.Strategy)
	require.Len(t, o.Processes, 4)
	require.GreaterOrEqual(t, o.BlueGreen.BackMS, 1000.0, "the balancer's lag")
	require.Equal(t, 3, o.BlueGreen.Streams)
	require.Zero(t, o.BlueGreen.StreamsCut)
}

func TestACanaryThatIsBadIsRolledBackAndAGoodOneIsPromoted(t *testing.T) {
	needsPostgres(t)
	t.Parallel()
	o := deployed(t, 0, "-strategy", "canary")
	require.Equal(t, "canary", o.Strategy)
	require.Len(t, o.Canaries, 2)
	bad, good := o.Canaries[0], o.Canaries[1]
	require.Equal(t, "v2 rolled_back", bad.Version+" "+bad.Outcome)
	require.Equal(t, 5, bad.Share)
	require.Positive(t, bad.Failures)
	require.GreaterOrEqual(t, o.Spared, bad.Failures, "nobody has seen them")
	require.Equal(t, "v3 promoted", good.Version+" "+good.Outcome)
	require.Equal(t, 100, good.Share)
	require.Zero(t, good.Failures)
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

func TestWhatIsNaiveLosesSomethingInEachStrategy(t *testing.T) {
	needsPostgres(t)
	t.Parallel()
	for strategy, naive := range map[string]string{
		"rolling":   "http.Server.Shutdown at the signal",
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
