package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// healthCheck sleeps for half a second after a pool has closed a connection.
const healthCheck = "github.com/jackc/pgx/v5/pgxpool.(*Pool).triggerHealthCheck.func1"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction(healthCheck)) }

// ran is what a run has printed, with what it says as JSON.
func ran(t *testing.T, exit int, args ...string) (string, result) {
	t.Helper()
	var out, errs bytes.Buffer
	code := run(t.Context(), args, &out, &errs)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var r result
	require.NoError(t, json.Unmarshal([]byte(lines[len(lines)-1]), &r), "%s%s", &out, &errs)
	if r.busy() { // a guard that is right about a machine without time is no mistake of ours
		t.Skipf("this machine keeps requests waiting that have nothing to wait for:\n%s%s", &out, &errs)
	}
	require.Equal(t, exit, code, "%s%s", &out, &errs)
	require.Empty(t, errs.String())
	return out.String(), r
}

func TestTheHealthyIsPromotedAndTheOthersAreRolledBack(t *testing.T) {
	file := filepath.Join(t.TempDir(), "canary.html")
	said, r := ran(t, exitRight, "-quick", "-rate", "120", "-json", "-report", file)
	require.Len(t, r.Scenarios, 3)
	healthy, failing, slow := r.Scenarios[0], r.Scenarios[1], r.Scenarios[2]
	require.Equal(t, []string{"healthy", promoted}, []string{healthy.Scenario, healthy.Outcome})
	require.Equal(t, []string{"failing", rolledBack}, []string{failing.Scenario, failing.Outcome})
	require.Equal(t, []string{"slow", rolledBack}, []string{slow.Scenario, slow.Outcome})
	require.EqualValues(t, 100, healthy.Share)
	for _, o := range r.Scenarios {
		require.Positive(t, o.Canary)
		require.Greater(t, o.Requests, o.Canary)
		require.LessOrEqual(t, o.Hurt, o.Failures+o.Slow)
	}
	require.Contains(t, failing.Why, "errors of the new arm")
	require.Contains(t, slow.Why, "slow of the new arm")
	require.Less(t, failing.Canary, failing.Requests/2, "it did not come far")
	for _, line := range []string{"  5 %  ", " 20 %  ", " 50 %  ", "100 %  ", "canary requests, with", "guarded, flags in"} {
		require.Contains(t, said, line)
	}
	written, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, 3*4, pictures(t, string(written)))

	// The same with nobody to take it away: whether a guard is of any use.
	said, r = ran(t, exitNotRight, "-quick", "-rate", "120", "-json", "-only", "failing", "-unguarded")
	require.Equal(t, promoted, r.Scenarios[0].Outcome)
	require.Greater(t, r.Scenarios[0].Hurt, failing.Hurt)
	require.Contains(t, said, "nobody asks the guards")
	require.Contains(t, said, "unguarded, flags in")
}

// pictures counts them, on a page that is well-formed and loads nothing. Each is there for
// a desk and for a phone.
func pictures(t *testing.T, page string) (svgs int) {
	t.Helper()
	require.True(t, strings.HasPrefix(page, "<!DOCTYPE html>\n<html"))
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			require.Equal(t, strings.Count(page, `<div class="wide"><svg`), strings.Count(page, `<div class="narrow"><svg`))
			return svgs / 2
		}
		require.NoError(t, err)
		e, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		require.NotContains(t, []string{"script", "link", "img", "iframe"}, e.Name.Local)
		for _, a := range e.Attr {
			require.NotContains(t, []string{"src", "href"}, a.Name.Local)
		}
		if e.Name.Local == "svg" {
			svgs++
		}
	}
}

func TestInMemoryEachInstanceDecidesForItself(t *testing.T) {
	t.Setenv("PGBIN", t.TempDir())
	said, r := ran(t, exitRight, "-quick", "-rate", "120", "-json", "-only", "slow")
	require.Equal(t, inMemory, r.Store)
	require.Equal(t, rolledBack, r.Scenarios[0].Outcome)
	require.Contains(t, said, "as no PostgreSQL is installed")
}

func TestCtrlC(t *testing.T) {
	none := t.TempDir()
	tests := map[string]struct{ pgbin, at string }{
		"before there is a fleet": {os.Getenv("PGBIN"), "healthy: "},
		"in the middle of a ramp": {none, "by the timetable"}, // which waits for nobody, however busy the machine is
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv("PGBIN", test.pgbin)
			ctx, cancel := context.WithCancel(t.Context())
			said := func(text []byte) (int, error) {
				if bytes.Contains(text, []byte(test.at)) {
					cancel()
				}
				return len(text), nil
			}
			file := filepath.Join(t.TempDir(), "canary.html")
			require.NoError(t, os.WriteFile(file, bytes.Repeat([]byte("what was there before"), 100_000), 0o600))
			var errs bytes.Buffer
			require.Equal(t, exitInterrupted, run(ctx, []string{"-quick", "-rate", "60", "-report", file}, writer(said), &errs))
			require.Equal(t, "canary: interrupted; nothing is left running\n", errs.String())
			written, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, 4, pictures(t, string(written)), "what there was is written")
			require.Contains(t, string(written), unfinished)
		})
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(text []byte) (int, error) { return w(text) }

func TestWrongInput(t *testing.T) {
	tests := map[string]struct {
		args []string
		exit int
		want string
	}{
		"help":              {[]string{"-help"}, exitRight, "Usage of canary"},
		"a flag that is no": {[]string{"-fast"}, exitWrongInput, "not defined: -fast"},
		"an argument":       {[]string{"healthy"}, exitWrongInput, `unexpected argument "healthy"`},
		"no load":           {[]string{"-rate", "0"}, exitWrongInput, "-rate is 0: give 20 to"},
		"no such scenario":  {[]string{"-only", "ill"}, exitWrongInput, `-only is "ill": give healthy, failing or slow`},
		"no place for it":   {[]string{"-report", filepath.Join(t.TempDir(), "no", "canary.html")}, exitWrongInput, "no such file or directory"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			require.Equal(t, test.exit, run(t.Context(), test.args, &out, &errs))
			require.Contains(t, errs.String(), test.want)
			require.Empty(t, out.String())
		})
	}
}

func TestTextsOfThePageAreEscaped(t *testing.T) {
	page := result{Store: "<script>", Scenarios: []outcome{{Scenario: "<script>", is: "<script>", Why: "<script>", Outcome: "<script>", samples: []sample{
		{at: 1, share: 5, evidence: map[string]float64{"<script>": 1}, threshold: 1000}, {at: 2, share: 20},
	}}}}.page()
	require.Equal(t, 4, pictures(t, page))
	require.Contains(t, page, "&lt;script&gt;")
}

func TestTimetable(t *testing.T) {
	start := time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)
	plan := timetable{start: start, bake: 10 * time.Second}
	type at struct {
		share float64
		done  bool
	}
	for past, want := range map[time.Duration]at{
		-time.Second: {0, false}, 0: {5, false}, 10 * time.Second: {20, false},
		39 * time.Second: {100, false}, 40 * time.Second: {100, true}, time.Hour: {100, true},
	} {
		share, done := plan.at(start.Add(past))
		require.Equal(t, want, at{share, done}, past)
	}
}

func TestAMachineThatIsBusySaysSo(t *testing.T) {
	r := result{Scenarios: []outcome{{Requests: 1000, Canary: 500, Slow: 400, OldSlow: 5}}}
	require.False(t, r.busy())
	r.Scenarios[0].OldSlow++
	require.True(t, r.busy())
	var out bytes.Buffer
	r.print(&out, false)
	require.Contains(t, out.String(), "this machine is busy with other things")
}

func TestRightIsWhatEachDeserves(t *testing.T) {
	require.True(t, result{}.right())
	require.True(t, result{Scenarios: []outcome{{Outcome: promoted, want: promoted}, {Outcome: rolledBack, want: rolledBack}}}.right())
	require.False(t, result{Scenarios: []outcome{{Outcome: promoted, want: rolledBack}}}.right())
	require.False(t, result{Scenarios: []outcome{{Outcome: unfinished, want: promoted}}}.right())
}
