package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/guard"
	"github.com/handover-go/handover/flags/ramp"
	"github.com/handover-go/handover/lifecycle"
	"github.com/handover-go/handover/shutdown"
)

const instances = 2

// An instance is the program as a service has it, here several in one process.
type instance struct {
	name   string
	url    string
	client *flags.Client
	guard  *guard.Guard
	member *ramp.Member
	app    *lifecycle.App
}

// newInstance starts nothing, but its address is known.
func newInstance(name string, g ground, s scenario, o options) (*instance, error) {
	logger := slog.New(slog.DiscardHandler)
	flag := flags.Bool(key, false)
	bounds := guard.Config{MaxErrors: 0.01, Slow: tooSlow, MaxSlow: 0.25, Least: o.least, Logger: logger}
	watch, err := guard.New(flag, bounds)
	if err != nil {
		return nil, err
	}
	plan := ramp.Plan{Flag: flag, Steps: steps(), Bake: o.bake}
	if !o.unguarded {
		plan.Guard = watch
		if g.store() != nil {
			if plan.Fleet, err = guard.NewJudge(bounds); err != nil {
				return nil, err
			}
		}
	}
	in := &instance{name: name, guard: watch}
	in.client = flags.New(g.source(logger), flags.Config{Interval: time.Second, StaleAfter: 30 * time.Second, Logger: logger}, flag)
	in.member = ramp.New(in.client, g.store(), ramp.Config{ID: name, Version: "1", TTL: o.ttl, Tick: 200 * time.Millisecond, Logger: logger}, plan)

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	in.url = "http://" + listener.Addr().String() + "/checkout"
	user := func(r *http.Request) flags.Subject { return flags.Subject{Key: r.Header.Get(userHeader)} }
	routes := in.client.Middleware(user, watch.Middleware(s.version, oldVersion()))
	api := shutdown.HTTP(&http.Server{Handler: routes}, shutdown.Config{Listener: listener, LingerMax: -1, Logger: logger})

	in.app = lifecycle.New(lifecycle.Config{GracePeriod: 10 * time.Second, Logger: logger})
	in.app.Add(
		lifecycle.Component{Name: "flags", Start: in.client.Start, Run: in.client.Run},
		lifecycle.Component{Name: "ramp", Start: in.member.Start, Run: in.member.Run, Stop: in.member.Leave},
		lifecycle.Component{Name: "api", Start: api.Listen, Run: api.Serve, Stop: api.Shutdown},
	)
	return in, nil
}

// A fleet is all instances of one scenario.
type fleet struct {
	ground
	all   []*instance
	ended chan error
}

func newFleet(g ground, s scenario, o options) (*fleet, error) {
	f := &fleet{ground: g, ended: make(chan error, instances)}
	for i := range instances {
		in, err := newInstance(fmt.Sprintf("web-%d", i+1), g, s, o)
		if err != nil {
			return nil, err
		}
		f.all = append(f.all, in)
	}
	return f, nil
}

// start runs all. The returned function stops them and waits; once one ends by itself,
// failed is told.
func (f *fleet) start(ctx context.Context, failed func(error)) (stop func() error) {
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	for _, in := range f.all {
		go func() {
			err := in.app.Run(running)
			if running.Err() == nil {
				failed(fmt.Errorf("%s has ended: %w", in.name, err))
			}
			f.ended <- err
		}()
	}
	return func() error {
		cancel()
		var errs []error
		for range f.all {
			errs = append(errs, <-f.ended)
		}
		return errors.Join(errs...)
	}
}

// progress is where the ramp is: as the one knows it who leads, or by the timetable.
func (f *fleet) progress() ramp.Progress {
	var p ramp.Progress
	for i, in := range f.all {
		s := in.member.Status()
		if len(s.Ramps) > 0 && (i == 0 || s.Leader == s.ID) {
			p = s.Ramps[0]
		}
	}
	if f.pool == nil {
		p = f.scheduled(p)
	}
	return p
}

// scheduled is that of a ramp which nobody leads: guards kill in their own process only.
func (f *fleet) scheduled(p ramp.Progress) ramp.Progress {
	p.State, p.Why = ramp.Running, "by the timetable"
	share, done := f.plan.at(time.Now())
	p.Share = share
	killed, why := 0, ""
	for _, in := range f.all {
		for _, r := range in.client.Report().Flags {
			if r.Killed != "" {
				killed, why = killed+1, r.Killed
			}
		}
	}
	switch {
	case killed == len(f.all):
		p.State, p.Killed, p.Why = ramp.Stopped, true, why
	case done && killed == 0:
		p.State, p.Why = ramp.Done, "the last step has baked"
	}
	return p
}

// verdicts are those of all guards.
func (f *fleet) verdicts() (all []guard.Verdict) {
	for _, in := range f.all {
		all = append(all, in.guard.Verdict())
	}
	return all
}
