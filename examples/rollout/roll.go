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

	"github.com/handover-go/handover/shutdown"
	"github.com/handover-go/handover/shutdown/droptest"
)

// result is what the rollout prints.
type result struct {
	Strategy string `json:"strategy"`
	Service  string `json:"service"` // handover, naive or unhandled
	droptest.Result
	// Stops are the reports of the processes that were replaced; only the
	// handover service makes one.
	Stops []shutdown.Report `json:"stops,omitempty"`
}

func roll(ctx context.Context, o options, out io.Writer) (result, error) {
	r := result{Strategy: "rolling", Service: o.mode}
	self, err := os.Executable()
	if err != nil {
		return r, fmt.Errorf("find this program, to execute it as the service: %w", err)
	}
	fmt.Fprintf(out, "replacing %s one by one: %s balancer, lag %v, round trip %v, %d requests/s\n",
		o.mode, o.fleet.Kind, o.fleet.Lag, o.fleet.RTT, o.fleet.Rate)
	o.fleet.Lag, o.fleet.RTT, o.fleet.NewShare = none(o.fleet.Lag), none(o.fleet.RTT), none(o.fleet.NewShare)
	o.fleet.OnEvent = func(e droptest.Event) { fmt.Fprintln(out, e) }

	var said []*bytes.Buffer
	old := release(self, o.mode, "v1", func(b *bytes.Buffer) { said = append(said, b) })
	next := release(self, o.mode, "v2", func(*bytes.Buffer) {})
	r.Result, err = droptest.New(o.fleet).Roll(ctx, old, next)
	for _, b := range said { // every process has ended
		var stop shutdown.Report
		if json.Unmarshal(b.Bytes(), &stop) == nil {
			r.Stops = append(r.Stops, stop)
		}
	}
	return r, err
}

// release is one version of the service. heard gets the standard output of each
// of its processes, complete when that has ended.
func release(self, mode, version string, heard func(*bytes.Buffer)) droptest.Version {
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

func (r result) print(out io.Writer, asJSON bool) {
	fmt.Fprintf(out, "\n%v", r.Result)
	fmt.Fprint(out, "  v2's share, second by second:")
	for _, responses := range r.Shares {
		all := max(1, responses["v1"]+responses["v2"])
		fmt.Fprintf(out, " %d%%", 100*responses["v2"]/all)
	}
	fmt.Fprintln(out)
	for i, s := range r.Stops {
		fmt.Fprintf(out, "  v1-%d wanted %v of silence on new connections; %s\n", i+1, s.Silence.Round(time.Millisecond), lastNew(s))
	}
	if !asJSON {
		return
	}
	if err := json.NewEncoder(out).Encode(r); err != nil {
		fmt.Fprintln(out, err)
	}
}

func lastNew(s shutdown.Report) string {
	if s.LastNew == 0 {
		return "no new connection came after it began to drain"
	}
	return fmt.Sprintf("the last new connection came %v after it began to drain", s.LastNew.Round(time.Millisecond))
}
