package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/handover-go/handover/flags/ramp"
)

// experiment runs the scenarios one after the other.
func experiment(ctx context.Context, o options, out io.Writer) (result, error) {
	r := result{Guarded: !o.unguarded}
	p, err := open(ctx)
	defer p.close()
	r.Store = p.name
	if err != nil {
		return r, err
	}
	began := time.Now()
	say := func(format string, args ...any) {
		fmt.Fprintf(out, "%6.1f s  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	}
	if p.pool == nil {
		say("flags in memory, as no PostgreSQL is installed: %d instances, each by the same timetable", instances)
	} else {
		say("flags in a PostgreSQL of their own: %d instances, one of which leads", instances)
	}
	if o.unguarded {
		say("nobody asks the guards")
	}
	for _, s := range o.scenarios {
		say("%s: %s", s.name, s.is)
		one, err := o.try(ctx, p, s, say)
		r.Scenarios = append(r.Scenarios, one)
		if err != nil {
			return r, fmt.Errorf("%s: %w", s.name, err)
		}
	}
	r.Seconds = time.Since(began).Seconds()
	return r, nil
}

// try runs one scenario.
func (o options) try(ctx context.Context, p place, s scenario, say func(string, ...any)) (outcome, error) {
	out := outcome{Scenario: s.name, Outcome: unfinished, want: s.want, is: s.is}
	g, err := p.prepare(ctx, s.name, o.bake)
	if err != nil {
		return out, err
	}
	f, err := newFleet(g, s, o)
	if err != nil {
		return out, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := f.start(ctx, cancel)
	var urls []string
	for _, in := range f.all {
		urls = append(urls, in.url)
	}
	l := newLoad(urls)
	var work sync.WaitGroup
	loaded, end := context.WithCancel(ctx)
	work.Go(func() { l.run(loaded, o.rate, o.seed) })
	w := watch{fleet: f, load: l, unguarded: o.unguarded, say: say, began: time.Now()}
	err = w.follow(ctx, o.patience, &out)
	end()
	work.Wait()
	err = errors.Join(err, stop())
	out.take(l, w.began)
	if err == nil {
		err = l.failed
	}
	return out, err
}

// A watch follows a ramp, and keeps what it sees for the pictures.
type watch struct {
	fleet     *fleet
	load      *load
	unguarded bool
	say       func(string, ...any)
	began     time.Time
	last      ramp.Progress
}

// look is how often it looks, settle how long after the end.
const (
	look   = 200 * time.Millisecond
	settle = time.Second
)

// follow looks until the ramp has come to an end, and for a moment more, so that what the
// end has changed is seen.
func (w *watch) follow(ctx context.Context, patience time.Duration, out *outcome) error {
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	until := w.began.Add(patience)
	for time.Now().Before(until) {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		p := w.fleet.progress()
		w.tell(p)
		w.keep(p, out)
		if out.Outcome == unfinished {
			switch p.State {
			case ramp.Done:
				out.Outcome, until = promoted, time.Now().Add(settle)
			case ramp.Stopped:
				out.Outcome, until = rolledBack, time.Now().Add(settle)
			}
		}
	}
	return nil
}

// tell prints a step.
func (w *watch) tell(p ramp.Progress) {
	share := shown(p)
	if p.State == "" || p.State == w.last.State && share == shown(w.last) {
		return
	}
	w.last = p
	isNew, _, hurt, _ := w.load.seen()
	const width = 20
	full := int(share / 100 * width)
	w.say("  [%s%s] %3.0f %%  %s", strings.Repeat("#", full), strings.Repeat(".", width-full), share, p.Why)
	if p.State == ramp.Stopped || p.State == ramp.Done {
		w.say("  after %d canary requests, with %d users hurt", isNew.Requests, hurt)
	}
}

// shown is the share of those who have the new version.
func shown(p ramp.Progress) float64 {
	if p.Killed {
		return 0
	}
	return p.Share
}

// keep notes what there is to draw.
func (w *watch) keep(p ramp.Progress, out *outcome) {
	s := sample{at: time.Since(w.began).Seconds(), share: shown(p), evidence: map[string]float64{}}
	out.Share = max(out.Share, s.share)
	if out.Outcome == unfinished {
		out.Why = p.Why
	}
	s.isNew, s.old, _, _ = w.load.seen()
	verdicts := p.Verdicts
	if w.unguarded || w.fleet.pool == nil {
		verdicts = map[string]ramp.Guarded{}
		for i, v := range w.fleet.verdicts() {
			verdicts[fmt.Sprint(i)] = ramp.Guarded{Verdict: v}
		}
	}
	for _, v := range verdicts {
		for _, m := range v.Metrics {
			s.evidence[m.Name] = max(s.evidence[m.Name], m.Evidence)
			s.threshold = m.Threshold
		}
	}
	out.samples = append(out.samples, s)
}
