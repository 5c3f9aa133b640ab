package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/handover-go/handover/dbcompat/backfill"
	"github.com/handover-go/handover/dbcompat/change/walk"
	"github.com/handover-go/handover/dbcompat/cmd/internal/progress"
)

func fill(ctx context.Context, s *session) (answer, error) {
	b, err := s.walk.Backfill(ctx, s.batches)
	if err != nil {
		return answer{}, err
	}
	line := func() string {
		status, err := b.Status(ctx)
		if err != nil {
			return ""
		}
		return progress.Line(status)
	}
	do := func() error { return b.Run(ctx) }
	if len(s.args) > 0 {
		order := map[string]func(context.Context) error{"pause": b.Pause, "resume": b.Resume, "cancel": b.Cancel}[s.args[0]]
		do = func() error { return order(ctx) }
	}
	if err := s.screen.While(line, do); err != nil {
		return answer{}, err
	}
	status, err := b.Status(ctx)
	a := answer{value: walk.Fill(status), text: progress.Line(status) + "\n"}
	if status.Skipped > 0 {
		a.code = exitRefused
		a.text += "some rows have been skipped: they are in the table backfill_skipped\n"
	}
	return a, err
}

// verify has no bar, as nobody counts while it runs. What it took the last time is known.
func verify(ctx context.Context, s *session) (answer, error) {
	state, err := s.walk.State(ctx)
	if err != nil {
		return answer{}, err
	}
	last, began := "", time.Now()
	if v := state.Verification; v != nil {
		last = fmt.Sprintf("; the last time it took %s, for %d rows", v.Ended.Sub(v.Began).Round(time.Second/10), v.Rows)
	}
	line := func() string {
		return fmt.Sprintf("all rows are compared since %s%s", time.Since(began).Round(time.Second), last)
	}
	var v walk.Verification
	err = s.screen.While(line, func() error {
		v, err = s.walk.Verify(ctx, s.batches)
		return err
	})
	if err != nil {
		return answer{}, err
	}
	a := answer{value: v, text: verified(v) + "\n"}
	if v.Mismatches > 0 {
		a.code = exitRefused
	}
	return a, nil
}

func verified(v walk.Verification) string {
	lines := []string{fmt.Sprintf("%d rows, %d mismatches; at %s, %s", v.Rows, v.Mismatches, v.Stage, v.Ended.Format(time.RFC3339))}
	return strings.Join(append(lines, v.Examples...), "\n  ")
}

func filled(f walk.Fill) string { return progress.Line(backfill.Status(f)) }
