package worker_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/shutdown"
	"github.com/handover-go/handover/shutdown/worker"
)

func TestAPoolDoesAsManyJobsAtATimeAsItHasWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		do := func(_ context.Context, job int) error {
			time.Sleep(time.Duration(job) * time.Second)
			d.write("done %d", job)
			return nil
		}
		p := worker.New(worker.Chan(filled(1, 2, 3)), do, worker.Config[int]{Count: 2})
		require.NoError(t, p.Run(t.Context()), "the source has ended")
		require.Equal(t, []string{"1s done 1", "2s done 2", "4s done 3"}, d.read())
		require.Zero(t, p.InFlight())
		require.NoError(t, p.Shutdown(t.Context()))
	})
}

// Pitfall: workers that pull need no delay, and stop their intake at the signal.
func TestPauseTakesNoMoreAndReturnsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		jobs := open(1, 2)
		do := func(ctx context.Context, job int) error {
			time.Sleep(3 * time.Second)
			d.write("done %d, context %v", job, ctx.Err())
			return nil
		}
		p := worker.New(worker.Chan(jobs), do, worker.Config[int]{})
		ran := run(t.Context(), p)
		time.Sleep(time.Second)
		require.NoError(t, p.Pause(t.Context()))
		require.NoError(t, p.Pause(t.Context()), "again")
		require.Equal(t, time.Second, time.Since(d.began), "at once")
		require.Equal(t, 1, p.InFlight())

		time.Sleep(time.Minute)
		require.Equal(t, []string{"3s done 1, context <nil>"}, d.read())
		require.Len(t, jobs, 1, "the other belongs to who filled the channel")
		require.Empty(t, ran, "Run returns after Shutdown, and not before")
		require.NoError(t, p.Shutdown(t.Context()))
		require.NoError(t, <-ran)
		require.Equal(t, 61*time.Second, time.Since(d.began), "nothing was left to wait for")
	})
}

func TestShutdownWaitsForWhatIsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		do := func(ctx context.Context, job int) error {
			time.Sleep(5 * time.Second)
			d.write("done %d, context %v", job, ctx.Err())
			return nil
		}
		p := worker.New(numbers(), do, worker.Config[int]{Count: 2})
		ran := run(t.Context(), p)
		time.Sleep(7 * time.Second)
		require.NoError(t, within(t.Context(), time.Minute, p))
		require.NoError(t, <-ran)
		require.Equal(t, 10*time.Second, time.Since(d.began))
		require.Len(t, d.read(), 4)
		require.Zero(t, p.InFlight())
	})
}

func TestAJobThatIsPulledAfterPauseIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		pull := func(ctx context.Context) (int, error) {
			<-ctx.Done()
			time.Sleep(time.Second) // the answer of the broker was under way
			return 7, nil
		}
		do := func(ctx context.Context, job int) error {
			d.write("done %d, context %v", job, ctx.Err())
			return nil
		}
		p := worker.New(pull, do, worker.Config[int]{})
		ran := run(t.Context(), p)
		synctest.Wait()
		require.NoError(t, p.Pause(t.Context()))
		require.NoError(t, within(t.Context(), time.Minute, p))
		require.NoError(t, <-ran)
		require.Equal(t, []string{"1s done 7, context <nil>"}, d.read())
	})
}

func TestAPoolSurvivesAJobThatFails(t *testing.T) {
	tests := map[string]struct {
		do       func() error
		handBack bool
		want     []string
	}{
		"an error is reported and not handed back": {
			do: func() error { return errBoo }, handBack: true,
			want: []string{"failed 1: boo", "done 2"},
		},
		"a panic is reported and handed back": {
			do: func() error { panic("boo") }, handBack: true,
			want: []string{"failed 1: panic: boo", "back 1: panic: boo", "done 2"},
		},
		"a panic is reported if nothing can be handed back": {
			do:   func() error { panic("boo") },
			want: []string{"failed 1: panic: boo", "done 2"},
		},
		"runtime.Goexit is as bad as a panic": {
			do: func() error { runtime.Goexit(); return nil }, handBack: true,
			want: []string{"failed 1: it called runtime.Goexit", "back 1: it called runtime.Goexit", "done 2"},
		},
		"ErrStopped asks for being handed back": {
			do:       func() error { return fmt.Errorf("half: %w", shutdown.ErrStopped) },
			handBack: true,
			want:     []string{"back 1: half: already stopped", "done 2"},
		},
		"ErrStopped is an error like others if nothing can be handed back": {
			do:   func() error { return shutdown.ErrStopped },
			want: []string{"failed 1: already stopped", "done 2"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			var stack string
			cfg := worker.Config[int]{Failed: func(_ context.Context, job int, err error) {
				got = append(got, fmt.Sprintf("failed %d: %v", job, err))
				if e, ok := errors.AsType[*worker.PanicError](err); ok {
					stack = e.Stack
				}
			}}
			if tt.handBack {
				cfg.HandBack = func(_ context.Context, job int, why error) error {
					got = append(got, fmt.Sprintf("back %d: %v", job, why))
					return nil
				}
			}
			do := func(_ context.Context, job int) error {
				if job == 1 {
					return tt.do()
				}
				got = append(got, fmt.Sprintf("done %d", job))
				return nil
			}
			p := worker.New(worker.Chan(filled(1, 2)), do, cfg)
			require.NoError(t, p.Run(t.Context()))
			require.Equal(t, tt.want, got)
			if strings.Contains(name, "panic") {
				require.Contains(t, stack, "pool_test.go", "where it was")
			}
		})
	}
}

func TestAPoolSurvivesItsReports(t *testing.T) {
	var failures []string
	cfg := worker.Config[int]{
		Name: func(int) string { panic("name") },
		Failed: func(_ context.Context, _ int, err error) {
			failures = append(failures, err.Error())
			panic("report")
		},
		HandBack: func(context.Context, int, error) error { panic("hand back") },
	}
	do := func(_ context.Context, job int) error { return shutdown.ErrStopped }
	p := worker.New(worker.Chan(filled(1, 2)), do, cfg)
	require.NoError(t, p.Run(t.Context()))
	require.Equal(t, []string{"hand back: panic: hand back", "hand back: panic: hand back"}, failures)
}

func TestTheContextOfAJobHasTheValuesOfRuns(t *testing.T) {
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "value")
	do := func(ctx context.Context, _ int) error {
		require.Equal(t, "value", ctx.Value(key{}))
		require.NotNil(t, shutdown.Draining(ctx))
		return nil
	}
	require.NoError(t, worker.New(worker.Chan(filled(1)), do, worker.Config[int]{}).Run(ctx))
}

func TestMistakesAreToldByRun(t *testing.T) {
	do := func(context.Context, int) error { return nil }
	tests := map[string]struct {
		run  func(context.Context) error
		want string
	}{
		"no pull": {
			run:  worker.New(nil, do, worker.Config[int]{}).Run,
			want: "shutdown: run workers: a function is nil: give New one that takes a job, and one that does it; NewQueue, one that does it",
		},
		"no do": {
			run:  worker.NewQueue[int](1, nil, worker.Config[int]{}).Run,
			want: "shutdown: run workers: a function is nil: give New one that takes a job, and one that does it; NewQueue, one that does it",
		},
		"fewer than no workers": {
			run:  worker.New(numbers(), do, worker.Config[int]{Count: -1}).Run,
			want: "shutdown: run workers: Config.Count is -1: give it 1 or more, or 0 for 1",
		},
		"a queue smaller than none": {
			run:  worker.NewQueue(-1, do, worker.Config[int]{}).Run,
			want: "shutdown: run workers: the size of the queue is -1: give it 0 or more",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { require.EqualError(t, tt.run(t.Context()), tt.want) })
	}
}

func TestRunTwiceIsAMistake(t *testing.T) {
	do := func(context.Context, int) error { return nil }
	p := worker.New(worker.Chan(filled()), do, worker.Config[int]{})
	require.NoError(t, p.Run(t.Context()))
	require.EqualError(t, p.Run(t.Context()), "shutdown: run workers: Run was called before")
}

func TestPauseAndShutdownAreLegalAtAnyTime(t *testing.T) {
	do := func(context.Context, int) error { panic("done") }
	cfg := worker.Config[int]{Failed: func(_ context.Context, _ int, err error) { panic(err) }}
	t.Run("a pool that is paused before it runs takes nothing", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			jobs := open(1)
			p := worker.New(worker.Chan(jobs), do, cfg)
			require.NoError(t, p.Pause(t.Context()))
			ran := run(t.Context(), p)
			time.Sleep(time.Second)
			require.NoError(t, p.Shutdown(t.Context()))
			require.NoError(t, <-ran)
			require.Len(t, jobs, 1)
		})
	})
	t.Run("a pool that is shut down before it runs does not run", func(t *testing.T) {
		jobs := open(1)
		p := worker.New(worker.Chan(jobs), do, cfg)
		require.NoError(t, p.Shutdown(t.Context()))
		require.NoError(t, p.Run(t.Context()))
		require.NoError(t, p.Pause(t.Context()))
		require.NoError(t, p.Shutdown(t.Context()))
		require.Len(t, jobs, 1)
	})
	t.Run("a second Shutdown waits for the first, and not longer than its context", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			p := worker.New(numbers(), func(context.Context, int) error { time.Sleep(time.Minute); return nil }, cfg)
			ran := run(t.Context(), p)
			synctest.Wait()
			var all sync.WaitGroup
			for range 3 {
				all.Go(func() { require.NoError(t, p.Shutdown(context.WithoutCancel(t.Context()))) })
			}
			synctest.Wait()
			short, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			require.EqualError(t, p.Shutdown(short), "shutdown: stop workers: context deadline exceeded")
			require.Equal(t, time.Second, time.Since(began))
			all.Wait()
			require.NoError(t, <-ran)
			require.Equal(t, time.Minute, time.Since(began))
			require.NoError(t, p.Shutdown(short), "later")
		})
	})
}

// A pool without a Stop, or one whose Run has been given a context that ends.
func TestTheEndOfRunsContextCancelsWhatIsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		do := func(ctx context.Context, job int) error {
			<-ctx.Done()
			d.write("cancelled %d: %v", job, context.Cause(ctx))
			return ctx.Err()
		}
		cfg := worker.Config[int]{HandBack: func(ctx context.Context, job int, why error) error {
			until, _ := ctx.Deadline()
			d.write("back %d: %v, context %v for %v", job, why, ctx.Err(), time.Until(until))
			return nil
		}}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		require.EqualError(t, worker.New(numbers(), do, cfg).Run(ctx), "shutdown: run workers: context deadline exceeded")
		require.Equal(t, []string{
			"3s cancelled 1: context deadline exceeded",
			"3s back 1: context canceled, context <nil> for 1s",
		}, d.read())
	})
}

func TestTheEndOfRunsContextHidesNothingThatIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		do := func(ctx context.Context, _ int) error { <-ctx.Done(); return errBoo }
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := worker.New(numbers(), do, worker.Config[int]{Name: name}).Run(ctx)
		require.EqualError(t, err, "shutdown: hand back job 1: there is no Config.HandBack: boo")
		require.ErrorIs(t, err, errBoo)
	})
}
