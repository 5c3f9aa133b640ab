package flagstest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/handover-go/handover/flags"
)

// killReaches has a Watcher do all the work: its client polls once an hour.
func killReaches(ctx context.Context, s Store) error {
	interval := 50 * time.Millisecond
	if aWatcher.missing(s) == "" {
		interval = time.Hour
	}
	p := newProgram(s, interval)
	defer p.end()
	if err := inOrder(ctx, s.sets(1), p.starts); err != nil {
		return err
	}
	ctx = p.Pin(ctx, flags.Subject{})
	err := inOrder(ctx, p.is(true, 0),
		waits(100*time.Millisecond), // what a Watch says of its start is over
		s.puts(2, disabled), p.is(false, s.Within))
	if err != nil {
		return fmt.Errorf("of a kill: %w", err)
	}
	if err := inOrder(ctx, s.puts(3, enabled), p.is(true, s.Within)); err != nil {
		return fmt.Errorf("of a kill that was taken back: %w", err)
	}
	return nil
}

func clientOutlives(ctx context.Context, s Store) error {
	p := newProgram(s, 50*time.Millisecond)
	defer p.end()
	if err := inOrder(ctx, s.sets(1), p.starts); err != nil {
		return err
	}
	return inOrder(p.Pin(ctx, flags.Subject{}), s.breaks, p.notices, p.is(true, 0),
		s.repairs, s.puts(2, disabled), p.is(false, patience))
}

// program has a client of the source, and asks for a flag.
type program struct {
	*flags.Client
	thing flags.Switch
	stop  context.CancelFunc
	ended sync.WaitGroup
}

// newProgram does nothing before starts.
func newProgram(s Store, interval time.Duration) *program {
	p := &program{thing: flags.Bool("thing", false), stop: func() {}}
	p.Client = flags.New(s.Source, flags.Config{
		Interval:     interval,
		KillVariable: "=", // no environment has it
		Logger:       slog.New(slog.DiscardHandler),
	}, p.thing)
	return p
}

func (p *program) starts(ctx context.Context) error {
	if err := errors.Join(p.Start(ctx), p.Check(ctx)); err != nil {
		return fmt.Errorf("a client has started: %w", err)
	}
	ctx, p.stop = context.WithCancel(ctx)
	p.ended.Go(func() { _ = p.Run(ctx) }) // nil, as it has started
	return nil
}

func (p *program) end() {
	p.stop()
	p.ended.Wait()
}

// is waits until the flag is on or off for the request that ctx belongs to.
func (p *program) is(on bool, within time.Duration) step {
	return func(ctx context.Context) error {
		for began := time.Now(); p.thing.On(ctx) != on; {
			if time.Since(began) >= within {
				return errors.Join(fmt.Errorf("a client's flag is %v after %v, %+v", !on, within, p.thing.Detail(ctx).Evaluation), p.Report().Err)
			}
			if err := waits(5 * time.Millisecond)(ctx); err != nil {
				return err
			}
		}
		return nil
	}
}

// notices waits until the client knows that the store is gone.
func (p *program) notices(ctx context.Context) error {
	for began := time.Now(); p.Report().Err == nil; {
		if time.Since(began) >= patience {
			return fmt.Errorf("a client has not noticed within %v that the store is gone", patience)
		}
		if err := waits(5 * time.Millisecond)(ctx); err != nil {
			return err
		}
	}
	return nil
}
