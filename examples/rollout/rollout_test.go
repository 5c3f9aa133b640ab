//go:build unix

package main_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// program is the rollout as a user builds it, and complete what it deploys.
var program, complete string

// healthCheck sleeps for half a second after a pool has closed a connection.
const healthCheck = "github.com/jackc/pgx/v5/pgxpool.(*Pool).triggerHealthCheck.func1"

func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "4"); err != nil { // these wait most of the time; -parallel comes later
		panic(err)
	}
	dir, err := os.MkdirTemp("", "rollout")
	if err != nil {
		panic(err)
	}
	program = filepath.Join(dir, "rollout")
	complete = filepath.Join(dir, "complete")
	for file, of := range map[string]string{program: ".", complete: "../complete"} {
		if out, err := exec.Command("go", "build", "-o", file, of).CombinedOutput(); err != nil {
			panic(fmt.Sprintf("%v: %s", err, out))
		}
	}
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction(healthCheck), goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(dir)
		os.Exit(code)
	}))
}

type result struct {
	Strategy  string
	Naive     string
	Service   string
	Seconds   float64
	Requests  int
	Failed    int
	Kinds     map[string]int
	Processes []struct {
		PID      int
		Name     string
		Version  string
		Replaced bool
		Status   string
		ExitMS   float64 `json:"exit_ms"`
	}
	Stops []json.RawMessage
}

func lastLine(t *testing.T, out []byte) (r result) {
	t.Helper()
	require.NoError(t, json.Unmarshal(lastOf(out), &r), "%s", out)
	return r
}

func lastOf(out []byte) []byte {
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	return lines[len(lines)-1]
}

func TestTheRolloutLosesNothingAndTheOthersLoseSomething(t *testing.T) {
	for name, tc := range map[string]struct {
		args  []string
		exit  int
		loses bool
		naive string
	}{
		"handover behind a layer-4 balancer": {args: []string{"-kind", "layer4"}, exit: 0},
		"handover behind a proxy":            {args: []string{"-kind", "proxy", "-lag", "3s"}, exit: 0},
		"naive":                              {args: []string{"-naive"}, exit: 1, loses: true, naive: "http.Server.Shutdown at the signal"},
		"unhandled":                          {args: []string{"-unhandled"}, exit: 1, loses: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			picture := filepath.Join(t.TempDir(), "rolling.svg")
			cmd := exec.CommandContext(t.Context(), program, append(tc.args, "-strategy", "rolling", "-service", "small", "-quick", "-json", "-rate", "100", "-report", picture)...)
			out, err := cmd.Output()
			if err != nil {
				require.ErrorAs(t, err, new(*exec.ExitError))
			}
			require.Equal(t, tc.exit, cmd.ProcessState.ExitCode(), "%s", out)

			r := lastLine(t, out)
			require.Equal(t, "rolling", r.Strategy)
			require.Positive(t, r.Requests)
			require.Positive(t, r.Seconds)
			require.Equal(t, tc.loses, r.Failed > 0, "%s", out)
			require.Equal(t, tc.naive, r.Naive)
			require.Len(t, r.Processes, 6)
			svg, err := os.ReadFile(picture)
			require.NoError(t, err)
			require.Contains(t, string(svg), "<svg")
			left, err := os.ReadDir(filepath.Dir(picture))
			require.NoError(t, err)
			require.Len(t, left, 1)
			if tc.loses {
				return
			}
			require.Len(t, r.Stops, 3)
			for _, p := range r.Processes {
				require.Equal(t, "exit status 0", p.Status)
				require.Equal(t, p.Version == "v1", p.Replaced)
			}
		})
	}
}

func TestWrongInputIsAPlainErrorAndStatus2(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, taken.Close()) }) // after the parallel ones

	for name, tc := range map[string]struct {
		args []string
		says string
	}{
		"an occupied port":        {[]string{"-service", "small", "-listen", taken.Addr().String()}, "address already in use"},
		"an address that is none": {[]string{"-service", "small", "-listen", "nowhere"}, "nowhere"},
		"an unknown strategy":     {[]string{"-strategy", "recreate"}, `-strategy is "recreate": use rolling, bluegreen, canary, schema or all`},
		"an unknown service":      {[]string{"-service", "large"}, `-service is "large": use "complete" or "small"`},
		"too much of the small":   {[]string{"-service", "small", "-strategy", "canary"}, "-service small are for rolling"},
		"too much unhandled":      {[]string{"-unhandled", "-strategy", "schema"}, "-strategy is schema: -unhandled"},
		"a negative rate":         {[]string{"-rate", "-1"}, "-rate is -1: use requests per second, 1 to 100000"},
		"no rate":                 {[]string{"-rate", "0"}, "-rate is 0"},
		"a rate that is none":     {[]string{"-rate", "many"}, `invalid value "many" for flag -rate`},
		"a negative lag":          {[]string{"-lag", "-1s"}, "-lag is -1s: use 0"},
		"a share above one":       {[]string{"-new", "2"}, "-new is 2: use a share between 0 and 1"},
		"an unknown kind":         {[]string{"-kind", "magic"}, `-kind is "magic": use "layer4" or "proxy"`},
		"an unknown flag":         {[]string{"-fast"}, "flag provided but not defined: -fast"},
		"an argument":             {[]string{"now"}, `unexpected argument "now": only flags are understood`},
		"two services at once":    {[]string{"-naive", "-unhandled"}, "exclude each other"},
		"an unknown balancer":     {[]string{"-balancer", "envoy"}, `-balancer is "envoy": use builtin, nginx, haproxy`},
		"a balancer of others":    {[]string{"-service", "small", "-balancer", "nginx"}, "it is for -service complete"},
		"the kind of another":     {[]string{"-kind", "proxy"}, "-kind and -rtt are of the small service's balancer"},
		"a report of no kind":     {[]string{"-report", "report.pdf"}, "-report is report.pdf: use FILE.html, or FILE.svg"},
		"a picture of all":        {[]string{"-report", "report.svg"}, "the picture of one strategy: add -strategy"},
		"a report in no place":    {[]string{"-report", "/nowhere/report.html"}, "-report is /nowhere/report.html: it cannot be written"},
		"no PostgreSQL":           {nil, "PGBIN to the directory of its initdb; or use -strategy rolling -service small, which needs none\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), program, tc.args...)
			cmd.Env = append(os.Environ(), "PGBIN=/nowhere")
			var errs bytes.Buffer
			cmd.Stderr = &errs
			require.Error(t, cmd.Run())
			require.Equal(t, 2, cmd.ProcessState.ExitCode(), "%s", &errs)
			require.Contains(t, errs.String(), tc.says)
			require.NotContains(t, errs.String(), "panic")
		})
	}
}

func TestHelpIsNoError(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), program, "-help").CombinedOutput()
	require.NoError(t, err)
	require.Contains(t, string(out), "-naive")
}

// started runs the rollout until it has sent the first SIGTERM.
func started(t *testing.T) (cmd *exec.Cmd, rest io.Reader) {
	t.Helper()
	return startedAt(t.Context(), t, "v1-1 signalled", "-service", "small", "-quick", "-json")
}

// startedAt runs the rollout until it says something.
func startedAt(ctx context.Context, t *testing.T, says string, args ...string) (cmd *exec.Cmd, rest io.Reader) {
	t.Helper()
	cmd = exec.CommandContext(ctx, program, args...)
	dir, err := os.MkdirTemp("", "rollout") // t.TempDir is too long for a socket's name
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755)) // for PostgreSQL, which is another user
	t.Cleanup(func() {                       // after one that is killed, PostgreSQL removes files as well
		require.Eventually(t, func() bool { return os.RemoveAll(dir) == nil }, 10*time.Second, 10*time.Millisecond)
	})
	cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewReader(stdout)
	for {
		line, err := lines.ReadString('\n')
		require.NoError(t, err)
		if strings.Contains(line, says) {
			return cmd, lines
		}
	}
}

// interrupted is Ctrl-C, what has to come of it, and what is said after it.
func interrupted(t *testing.T, cmd *exec.Cmd, rest io.Reader) (said string) {
	t.Helper()
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	out, err := io.ReadAll(rest)
	require.NoError(t, err)
	require.Error(t, cmd.Wait())
	require.Equal(t, 130, cmd.ProcessState.ExitCode())
	r := lastLine(t, out)
	require.NotEmpty(t, r.Processes)
	for _, p := range r.Processes {
		require.ErrorIs(t, syscall.Kill(p.PID, 0), syscall.ESRCH, "process %d is left", p.PID)
	}
	return string(out)
}

func TestCtrlCInTheMiddleLeavesNoProcess(t *testing.T) {
	t.Parallel()
	cmd, rest := started(t)
	interrupted(t, cmd, rest)
}

func TestAnIdleServiceEndsAtOnceAfterCtrlC(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeoutCause(t.Context(), 30*time.Second, errors.New("the service does not end"))
	defer cancel()
	cmd := exec.CommandContext(ctx, program)
	cmd.Env = append(os.Environ(), "HANDOVER_ROLLOUT_SERVICE=handover", "HANDOVER_ROLLOUT_VERSION=v1",
		"HANDOVER_ROLLOUT_API=127.0.0.1:0", "HANDOVER_ROLLOUT_PROBES=127.0.0.1:0")
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(stderr)
	for lines.Scan() && !strings.Contains(lines.Text(), "component=ready") {
	}
	for lines.Scan() && !strings.Contains(lines.Text(), "state=running") {
	}
	began := time.Now()
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	for lines.Scan() {
	}
	require.NoError(t, cmd.Wait())
	require.Less(t, time.Since(began), 2*time.Second)
}
