package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/handover-go/handover/examples/rollout/internal/fleet"
	"github.com/handover-go/handover/shutdown"
	"github.com/handover-go/handover/shutdown/droptest"
)

// stalled is what a release that never becomes ready has done: nothing.
type stalled struct {
	Requests   int     `json:"requests"`
	Failed     int     `json:"failed"`
	WaitedS    float64 `json:"waited_s"` // for it to be ready
	RolledBack bool    `json:"rolled_back"`
}

// rolling replaces processes one by one, and then tries a release that is never ready.
func (w *world) rolling(ctx context.Context, o options, out io.Writer) (result, error) {
	url, err := w.copy(ctx, "rolling")
	if err != nil {
		return result{}, err
	}
	release := func(version string) droptest.Version {
		return droptest.Version{Name: version, Command: func(a droptest.Addresses) *exec.Cmd {
			cmd := exec.Command(w.program, "-listen="+a.API, "-admin="+a.Probes, "-version="+version)
			cmd.Env = append(os.Environ(), "DATABASE_URL="+url)
			return cmd
		}}
	}
	o.fleet.Path, o.fleet.SlowEvery = "/search", -1
	r := result{Strategy: "rolling", Service: "complete"}
	r.Result, err = droptest.New(told(o, r.Service, out)).Roll(ctx, release("v1"), release("v2"))
	if err != nil {
		return r, err
	}
	return r, w.stall(ctx, o, out, &r)
}

// told is the configuration as droptest understands it.
func told(o options, service string, out io.Writer) droptest.Config {
	c := o.fleet
	fmt.Fprintf(out, "replacing %s one by one: %s balancer, lag %v, round trip %v, %d requests/s\n", service, c.Kind, c.Lag, c.RTT, c.Rate)
	c.Lag, c.RTT, c.NewShare = none(c.Lag), none(c.RTT), none(c.NewShare)
	c.OnEvent = func(e droptest.Event) { fmt.Fprintln(out, e) }
	return c
}

// stall deploys a release whose DATABASE_URL leads nowhere. As nothing is taken away
// before something is there, it ends with the deadline, and those that serve go on.
func (w *world) stall(ctx context.Context, o options, out io.Writer, r *result) error {
	s, err := newSite(ctx, w, o, "stalled", out, nil)
	if err != nil {
		return err
	}
	defer s.end()
	r.Stalled = &stalled{}
	err = s.stall(ctx, r.Stalled)
	s.end()
	c := s.load.Counts()
	r.Stalled.Requests, r.Stalled.Failed = c.Requests, c.Failed
	r.Requests += c.Requests
	r.Failed += c.Failed
	for kind, n := range c.Kinds {
		r.Kinds[kind] += n
	}
	return err
}

func (s *site) stall(ctx context.Context, r *stalled) error {
	s.stage("v2 serves, v3 will never be ready")
	if _, err := s.launch(ctx, fleet.Release{Version: "v2"}, s.o.replicas); err != nil {
		return err
	}
	if err := s.begin(ctx); err != nil {
		return err
	}
	surge, err := s.fleet.Start(fleet.Release{Version: "v3", Env: []string{"DATABASE_URL=postgres://nobody@127.0.0.1:1/nowhere"}})
	if err != nil {
		return err
	}
	began := time.Now()
	limited, cancel := context.WithTimeout(ctx, s.o.progress)
	defer cancel()
	if s.during(limited, surge.Ready) == nil {
		return surge.Failed("is ready, without a database")
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	r.WaitedS, r.RolledBack = time.Since(began).Seconds(), true
	s.stage("no progress: v3 is rolled back")
	surge.Terminate()
	if err := s.exits(ctx, surge); err != nil {
		return err
	}
	return s.finish(ctx)
}

// small does the rolling deployment with the small service of this program.
func small(ctx context.Context, o options, out io.Writer) (result, error) {
	r := result{Strategy: "rolling", Service: o.mode}
	self, err := os.Executable()
	if err != nil {
		return r, fmt.Errorf("find this program, to execute it as the service: %w", err)
	}
	var said []*bytes.Buffer
	old := smallRelease(self, o.mode, "v1", func(b *bytes.Buffer) { said = append(said, b) })
	next := smallRelease(self, o.mode, "v2", func(*bytes.Buffer) {})
	r.Result, err = droptest.New(told(o, r.Service, out)).Roll(ctx, old, next)
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
