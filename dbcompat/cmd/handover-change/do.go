package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/change/walk"
)

func migrate(ctx context.Context, s *session) (answer, error) {
	return done("the tables are up to date"), s.walk.Migrate(ctx)
}

func export(_ context.Context, s *session) (answer, error) {
	return done("the files are in " + s.args[0]), s.walk.Export(s.args[0])
}

func remove(ctx context.Context, s *session) (answer, error) {
	return done(s.change + " is deleted"), s.walk.Delete(ctx)
}

// done is the answer of what leaves no state behind.
func done(text string) answer {
	return answer{value: map[string]string{"done": text}, text: text + "\n"}
}

func create(ctx context.Context, s *session) (answer, error) {
	return s.after(ctx, s.walk.Create(ctx, s.columns, s.options))
}

func declare(ctx context.Context, s *session) (answer, error) {
	return s.after(ctx, s.walk.Declare(ctx, walk.Kind(s.args[0]), s.args[1]))
}

func withdraw(ctx context.Context, s *session) (answer, error) {
	return s.after(ctx, s.walk.Withdraw(ctx, walk.Kind(s.args[0]), s.args[1]))
}

func contract(ctx context.Context, s *session) (answer, error) {
	do := map[string]func(context.Context) error{"hide": s.walk.Hide, "show": s.walk.Show, "drop": s.walk.Drop}
	return s.after(ctx, do[s.args[0]](ctx))
}

func advance(ctx context.Context, s *session) (answer, error) {
	return s.move(ctx, s.walk.Advance, +1)
}

func rollback(ctx context.Context, s *session) (answer, error) {
	return s.move(ctx, s.walk.Rollback, -1)
}

func (s *session) move(ctx context.Context, move func(context.Context, dbcompat.Stage) error, by int) (answer, error) {
	to := s.to
	if to == 0 {
		state, err := s.walk.State(ctx)
		if err != nil {
			return answer{}, err
		}
		to = dbcompat.Stage(int(state.Stage) + by)
		if !to.Valid() {
			return answer{}, fmt.Errorf("handover-change: %s: %w: it is at %s, and there is no stage beyond", s.verb, walk.ErrMoved, state.Stage)
		}
	}
	err := move(ctx, to)
	if err == nil && s.wait {
		err = s.walk.Wait(ctx)
	}
	return s.after(ctx, err)
}

func wait(ctx context.Context, s *session) (answer, error) { return s.after(ctx, s.walk.Wait(ctx)) }

// after is the answer of what has changed something: what it is like now.
func (s *session) after(ctx context.Context, err error) (answer, error) {
	if err != nil {
		return answer{}, err
	}
	a, err := status(ctx, s)
	a.code = 0 // it is done, and that everybody has come along was not asked for, or is so
	if err != nil {
		err = errors.Join(errors.New("handover-change: it is done, but what it is like now is not known"), err)
	}
	return a, err
}
