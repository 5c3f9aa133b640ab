// Matrix runs the rolling deployment of the small service in all conditions and
// prints a table: two kinds of balancer, three lags, two round trips, two rates, new
// connections frequent or rare. Exit status 1 if a request failed or a process was
// late.
//
// A process is late if it exits more than 0.2 s after all that may keep it: the
// shutdown delay or the lag and the silence, whichever is longer, and the longest
// request.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/handover-go/handover/shutdown"
	"github.com/handover-go/handover/shutdown/droptest"
)

const (
	delay   = 2 * time.Second // probes.Config.Delay
	longest = time.Second     // request of the service
	slack   = 200 * time.Millisecond
)

func main() {
	ctx, stop := shutdown.Notify(context.Background())
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "matrix:", err)
		os.Exit(1)
	}
}

// condition is a row of the table.
type condition struct {
	kind     droptest.Kind
	lag, rtt time.Duration
	rate     int
	newShare float64
}

func conditions() (all []condition) {
	for _, kind := range []droptest.Kind{droptest.Layer4, droptest.Proxy} {
		for _, lag := range []time.Duration{0, time.Second, 3 * time.Second} {
			for _, rtt := range []time.Duration{2 * time.Millisecond, 20 * time.Millisecond} {
				for _, rate := range []int{200, 600} {
					for _, newShare := range []float64{1.0 / 3, 0.05} {
						all = append(all, condition{kind, lag, rtt, rate, newShare})
					}
				}
			}
		}
	}
	return all
}

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "rollout")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	rollout := filepath.Join(dir, "rollout")
	build := exec.CommandContext(ctx, "go", "build", "-o", rollout, "github.com/handover-go/handover/examples/rollout")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("build the rollout: %w", err)
	}

	fmt.Println("kind    lag  round trip  rate  new  requests  failed  last exit  latest against its bound")
	bad := 0
	for _, c := range conditions() {
		r, err := c.run(ctx, rollout)
		if err != nil {
			return err
		}
		exit, margin := r.exits(c)
		fmt.Printf("%-6s  %-3s  %-10s  %4d  %2.0f%%  %8d  %6d  %7.2f s  %+.2f s  %v\n",
			c.kind, c.lag, c.rtt, c.rate, c.newShare*100, r.Requests, r.Failed, exit.Seconds(), margin.Seconds(), r.Kinds)
		if r.Failed > 0 || margin > 0 {
			bad++
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d conditions lost requests or were late", bad)
	}
	return nil
}

// result is what is needed of the last line of the rollout.
type result struct {
	Requests  int                `json:"requests"`
	Failed    int                `json:"failed"`
	Kinds     map[string]int     `json:"kinds"`
	Processes []droptest.Process `json:"processes"`
	Stops     []shutdown.Report  `json:"stops"`
}

func (c condition) run(ctx context.Context, rollout string) (r result, err error) {
	cmd := exec.CommandContext(ctx, rollout, "-quick", "-json", "-strategy", "rolling", "-service", "small",
		"-kind", string(c.kind), "-lag", c.lag.String(), "-rtt", c.rtt.String(),
		"-rate", strconv.Itoa(c.rate), "-new", strconv.FormatFloat(c.newShare, 'g', -1, 64))
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // so that it ends its own processes
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		return r, fmt.Errorf("%v: %w", cmd.Args[1:], err)
	}
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	if err := json.Unmarshal(lines[len(lines)-1], &r); err != nil {
		return r, fmt.Errorf("%v: read its last line: %w", cmd.Args[1:], err)
	}
	return r, nil
}

// exits returns the slowest exit of the processes that were replaced, and by how
// much the latest of them missed its bound (negative: it kept it).
func (r result) exits(c condition) (slowest, margin time.Duration) {
	margin = -time.Hour
	replaced := 0
	for _, p := range r.Processes {
		if !p.Replaced {
			continue
		}
		exit := time.Duration(p.ExitMS * float64(time.Millisecond))
		var silence time.Duration
		if replaced < len(r.Stops) {
			silence = r.Stops[replaced].Silence
		}
		replaced++
		slowest = max(slowest, exit)
		margin = max(margin, exit-max(delay, c.lag+silence)-longest-slack)
	}
	return slowest, margin
}
