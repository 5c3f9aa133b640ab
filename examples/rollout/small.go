package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"time"

	"github.com/handover-go/handover/examples/rollout/internal/report"
	"github.com/handover-go/handover/examples/rollout/internal/screen"
	"github.com/handover-go/handover/examples/rollout/internal/site"
	"github.com/handover-go/handover/examples/rollout/internal/strategy"
	"github.com/handover-go/handover/shutdown"
	"github.com/handover-go/handover/shutdown/droptest"
)

// small does the rolling deployment with the small service of this program. The balancer is
// droptest's.
func small(ctx context.Context, o options, s *screen.Screen) (strategy.Result, error) {
	r := strategy.Result{Strategy: strategy.Rolling, Service: o.mode, Balancer: string(o.fleet.Kind)}
	var events []droptest.Event
	self, err := os.Executable()
	if err != nil {
		return r, fmt.Errorf("find this program, to execute it as the service: %w", err)
	}
	var said []*bytes.Buffer
	old := smallRelease(self, o.mode, "v1", func(b *bytes.Buffer) { said = append(said, b) })
	next := smallRelease(self, o.mode, "v2", func(*bytes.Buffer) {})
	r.Result, err = droptest.New(told(o, s, func(e droptest.Event) { events = append(events, e) })).Roll(ctx, old, next)
	r.Picture = drawn(r.Result, events)
	for _, b := range said { // every process has ended
		var stop shutdown.Report
		if json.Unmarshal(b.Bytes(), &stop) == nil {
			r.Stops = append(r.Stops, stop)
		}
	}
	return r, err
}

// smallRelease is one version of the small service. heard gets the standard output of each
// of its processes, complete when that has ended.
func smallRelease(self, mode, version string, heard func(*bytes.Buffer)) droptest.Version {
	return droptest.Version{Name: version, Command: func(a droptest.Addresses) *exec.Cmd {
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(),
			envMode+"="+mode, envVersion+"="+version, envAPI+"="+a.API, envProbes+"="+a.Probes)
		var stdout bytes.Buffer
		cmd.Stdout = &stdout
		heard(&stdout)
		return cmd
	}}
}

// told is the configuration as droptest understands it.
func told(o options, s *screen.Screen, heard func(droptest.Event)) droptest.Config {
	c := o.fleet
	fmt.Fprintf(s, "replacing the small service (%s) one by one: droptest's balancer, %s, lag %v, round trip %v, %d requests/s\n",
		o.mode, c.Kind, c.Lag, c.RTT, c.Rate)
	if o.site.Balancer != site.Builtin {
		fmt.Fprintf(s, "not behind %s: who is naive in a rolling deployment is the small service\n", o.site.Balancer)
	}
	c.Lag, c.RTT, c.NewShare = none(c.Lag), none(c.RTT), none(c.NewShare)
	c.OnEvent = func(e droptest.Event) {
		heard(e)
		if e.What == "tick" {
			s.Status(e.String())
			return
		}
		fmt.Fprintln(s, e)
	}
	return c
}

// none says 0 as droptest understands it.
func none[N time.Duration | float64](n N) N {
	if n == 0 {
		return -1
	}
	return n
}

// smallTakes is how long it is going to take, from its pauses.
func (o options) smallTakes() time.Duration {
	const starts, drains = time.Second / 2, 4 * time.Second
	c := o.fleet
	return starts + c.Warmup + time.Duration(c.Replicas)*(starts+c.Settle) + drains + time.Second + drains
}

// drawn is what a report draws of it. Events are counted from the beginning of Roll.
func drawn(r droptest.Result, events []droptest.Event) (run report.Run) {
	run.Lasted = duration(r.LoadToMS - r.LoadFromMS)
	for i, answers := range r.Shares {
		run.Seconds = append(run.Seconds, report.Second{
			Answers: answers, Failed: r.FailedBySecond[i], P99: duration(r.FastP99BySecond[i]),
		})
	}
	for _, e := range events {
		at := e.At - duration(r.LoadFromMS)
		i := slices.IndexFunc(run.Processes, func(p report.Process) bool { return p.Name == e.Process.Name })
		switch e.What {
		case "started":
			run.Processes = append(run.Processes, report.Process{Name: e.Process.Name, Version: e.Process.Version, Started: at})
		case "ready":
			run.Processes[i].Ready = &at
		case "signalled":
			run.Processes[i].Signalled = &at
			run.Marks = append(run.Marks, report.Mark{At: at, Text: e.Process.Name + " signalled"})
		case "exited":
			run.Processes[i].Exited = &at
		}
	}
	return run
}

func duration(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }
