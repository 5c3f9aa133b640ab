package shutdown

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/handover-go/handover/internal/haste"
)

// sameKeypress is the time within which a further SIGINT is taken for the same
// Ctrl-C: a terminal sends it to the whole process group, and a parent that
// forwards signals sends it once more.
const sameKeypress = time.Second

// Notify returns a context that ends with the first SIGTERM or SIGINT, and its
// cause says which: "terminated signal received". Call it first in main, since
// from here on the signal no longer kills the program in the middle of its start.
//
// After the first signal
//   - a repeated SIGTERM is ignored: a supervisor that loses patience has SIGKILL;
//   - SIGINT within a second is the same Ctrl-C; a later one is a person who has
//     waited long enough, and kills the process at once, by that signal, with a
//     line on standard error;
//   - SIGQUIT is untouched and prints all stacks, as in any Go program.
//
// When the first signal was SIGINT, the waits that are there for balancers (the
// shutdown delay, the linger) are skipped by the packages of this module.
//
// A parent that ends counts as the first signal. SIGINT that is ignored when
// Notify is called, as in a shell's background job, stays ignored.
//
// On Windows SIGINT stands for Ctrl-C and Ctrl-Break; SIGTERM for a console that is
// closed, a user who logs off, and a shutdown, docker stop among them. After those
// Windows ends the process within about 5 s whatever it does, so the grace period
// should be no longer there (uber-go/fx#819). There, and as PID 1, a later SIGINT
// exits with status 130, since no signal can kill.
//
// stop gives the signals their default action back and waits for the one
// goroutine that Notify started. Calling it twice is legal.
func Notify(parent context.Context) (ctx context.Context, stop func()) {
	// The buffer holds a signal that arrives while the previous one is handled.
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM)
	if !signal.Ignored(os.Interrupt) { // a shell's background job is not meant by Ctrl-C
		signal.Notify(signals, os.Interrupt)
	}

	return notify(parent, signals, death{dieByInterrupt, os.Exit, os.Stderr})
}

// notify is Notify without the operating system.
func notify(parent context.Context, signals chan os.Signal, death death) (ctx context.Context, stop func()) {
	marked, mark := haste.With(parent)
	ctx, cancel := context.WithCancelCause(marked)
	n := notifier{signals: signals, death: death, quit: make(chan struct{}), done: make(chan struct{})}
	go n.run(ctx, mark, cancel)
	return ctx, func() {
		cancel(context.Canceled)
		n.stop()
	}
}

// signalError is the cause of the context's end. The words are those of
// signal.NotifyContext.
type signalError struct{ os.Signal }

func (e *signalError) Error() string { return fmt.Sprintf("%s signal received", e.Signal) }

type notifier struct {
	signals    chan os.Signal
	death      death
	quit, done chan struct{}
}

func (n notifier) run(ctx context.Context, markHaste func(), cancel context.CancelCauseFunc) {
	defer close(n.done)
	var first time.Time // when the stop began
	ended := ctx.Done()
	for {
		select {
		case <-n.quit:
			return
		case <-ended: // by a signal, or by the parent
			ended = nil
			if first.IsZero() {
				first = time.Now()
				haste.Begin(ctx, first)
			}
		case sig := <-n.signals:
			switch {
			case first.IsZero():
				first = time.Now()
				haste.Begin(ctx, first)
				if sig == os.Interrupt {
					markHaste()
				}
				cancel(&signalError{sig})
			case sig == os.Interrupt && time.Since(first) > sameKeypress:
				n.death.come()
			}
		}
	}
}

func (n notifier) stop() {
	signal.Stop(n.signals)
	select {
	case n.quit <- struct{}{}:
	case <-n.done:
	}
	<-n.done
}

// death is how a process ends that is interrupted once more. It differs between
// systems.
type death struct {
	byInterrupt func() // returns where that is impossible
	exit        func(status int)
	stderr      io.Writer
}

// come lets the process die by SIGINT: a shell that runs it in a loop must see a
// death by signal to stop the loop. As PID 1, and on Windows, no signal can kill
// it, so it exits with the status a shell would show.
func (d death) come() {
	fmt.Fprintln(d.stderr, "shutdown: interrupted while stopping: killed before everything was handed over")
	d.byInterrupt()
	d.exit(130)
}
