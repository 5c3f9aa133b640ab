package main

import (
	"context"
	"io"
	"time"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/backfill"
	"github.com/handover-go/handover/dbcompat/change/walk"
	"github.com/handover-go/handover/dbcompat/ddl"
)

// steps are the walk's.
type steps struct {
	fleet   *fleet
	walk    *walk.Walk
	ddl     *ddl.Runner
	options options
	out     io.Writer
	began   time.Time
	result  *result
}

func (s *steps) all(ctx context.Context) error {
	s.say("%d instances at old, %d rows", instances, s.fleet.ledger.used.Load())
	if err := pause(ctx, s.options.baseline); err != nil {
		return err
	}
	s.fleet.walk.Store(true)
	if err := s.change(ctx, ddl.AddColumn{Table: "users", Column: "display_name", Type: "text"}); err != nil {
		return err
	}
	ways := []func(context.Context) error{s.forward, s.back, s.forward, s.contract}
	if s.options.reckless {
		ways = []func(context.Context) error{s.jump}
	}
	for _, way := range ways {
		if err := way(ctx); err != nil {
			return err
		}
	}
	return nil
}

// forward goes from Old to New.
func (s *steps) forward(ctx context.Context) error {
	if err := s.move(ctx, s.walk.Advance, dbcompat.DualWrite); err != nil {
		return err
	}
	if err := s.fill(ctx); err != nil {
		return err
	}
	if err := s.change(ctx, ddl.CopyTwin{Table: "users", Old: "name", New: "display_name"}); err != nil {
		return err
	}
	if err := s.move(ctx, s.walk.Advance, dbcompat.ReadNew); err != nil {
		return err
	}
	if err := s.change(ctx, ddl.DropNotNull{Table: "users", Column: "name"}); err != nil {
		return err
	}
	return s.move(ctx, s.walk.Advance, dbcompat.New)
}

// back goes from New to Old: old is stale by then, and filled from new.
func (s *steps) back(ctx context.Context) error {
	if err := s.move(ctx, s.walk.Rollback, dbcompat.ReadNew); err != nil {
		return err
	}
	if err := s.fill(ctx); err != nil {
		return err
	}
	if err := s.change(ctx, ddl.SetNotNull{Table: "users", Column: "name"}); err != nil {
		return err
	}
	if err := s.move(ctx, s.walk.Rollback, dbcompat.DualWrite); err != nil {
		return err
	}
	return s.move(ctx, s.walk.Rollback, dbcompat.Old)
}

// contract is the end. A version that cannot go back is deployed; then the old column is
// hidden, which one statement undoes, and dropped when nobody has missed it.
func (s *steps) contract(ctx context.Context) error {
	if err := s.deploy(ctx, dbcompat.New); err != nil {
		return err
	}
	err := s.change(ctx, ddl.SetNotNull{Table: "users", Column: "display_name"}, ddl.DropConstraint{Table: "users", Name: "users_name_check"})
	if err != nil {
		return err
	}
	if err := s.walk.Hide(ctx); err != nil {
		return err
	}
	s.say("  name is hidden")
	if err := pause(ctx, s.options.hold); err != nil {
		return err
	}
	if err := s.walk.Drop(ctx); err != nil {
		return err
	}
	s.say("  name is dropped")
	return nil
}

// move goes to a stage, waits until all are there, and replaces them by the next version.
func (s *steps) move(ctx context.Context, step func(context.Context, dbcompat.Stage) error, to dbcompat.Stage) error {
	if err := step(ctx, to); err != nil {
		return err
	}
	if err := s.walk.Wait(ctx); err != nil {
		return err
	}
	s.result.Stages++
	s.say("all instances at %v", to)
	return s.deploy(ctx, dbcompat.Old)
}

// deploy replaces all, by a version whose code can do the stages from least on.
func (s *steps) deploy(ctx context.Context, least dbcompat.Stage) error {
	return s.fleet.deploy(ctx, s.options.hold, func(i int) (*version, error) {
		return s.fleet.joined(ctx, i, least, s.options.hold)
	})
}

// jump is what is not safe, and what the walk would refuse: those at Old go on writing
// where those at ReadNew do not look.
func (s *steps) jump(ctx context.Context) error {
	fill := backfill.New(s.fleet.pool, s.fleet.column.Columns(), dbcompat.Fixed(dbcompat.Old), backfill.Config{})
	if err := s.filled(ctx, fill); err != nil {
		return err
	}
	if err := s.tell(ctx, dbcompat.ReadNew); err != nil {
		return err
	}
	s.result.Stages++
	return pause(ctx, s.options.hold)
}

func (s *steps) tell(ctx context.Context, stage dbcompat.Stage) error {
	return s.fleet.deploy(ctx, s.options.hold, func(int) (*version, error) { return s.fleet.told(stage), nil })
}

func (s *steps) change(ctx context.Context, ops ...ddl.Operation) error {
	for _, op := range ops {
		if err := s.ddl.Run(ctx, op); err != nil {
			return err
		}
		s.say("  %v", op)
	}
	return nil
}

// fill has the column that is not believed follow the other one, and verifies it. The
// walk refuses it as long as somebody writes one of them only.
func (s *steps) fill(ctx context.Context) error {
	fill, err := s.walk.Backfill(ctx, backfill.Config{})
	if err != nil {
		return err
	}
	return s.filled(ctx, fill)
}

func (s *steps) filled(ctx context.Context, b *backfill.Backfill) error {
	ended := make(chan error)
	go func() { ended <- b.Run(ctx) }()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for running := true; running; {
		select {
		case err := <-ended:
			if err != nil {
				return err
			}
			running = false
		case <-tick.C:
			s.progress(ctx, b)
		}
	}
	status, err := b.Status(ctx)
	if err != nil {
		return err
	}
	v, err := b.Verify(ctx)
	if err != nil {
		return err
	}
	s.result.Filled += status.Changed
	s.result.Mismatches += v.Mismatches
	s.say("  back-filled %d of %d rows; verified at %v: %d mismatches in %d rows", status.Changed, status.Rows, v.Stage, v.Mismatches, v.Rows)
	return nil
}
