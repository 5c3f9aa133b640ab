package worker_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/handover-go/handover/shutdown/worker"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	goleak.VerifyTestMain(m)
}

var errBoo = errors.New("boo")

// diary is what happened, in order.
type diary struct {
	mu      sync.Mutex
	began   time.Time
	entries []string
}

func newDiary() *diary { return &diary{began: time.Now()} }

func (d *diary) write(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.entries = append(d.entries, fmt.Sprintf("%v ", time.Since(d.began))+fmt.Sprintf(format, args...))
}

func (d *diary) read() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.entries)
}

// numbers is a source of 1, 2, 3… that never ends.
func numbers() func(context.Context) (int, error) {
	var mu sync.Mutex
	n := 0
	return func(ctx context.Context) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		n++
		return n, nil
	}
}

// filled is a closed channel with jobs.
func filled(jobs ...int) <-chan int {
	ch := make(chan int, len(jobs))
	for _, job := range jobs {
		ch <- job
	}
	close(ch)
	return ch
}

// open is a channel with jobs to which more may come.
func open(jobs ...int) chan int {
	ch := make(chan int, len(jobs)+10)
	for _, job := range jobs {
		ch <- job
	}
	return ch
}

func name(job int) string { return fmt.Sprint("job ", job) }

// runner is a Pool or a Queue.
type runner interface {
	Run(context.Context) error
	Shutdown(context.Context) error
}

// run starts r, as a component's Run with a context that the signal does not end.
func run(ctx context.Context, r runner) <-chan error {
	ran := make(chan error, 1)
	go func() { ran <- r.Run(context.WithoutCancel(ctx)) }()
	return ran
}

// within calls Shutdown with a deadline.
func within(ctx context.Context, limit time.Duration, r runner) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return r.Shutdown(ctx)
}

var _ = []runner{(*worker.Pool[int])(nil), (*worker.Queue[int])(nil)}
