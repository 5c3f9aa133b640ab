package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/handover-go/handover/dbcompat/backfill"
	"github.com/handover-go/handover/dbcompat/change/walk"
)

// status is refused as long as not everybody has come along.
func status(ctx context.Context, s *session) (answer, error) {
	state, err := s.walk.State(ctx)
	if err != nil {
		return answer{}, err
	}
	a := answer{value: state, text: stated(state)}
	if state.Settled.IsZero() {
		a.code = exitRefused
	}
	return a, nil
}

func stated(s walk.State) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	row := func(what, format string, args ...any) { fmt.Fprintf(w, what+"\t"+format+"\n", args...) }
	row("change", "%s: %s (%s) -> (%s)", s.Name, s.Columns.Table, strings.Join(s.Columns.Old, ", "), strings.Join(s.Columns.New, ", "))
	row("stage", "%s, epoch %d, %s", s.Stage, s.Epoch, settled(s))
	if s.Fenced {
		row("fence", "writers of a stage that is gone are refused")
	}
	if !s.Hidden.IsZero() && s.Dropped.IsZero() {
		row("hidden", "since %s", ago(s.Now, s.Hidden))
	}
	if !s.Dropped.IsZero() {
		row("dropped", "%s ago", ago(s.Now, s.Dropped))
	}
	if s.Fill.State != backfill.None {
		row("back-fill", "%s", filled(s.Fill))
	}
	if v := s.Verification; v != nil {
		row("verified", "%s", strings.ReplaceAll(verified(*v), "\n", "\n\t"))
	}
	for _, u := range s.Unmanaged {
		row("declared", "%s %s, %s", u.Kind, u.Name, seen(u))
	}
	row("instances", "%d", len(s.Instances))
	flush(w)
	return b.String() + fleet(s)
}

// flush cannot fail, as it writes to memory.
func flush(w *tabwriter.Writer) { _ = w.Flush() }

func settled(s walk.State) string {
	if !s.Settled.IsZero() {
		return "settled since " + ago(s.Now, s.Settled)
	}
	var behind []string
	for _, i := range s.Behind() {
		behind = append(behind, i.String())
	}
	if len(behind) == 0 {
		return "not settled, though each instance has acknowledged it: wait notes that"
	}
	return "not settled: it waits for " + strings.Join(behind, ", ")
}

func seen(u walk.Unmanaged) string {
	if len(u.Seen) == 0 {
		return "not seen at the moment"
	}
	return fmt.Sprintf("seen, pid %v", u.Seen)
}

// ago is for people.
func ago(now, then time.Time) string { return now.Sub(then).Round(time.Second).String() }

func instances(ctx context.Context, s *session) (answer, error) {
	state, err := s.walk.State(ctx)
	if state.Instances == nil {
		state.Instances = []walk.Instance{} // in JSON
	}
	return answer{value: state.Instances, text: fleet(state)}, err
}

func fleet(s walk.State) string {
	if len(s.Instances) == 0 {
		return ""
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "INSTANCE\tVERSION\tCAN DO\tIS AT\tLEASE")
	for _, i := range s.Instances {
		at := i.Stage.String()
		if i.Epoch != s.Epoch {
			at += ", behind"
		}
		lease := i.Left.Round(time.Second/10).String() + " left"
		if i.Lapsed {
			lease = "lapsed " + (-i.Left).Round(time.Second/10).String() + " ago"
		}
		fmt.Fprintf(w, "%s\t%s\t%s to %s\t%s\t%s\n", i.Name, i.Version, i.Min, i.Max, at, lease)
	}
	flush(w)
	return b.String()
}

func events(ctx context.Context, s *session) (answer, error) {
	all, err := s.walk.Events(ctx, s.n)
	if err != nil {
		return answer{}, err
	}
	if all == nil {
		all = []walk.Event{} // in JSON
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, e := range all {
		fmt.Fprintf(w, "%s\t%s\tepoch %d\t%s\n", e.At.Format(time.RFC3339), e, e.Epoch, e.Actor)
	}
	flush(w)
	return answer{value: all, text: b.String()}, nil
}

// plan is refused if there is a way forward, and something missing on it.
func plan(ctx context.Context, s *session) (answer, error) {
	p, err := s.walk.Plan(ctx)
	if err != nil {
		return answer{}, err
	}
	a := answer{value: p, text: p.String()}
	for _, step := range p.Steps {
		if !step.Ready && (step.Verb == "advance" || step.Verb == "hide" || step.Verb == "drop") {
			a.code = exitRefused
		}
	}
	return a, nil
}

// waits is a line: who first, as the end of it may be cut.
func waits(missing []walk.Missing) string {
	who := make([]string, len(missing))
	for i, m := range missing {
		who[i] = m.Who
	}
	text := "waits for " + strings.Join(who, ", ")
	if len(missing) == 1 {
		text += ", which " + missing[0].What
	}
	return text
}
