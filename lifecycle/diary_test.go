package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/lifecycle"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	errSignal = errors.New("terminated signal received")
	errBoom   = errors.New("boom")
	silent    = slog.New(slog.DiscardHandler)
)

// act is what a component's function does in a test.
type act func(context.Context) error

// takes works for so long and honours its context.
func takes(d time.Duration) act {
	return func(ctx context.Context) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// ignores works for so long, whatever its context says.
func ignores(d time.Duration) act {
	return func(context.Context) error {
		time.Sleep(d)
		return nil
	}
}

// waits is a good Run: it returns when it is told to.
func waits(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// waitsThen returns err when it is told to.
func waitsThen(err error) act {
	return func(ctx context.Context) error {
		<-ctx.Done()
		return err
	}
}

func fails(after time.Duration, err error) act {
	return func(context.Context) error {
		time.Sleep(after)
		return err
	}
}

func panics(after time.Duration) act {
	return func(context.Context) error {
		time.Sleep(after)
		panic(errBoom)
	}
}

func exits(after time.Duration) act {
	return func(context.Context) error {
		time.Sleep(after)
		runtime.Goexit()
		return nil
	}
}

// diary notes what happened and when, in virtual time.
type diary struct {
	mu    sync.Mutex
	began time.Time
	lines []string
}

func (d *diary) note(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf("%v %s", time.Since(d.began), fmt.Sprintf(format, args...)))
}

// part is a component whose every step is noted: when Start and Stop begin, until
// when Stop has time, and how each function ends. That Run begins is not noted:
// it happens beside the next step, in no order.
func (d *diary) part(name string, start, run, stop act) lifecycle.Component {
	return lifecycle.Component{
		Name:  name,
		Start: d.noted("start", name, start),
		Run:   d.noted("run", name, run),
		Stop:  d.noted("stop", name, stop),
	}
}

func (d *diary) noted(op, name string, f act) func(context.Context) error {
	if f == nil {
		return nil
	}
	return func(ctx context.Context) error {
		switch deadline, _ := ctx.Deadline(); op {
		case "start":
			d.note("start %s", name)
		case "stop":
			d.note("stop %s by %v", name, deadline.Sub(d.began))
		}
		ended := "broke off"
		defer func() { d.note("%s %s %s", op, name, ended) }()
		err := f(ctx)
		ended = "done"
		if err != nil {
			ended = err.Error()
		}
		return err
	}
}

// story is a program, what happens to it, and the diary it shall write.
type story struct {
	config     lifecycle.Config
	list       func(d *diary, app *lifecycle.App)
	signal     time.Duration // 0: none
	sideBySide bool          // steps of one instant have no order: they are sorted
	diary      []string
	errors     []string // of Run, one a line
	cause      string
}

func (s story) play(t *testing.T) *lifecycle.App {
	t.Helper()
	defer time.Sleep(2 * time.Hour) // by then what was abandoned has ended, as the bubble demands
	d := &diary{began: time.Now()}
	s.config.Logger = silent
	app := lifecycle.New(s.config)
	s.list(d, app)

	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	if s.signal > 0 {
		defer time.AfterFunc(s.signal, func() {
			d.note("signal")
			cancel(errSignal)
		}).Stop()
	}
	err := app.Run(ctx)
	d.note("end")

	d.mu.Lock()
	lines := slices.Clone(d.lines) // what was abandoned may still write
	d.mu.Unlock()
	if s.sideBySide {
		lines = sortedWithinAnInstant(lines)
	}
	require.Equal(t, s.diary, lines)
	var errs []string
	if err != nil {
		errs = strings.Split(err.Error(), "\n")
	}
	require.Equal(t, s.errors, errs)
	require.EqualError(t, app.Report().Cause, s.cause)
	return app
}

// sortedWithinAnInstant keeps the order of time, and in one instant that of the
// alphabet.
func sortedWithinAnInstant(lines []string) []string {
	instant := func(line string) string { return strings.Fields(line)[0] }
	var sorted []string
	for len(lines) > 0 {
		n := 1
		for n < len(lines) && instant(lines[n]) == instant(lines[0]) {
			n++
		}
		sorted = append(sorted, slices.Sorted(slices.Values(lines[:n]))...)
		lines = lines[n:]
	}
	return sorted
}

func playAll(t *testing.T, stories map[string]story) {
	t.Helper()
	for name, s := range stories {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { s.play(t) })
		})
	}
}
