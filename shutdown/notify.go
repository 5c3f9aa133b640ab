package shutdown

import (
	"context"
	"fmt"
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
//     waited long enough, and kills the process at once, by that signal;
//   - SIGQUIT is untouched and prints all stacks, as in any Go program.
//
// When the first signal was SIGINT, the waits that are there for balancers (the
// shutdown delay, the linger) are skipped by the packages of this module.
//
// A parent that ends counts as the first signal. SIGINT that is ignored when
// Notify is called, as in a shell's background job, stays ignored.
//
// stop gives the signals their default action back and waits for the one
// goroutine that Notify started. Calling it twice is legal.
func Notify(parent context.Context) (ctx context.Context, stop func()) {
	marked, mark := haste.With(parent)
	ctx, cancel := context.WithCancelCause(marked)

	// The buffer holds a signal that arrives while the previous one is handled.
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM)
	if !signal.Ignored(os.Interrupt) { // a shell's background job is not meant by Ctrl-C
		signal.Notify(signals, os.Interrupt)
	}

	n := notifier{signals: signals, quit: make(chan struct{}), done: make(chan struct{})}
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
			}
		case sig := <-n.signals:
			switch {
			case first.IsZero():
				first = time.Now()
				if sig == os.Interrupt {
					markHaste()
				}
				cancel(&signalError{sig})
			case sig == os.Interrupt && time.Since(first) > sameKeypress:
				interruptSelf()
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

// interruptSelf lets the process die by SIGINT: a shell that runs it in a loop
// must see a death by signal to stop the loop. As PID 1, and on Windows, no
// signal can kill it, so it exits with the status a shell would show.
func interruptSelf() {
	signal.Reset(os.Interrupt)
	if self, err := os.FindProcess(os.Getpid()); err == nil && self.Signal(os.Interrupt) == nil {
		time.Sleep(100 * time.Millisecond) // the signal is delivered to some thread, soon
	}
	os.Exit(130)
}
