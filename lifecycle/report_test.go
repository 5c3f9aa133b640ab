package lifecycle_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/lifecycle"
)

// badDay is an app in which there is something of everything. Its db hangs for
// an hour.
func badDay(config lifecycle.Config) *lifecycle.App {
	config.GracePeriod, config.Logger = 10*s, cmpLogger(config.Logger)
	app := lifecycle.New(config)
	app.Add(
		lifecycle.Component{Name: "checks", Run: waits},
		lifecycle.Component{Name: "db", Start: takes(1500 * ms), Stop: ignores(time.Hour), StopTimeout: 1 * s},
		lifecycle.Component{Name: "jobs", Run: fails(5*s, errBoom)},
		lifecycle.Component{Name: "api", Stop: takes(time.Hour), StopTimeout: 2 * s},
	)
	return app
}

func cmpLogger(l *slog.Logger) *slog.Logger {
	if l == nil {
		return silent
	}
	return l
}

func TestReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(2 * time.Hour)
		app := badDay(lifecycle.Config{})
		require.Error(t, app.Run(t.Context()))
		table, stack, _ := strings.Cut(app.Report().String(), "\n\n")
		require.Equal(t, []string{
			"failed, 3.2s of 8s: lifecycle: run jobs: boom",
			"place  component  state       outcome    start  stop  error",
			"4      api        failed      timed out  0s     2s    lifecycle: stop api: context deadline exceeded",
			"3      jobs       failed      failed     0s     0s    lifecycle: run jobs: boom",
			"2      db         failed      abandoned  1.5s   1.2s  lifecycle: stop db: abandoned after 1.2s: context deadline exceeded",
			"1      checks     terminated  stopped    0s     0s",
		}, strings.Split(table, "\n"))
		require.Regexp(t, `^db: goroutine \d+ `, stack)
		require.Contains(t, stack, "lifecycle_test")

		report := app.Report()
		report.Components[2].Stack = "goroutine 7"
		got, err := json.MarshalIndent(report, "", " ")
		require.NoError(t, err)
		require.JSONEq(t, `{
			"state": "failed", "cause": "lifecycle: run jobs: boom", "asked": "2000-01-01T00:00:06.5Z", "took_seconds": 3.2, "budget_seconds": 8,
			"components": [
				{"component": "api", "place": 4, "state": "failed", "outcome": "timed out", "start_seconds": 0, "stop_seconds": 2, "error": "lifecycle: stop api: context deadline exceeded"},
				{"component": "jobs", "place": 3, "state": "failed", "outcome": "failed", "start_seconds": 0, "stop_seconds": 0, "error": "lifecycle: run jobs: boom"},
				{"component": "db", "place": 2, "state": "failed", "outcome": "abandoned", "start_seconds": 1.5, "stop_seconds": 1.2, "error": "lifecycle: stop db: abandoned after 1.2s: context deadline exceeded", "stack": "goroutine 7"},
				{"component": "checks", "place": 1, "state": "terminated", "outcome": "stopped", "start_seconds": 0, "stop_seconds": 0}
			]}`, string(got))
	})
}

func TestReportAtAnyTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(2 * time.Hour)
		app := badDay(lifecycle.Config{})
		at := func(wait time.Duration) string {
			time.Sleep(wait)
			report := app.Report()
			line := fmt.Sprintf("%v %v", report.State, report.Took)
			for _, c := range report.Components {
				line += fmt.Sprintf(", %s %v %s", c.Component, c.State, c.Outcome)
			}
			require.Equal(t, report.State, app.State())
			return line
		}
		require.Equal(t, "new 0s, api new , jobs new , db new , checks new ", at(0))
		_, err := json.Marshal(app.Report())
		require.NoError(t, err)

		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = app.Run(t.Context())
		}()
		require.Equal(t, "starting 0s, api new , jobs new , db starting , checks running ", at(1*s))
		require.Equal(t, "running 0s, api running , jobs running , db running , checks running ", at(1*s))
		require.Equal(t, "stopping 1s, api stopping stopped, jobs running failed, db running , checks running ", at(5500*ms))
		<-ended
		require.Equal(t, "failed 3.2s, api failed timed out, jobs failed failed, db failed abandoned, checks terminated stopped", at(0))
	})
}

func TestEveryChangeIsToldInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(2 * time.Hour)
		began := time.Now()
		var app *lifecycle.App
		var told []string
		app = badDay(lifecycle.Config{OnChange: func(c lifecycle.Change) {
			line := strings.TrimSpace(fmt.Sprintf("%v %s %v", time.Since(began), c.Component, c.State))
			if c.Took > 0 {
				line += fmt.Sprintf(" after %v", c.Took)
			}
			if c.Err != nil {
				line += ": " + strings.ReplaceAll(c.Err.Error(), "\n", "; ")
			}
			told = append(told, line)
			if c.Component == "" {
				require.Equal(t, app.State(), c.State)
				require.Equal(t, app.Report().State, c.State)
			}
		}})
		require.Error(t, app.Run(t.Context()))
		require.Equal(t, []string{
			"0s  starting",
			"0s checks starting", "0s checks running",
			"0s db starting", "1.5s db running after 1.5s",
			"1.5s jobs starting", "1.5s jobs running",
			"1.5s api starting", "1.5s api running",
			"1.5s  running after 1.5s",
			"6.5s  stopping after 6.5s: lifecycle: run jobs: boom",
			"6.5s api stopping", "8.5s api failed after 2s: lifecycle: stop api: context deadline exceeded",
			"8.5s jobs stopping", "8.5s jobs failed: lifecycle: run jobs: boom",
			"8.5s db stopping", "9.7s db failed after 1.2s: lifecycle: stop db: abandoned after 1.2s: context deadline exceeded",
			"9.7s checks stopping", "9.7s checks terminated",
			"9.7s  failed after 3.2s: lifecycle: run jobs: boom; lifecycle: stop api: context deadline exceeded; " +
				"lifecycle: stop db: abandoned after 1.2s: context deadline exceeded",
		}, told)
	})
}

func TestEveryChangeIsOneRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(2 * time.Hour)
		var logged bytes.Buffer
		app := badDay(lifecycle.Config{Logger: slog.New(slog.NewJSONHandler(&logged, nil))})
		require.Error(t, app.Run(t.Context()))

		records := map[string]map[string]any{}
		lines := strings.Split(strings.TrimSpace(logged.String()), "\n")
		for _, line := range lines {
			var record map[string]any
			require.NoError(t, json.Unmarshal([]byte(line), &record))
			records[fmt.Sprint(record["component"], " ", record["state"])] = record
		}
		require.Len(t, lines, 20)
		require.Len(t, records, 20, "no two of one change")

		running := records["db running"]
		require.Equal(t, "INFO", running["level"])
		require.EqualValues(t, 1500*ms, running["took"])
		require.NotContains(t, running, "err")
		cause := records["<nil> stopping"]
		require.Equal(t, "ERROR", cause["level"])
		require.Equal(t, "lifecycle: run jobs: boom", cause["err"])
		hung := records["db failed"]
		require.Equal(t, "ERROR", hung["level"])
		require.Contains(t, hung["stack"], "lifecycle_test")
	})
}

func TestASignalIsNoErrorInTheLog(t *testing.T) {
	var logged bytes.Buffer
	app := lifecycle.New(lifecycle.Config{Logger: slog.New(slog.NewTextHandler(&logged, nil))})
	ctx, cancel := context.WithCancelCause(t.Context())
	app.Add(lifecycle.Component{Name: "api", Start: func(context.Context) error { cancel(errSignal); return nil }})
	require.NoError(t, app.Run(ctx))
	require.Contains(t, logged.String(), `cause="terminated signal received"`)
	require.NotContains(t, logged.String(), "ERROR")
}

func TestAPanicOfOnChangeStopsNothing(t *testing.T) {
	var logged bytes.Buffer
	app := lifecycle.New(lifecycle.Config{
		Logger:   slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelError})),
		OnChange: func(lifecycle.Change) { panic("in OnChange") },
	})
	app.Add(lifecycle.Component{Name: "job", Run: nothing, Stop: nothing})
	require.NoError(t, app.Run(t.Context()))
	require.Equal(t, lifecycle.OutcomeStopped, app.Report().Components[0].Outcome)
	require.Contains(t, logged.String(), "in OnChange")
}

func TestWithoutALoggerTheDefaultOneAtTheTimeOfUse(t *testing.T) {
	app := lifecycle.New(lifecycle.Config{})
	app.Add(lifecycle.Component{Name: "job", Run: nothing})

	var logged bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&logged, nil)))
	defer slog.SetDefault(before)
	require.NoError(t, app.Run(t.Context()))
	require.Contains(t, logged.String(), "component=job")
}

func TestNamesOfStatesAndOutcomes(t *testing.T) {
	got, err := json.Marshal([]any{lifecycle.StateNew, lifecycle.StateFailed, lifecycle.State(9), lifecycle.OutcomeNone, lifecycle.OutcomeTimedOut, lifecycle.Outcome(-1)})
	require.NoError(t, err)
	require.JSONEq(t, `["new", "failed", "unknown 9", "", "timed out", "unknown -1"]`, string(got))
}
