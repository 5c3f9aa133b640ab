//go:build unix

package fleet_test

import (
	"context"
	"errors"
	"strings"
	"syscall"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/internal/ledger"
)

// deal gives the next kind of trouble. Each comes once before one comes again.
func (f *fleet) deal(cards ...string) string {
	if len(f.deck) == 0 {
		f.deck = cards
		f.rand.Shuffle(len(f.deck), func(i, j int) { f.deck[i], f.deck[j] = f.deck[j], f.deck[i] })
	}
	card := f.deck[0]
	f.deck = f.deck[1:]
	return card
}

// troubled moves and settles, while something goes wrong. Now and then somebody is in a
// hurry.
func (f *fleet) troubled(what string, to, next dbcompat.Stage) {
	f.Helper()
	f.count(what, 1)
	victim, after := f.rand.IntN(workers), f.rand.IntN(15)
	if how, ok := strings.CutPrefix(what, "stop "); ok {
		f.stopped(victim, how, to)
		return
	}
	old := f.workers[victim]
	done := make(chan error, 1)
	go func() { done <- f.trouble(what, old, after) }()
	f.move(to)
	if f.rand.IntN(2) == 0 {
		f.hurry(next)
	}
	f.settle()
	require.NoError(f, <-done)
	switch what {
	case "kill", "replace":
		f.workers[victim] = f.start(victim)
	}
}

func (f *fleet) trouble(what string, p *process, after int) error {
	ctx := context.WithoutCancel(f.Context())
	if err := f.ledger.Await(ctx, "something is done", f.ledger.After(after)); err != nil {
		return err
	}
	switch what {
	case "kill":
		p.Kill()
	case "replace":
		ledger.End(p.Process)
	case "drop":
		_, err := f.pool.Exec(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1", p.name)
		return err
	case "restart":
		return errors.Join(f.server.Stop(ctx), f.server.Start(ctx))
	case "crash":
		return errors.Join(f.server.Kill(ctx), f.server.Start(ctx))
	}
	return nil
}

// stopped has a worker stopped in a transaction, until it has been counted out and nobody
// is of its epoch any more. It must not have done anything when it goes on.
func (f *fleet) stopped(victim int, how string, to dbcompat.Stage) {
	f.Helper()
	goOn := f.stop(victim, how)
	f.move(to)
	f.settle()
	want := map[string]string{"open": "fenced", "bare": "trouble", "late": "fenced"}
	require.Equal(f, want[how], goOn(), "%s: the transaction of a process that was stopped", how)
}

// stop returns what lets it go on, and tells what has become of its transaction.
func (f *fleet) stop(victim int, how string) (goOn func() string) {
	f.Helper()
	p := f.workers[victim]
	f.ledger.Look(func() {
		delete(f.holding, victim)
		delete(f.held, victim)
	})
	p.Tell("hold " + how)
	f.until("the transaction is held", func() bool { return f.holding[victim] })
	require.NoError(f, p.Signal(syscall.SIGSTOP))
	return func() (held string) {
		f.Helper()
		p.Tell("go on")
		require.NoError(f, p.Signal(syscall.SIGCONT))
		f.until("it has ended", func() bool {
			held = f.held[victim]
			return held != ""
		})
		return held
	}
}
