package worker_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/shutdown"
	"github.com/handover-go/handover/shutdown/worker"
)

func TestShutdownDoesAllThatIsInTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		q := worker.NewQueue(10, func(ctx context.Context, job int) error {
			time.Sleep(time.Second)
			d.write("done %d, context %v", job, ctx.Err())
			return nil
		}, worker.Config[int]{})
		for job := range 3 {
			require.NoError(t, q.Put(t.Context(), job), "before Run as well")
		}
		ran := run(t.Context(), q)
		synctest.Wait()
		require.Equal(t, 1, q.InFlight())
		require.Equal(t, 2, q.Len())
		require.NoError(t, within(t.Context(), time.Minute, q))
		require.NoError(t, <-ran)
		require.Equal(t, []string{"1s done 0, context <nil>", "2s done 1, context <nil>", "3s done 2, context <nil>"}, d.read())

		err := q.Put(t.Context(), 7)
		require.ErrorIs(t, err, shutdown.ErrStopped)
		require.EqualError(t, err, "shutdown: put job: already stopped")
	})
}

func TestPutWaitsWhileTheQueueIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := worker.NewQueue(1, func(context.Context, int) error { time.Sleep(time.Minute); return nil }, worker.Config[int]{Name: name})
		ran := run(t.Context(), q)
		began := time.Now()
		require.NoError(t, q.Put(t.Context(), 1))
		synctest.Wait()
		require.NoError(t, q.Put(t.Context(), 2))
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.EqualError(t, q.Put(short, 3), "shutdown: put job 3: context deadline exceeded")
		require.Equal(t, time.Second, time.Since(began))
		require.EqualError(t, q.Put(short, 3), "shutdown: put job 3: context deadline exceeded", "with room or without")

		require.NoError(t, q.Put(t.Context(), 3))
		require.Equal(t, time.Minute, time.Since(began))

		blocked := make(chan error)
		go func() { blocked <- q.Put(context.WithoutCancel(t.Context()), 4) }()
		synctest.Wait()
		stopped := make(chan error)
		go func() { stopped <- q.Shutdown(context.WithoutCancel(t.Context())) }()
		require.ErrorIs(t, <-blocked, shutdown.ErrStopped)
		require.Equal(t, time.Minute, time.Since(began), "at once")
		require.NoError(t, <-stopped)
		require.NoError(t, <-ran)
		require.Equal(t, 3*time.Minute, time.Since(began))
	})
}

func TestAMarginBeforeTheDeadlineTheRestOfTheQueueIsHandedBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		q := worker.NewQueue(10, func(context.Context, int) error {
			time.Sleep(time.Hour) // holds the only worker
			return nil
		}, worker.Config[int]{Name: name, HandBack: func(ctx context.Context, job int, why error) error {
			d.write("back %d: %v, context %v", job, why, ctx.Err())
			if job == 3 {
				return errBoo
			}
			return nil
		}})
		for job := range 4 {
			require.NoError(t, q.Put(t.Context(), job))
		}
		ran := run(t.Context(), q)
		synctest.Wait()
		err := within(t.Context(), 10*time.Second, q)
		require.EqualError(t, err, "shutdown: cut 1 in flight: job 0 after 10s: context deadline exceeded\n"+
			"shutdown: hand back job 3: boo")
		require.NoError(t, <-ran)
		require.Equal(t, []string{
			"9s back 1: already stopped, context <nil>",
			"9s back 2: already stopped, context <nil>",
			"9s back 3: already stopped, context <nil>",
		}, d.read())
		time.Sleep(time.Hour)
	})
}

func TestWhatIsLeftInTheQueueAtTheDeadlineIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(context.Context, int, error) error { time.Sleep(time.Hour); return nil }
		q := worker.NewQueue(10, func(context.Context, int) error { time.Sleep(time.Hour); return nil },
			worker.Config[int]{Name: name, HandBack: slow})
		for job := range 4 {
			require.NoError(t, q.Put(t.Context(), job))
		}
		ran := run(t.Context(), q)
		synctest.Wait()
		err := within(t.Context(), 10*time.Second, q)
		require.EqualError(t, err, "shutdown: cut 2 in flight: job 0 after 10s, job 1 after 1s: context deadline exceeded\n"+
			"shutdown: hand back job 2: context deadline exceeded\n"+
			"shutdown: hand back job 3: context deadline exceeded")
		require.NoError(t, <-ran)
		require.Zero(t, q.Len())
		time.Sleep(2 * time.Hour)
	})
}

func TestAQueueThatNeverRanHandsBackAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		q := worker.NewQueue(10, func(context.Context, int) error { panic("done") },
			worker.Config[int]{Name: name, HandBack: func(_ context.Context, job int, why error) error {
				d.write("back %d: %v", job, why)
				return nil
			}})
		for job := range 2 {
			require.NoError(t, q.Put(t.Context(), job))
		}
		require.NoError(t, within(t.Context(), time.Minute, q))
		require.Equal(t, []string{"0s back 0: already stopped", "0s back 1: already stopped"}, d.read())
		require.NoError(t, q.Run(t.Context()))
		require.NoError(t, q.Shutdown(t.Context()))
	})
}

func TestTheEndOfRunsContextClosesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := worker.NewQueue(10, func(ctx context.Context, job int) error { <-ctx.Done(); return nil }, worker.Config[int]{Name: name})
		for job := range 2 {
			require.NoError(t, q.Put(t.Context(), job))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := q.Run(ctx)
		require.EqualError(t, err, "shutdown: hand back job 1: there is no Config.HandBack: already stopped")
		require.ErrorIs(t, q.Put(t.Context(), 3), shutdown.ErrStopped)
	})
}

func TestPutTakesNothingFromWhoDoesNotWait(t *testing.T) {
	q := worker.NewQueue(1000, func(context.Context, int) error { return nil }, worker.Config[int]{})
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errBoo)
	for range 100 { // select chooses at random
		require.ErrorIs(t, q.Put(ctx, 1), errBoo)
	}
	require.NoError(t, q.Shutdown(t.Context()))
}

// What Put has taken is done or handed back; what it has refused is neither.
func TestNoJobIsLostOrDoneTwice(t *testing.T) {
	for range 20 {
		var put, done, back atomic.Int64
		work := func(ctx context.Context, job int) error {
			if job%7 == 0 {
				<-shutdown.Draining(ctx)
				return shutdown.ErrStopped
			}
			done.Add(1)
			return nil
		}
		q := worker.NewQueue(5, work, worker.Config[int]{Count: 3, HandBack: func(context.Context, int, error) error {
			back.Add(1)
			return nil
		}})
		ran := run(t.Context(), q)
		var producers sync.WaitGroup
		for range 4 {
			producers.Go(func() {
				for job := 1; q.Put(context.WithoutCancel(t.Context()), job) == nil; job++ {
					put.Add(1)
				}
			})
		}
		require.Eventually(t, func() bool { return q.InFlight() > 0 }, time.Minute, time.Microsecond)
		require.NoError(t, within(t.Context(), time.Minute, q))
		producers.Wait()
		require.NoError(t, <-ran)
		require.Equal(t, put.Load(), done.Load()+back.Load())
		require.Zero(t, q.Len()+q.InFlight())
	}
}
