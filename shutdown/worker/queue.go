package worker

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/handover-go/handover/shutdown"
)

// Chan makes a pull of a channel that somebody else fills. What is still in it at
// Pause is theirs: a broker delivers again what nobody has acknowledged. A closed
// channel is the end (ErrClosed); where it means that a connection is broken, pull
// has to say so with an error of its own.
//
// Of a time.Ticker's channel it makes a periodic task: no new turn after Pause,
// and Shutdown waits for the one under way.
func Chan[T any](ch <-chan T) func(context.Context) (T, error) {
	return func(ctx context.Context) (job T, err error) {
		if ctx.Err() != nil { // select would choose at random
			return job, ctx.Err()
		}
		select {
		case job, ok := <-ch:
			if !ok {
				return job, ErrClosed
			}
			return job, nil
		case <-ctx.Done():
			return job, ctx.Err()
		}
	}
}

// Queue is a pool whose jobs come from within the process, so that nobody else has
// them: Shutdown does all that are in it. It has no Pause. Those who put jobs, the
// servers, still answer at the signal and until they have stopped, so it stands
// above them in the list, between them and what the jobs need. Make one with
// NewQueue.
type Queue[T any] struct {
	pool     *Pool[T]
	jobs     chan T
	stopping chan struct{} // ends the Puts that are blocked
	once     sync.Once
	mu       sync.RWMutex // read: jobs is being sent to
	closed   bool
}

// NewQueue makes a queue with room for size jobs that nobody does yet, and
// cfg.Count workers who do them; see New for do. Of the Config, the backoff is not
// used. With a size of 0, Put hands its job to a worker.
func NewQueue[T any](size int, do func(context.Context, T) error, cfg Config[T]) *Queue[T] {
	q := &Queue[T]{jobs: make(chan T, max(0, size)), stopping: make(chan struct{})}
	pull := func(context.Context) (job T, err error) { // jobs is closed when the intake ends
		job, ok := <-q.jobs
		if !ok {
			err = ErrClosed
		}
		return job, err
	}
	q.pool = New(pull, do, cfg)
	q.pool.rest, q.pool.endIntake = q.jobs, q.close
	if size < 0 {
		q.pool.mistake = errors.Join(q.pool.mistake, fmt.Errorf("shutdown: run workers: the size of the queue is %d: give it 0 or more", size))
	}
	return q
}

// Put adds a job, before Run as well, and waits while the queue is full, until ctx
// ends. Once Shutdown has begun it returns shutdown.ErrStopped: the job has to be
// refused, or done on the spot. An error means that nobody will do the job; nil,
// that it is done or that Shutdown's error names it.
func (q *Queue[T]) Put(ctx context.Context, job T) error {
	q.mu.RLock()
	defer q.mu.RUnlock()
	err := context.Cause(ctx) // select would choose at random
	switch {
	case q.pool.mistake != nil: // nobody will do it
		return q.pool.mistake
	case q.closed:
		err = shutdown.ErrStopped
	case err == nil:
		select {
		case q.jobs <- job:
			return nil
		case <-q.stopping:
			err = shutdown.ErrStopped
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
	}
	return fmt.Errorf("shutdown: put %s: %w", q.pool.cfg.name(job), err)
}

// close ends the intake. Puts that are blocked return before jobs is closed.
func (q *Queue[T]) close() {
	q.once.Do(func() {
		close(q.stopping)
		q.mu.Lock()
		defer q.mu.Unlock()
		q.closed = true
		close(q.jobs)
	})
}

// Run does the jobs; see Pool.Run. At the end of ctx without Shutdown, the queue
// is closed as well.
func (q *Queue[T]) Run(ctx context.Context) error { return q.pool.Run(ctx) }

// Shutdown takes no more jobs, and returns when all that are in the queue are done;
// those that begin now are told by shutdown.Draining from their beginning.
// Config.Margin before ctx's deadline it hands back what is not, and at the
// deadline it names what is left; see Pool.Shutdown.
func (q *Queue[T]) Shutdown(ctx context.Context) error { return q.pool.Shutdown(ctx) }

// InFlight is the number of jobs that have been taken and are not done.
func (q *Queue[T]) InFlight() int { return q.pool.InFlight() }

// Len is the number of jobs that nobody has taken yet.
func (q *Queue[T]) Len() int { return len(q.jobs) }
