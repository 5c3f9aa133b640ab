package worker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/shutdown"
	"github.com/handover-go/handover/shutdown/worker"
)

func TestAMarginBeforeTheDeadlineJobsAreCancelledAndHandedBack(t *testing.T) {
	tests := map[string]struct {
		margin, limit time.Duration
		at            time.Duration // of the cancellation
	}{
		"by default it is a second":                       {limit: 20 * time.Second, at: 19 * time.Second},
		"by default it is at most a quarter":              {limit: time.Second, at: 750 * time.Millisecond},
		"it can be longer":                                {margin: 5 * time.Second, limit: 20 * time.Second, at: 15 * time.Second},
		"it is at most half, however long it is":          {margin: time.Hour, limit: 20 * time.Second, at: 10 * time.Second},
		"the smallest is not the default":                 {margin: 10, limit: 20 * time.Second, at: 20*time.Second - 10},
		"a time that is nearly over is divided as others": {limit: 40, at: 30},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDiary()
				do := func(ctx context.Context, _ int) error {
					<-ctx.Done()
					d.write("cancelled: %v", context.Cause(ctx))
					return ctx.Err()
				}
				cfg := worker.Config[int]{Margin: tt.margin, HandBack: func(ctx context.Context, job int, why error) error {
					until, _ := ctx.Deadline()
					d.write("back %d: %v, context %v until %v", job, why, ctx.Err(), until.Sub(d.began))
					return nil
				}}
				p := worker.New(numbers(), do, cfg)
				ran := run(t.Context(), p)
				synctest.Wait()
				require.NoError(t, within(t.Context(), tt.limit, p), "nothing is lost")
				require.NoError(t, <-ran)
				require.Equal(t, []string{
					fmt.Sprintf("%v cancelled: context deadline exceeded", tt.at),
					fmt.Sprintf("%v back 1: context canceled, context <nil> until %v", tt.at, tt.at+(tt.limit-tt.at)*9/10),
				}, d.read())
				require.Equal(t, tt.at, time.Since(d.began), "no longer than needed")
			})
		})
	}
}

func TestANegativeMarginKeepsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		do := func(ctx context.Context, _ int) error {
			time.Sleep(10*time.Second - 1)
			return ctx.Err()
		}
		p := worker.New(numbers(), do, worker.Config[int]{Margin: -1})
		ran := run(t.Context(), p)
		synctest.Wait()
		require.NoError(t, within(t.Context(), 10*time.Second, p))
		require.NoError(t, <-ran)
	})
}

func TestAJobThatSucceedsAlthoughItIsCancelledIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		do := func(ctx context.Context, _ int) error { <-ctx.Done(); return nil }
		cfg := worker.Config[int]{HandBack: func(context.Context, int, error) error { panic("handed back") }}
		p := worker.New(numbers(), do, cfg)
		ran := run(t.Context(), p)
		synctest.Wait()
		require.NoError(t, within(t.Context(), 10*time.Second, p))
		require.NoError(t, <-ran)
	})
}

func TestShutdownTellsWhatIsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		do := func(ctx context.Context, job int) error {
			if job == 1 {
				defer shutdown.OnDraining(ctx, func() {
					time.Sleep(3 * time.Second)
					d.write("said goodbye")
				})()
			}
			<-shutdown.Draining(ctx)
			d.write("told, context %v", ctx.Err())
			return fmt.Errorf("at page %d: %w", job, shutdown.ErrStopped)
		}
		cfg := worker.Config[int]{HandBack: func(_ context.Context, job int, why error) error {
			d.write("back %d: %v", job, why)
			return nil
		}}
		p := worker.New(numbers(), do, cfg)
		ran := run(t.Context(), p)
		time.Sleep(time.Second)
		require.NoError(t, p.Pause(t.Context()))
		time.Sleep(time.Second)
		require.Empty(t, d.read(), "Pause does not tell")
		require.NoError(t, within(t.Context(), time.Minute, p))
		require.NoError(t, <-ran)
		require.Equal(t, []string{
			"2s told, context <nil>",
			"2s back 1: at page 1: already stopped",
			"5s said goodbye",
		}, d.read())
		require.Equal(t, 5*time.Second, time.Since(d.began))
	})
}

func TestAJobThatIsPulledWhenTheTimeIsOverIsHandedBackUnbegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var back []string
		pull := func(context.Context) (int, error) {
			time.Sleep(9500 * time.Millisecond) // whatever its context says
			return 7, nil
		}
		do := func(context.Context, int) error { panic("begun") }
		cfg := worker.Config[int]{HandBack: func(ctx context.Context, job int, why error) error {
			back = append(back, fmt.Sprintf("%d: %v, context %v", job, why, ctx.Err()))
			return nil
		}}
		p := worker.New(pull, do, cfg)
		ran := run(t.Context(), p)
		synctest.Wait()
		require.NoError(t, within(t.Context(), 10*time.Second, p))
		require.NoError(t, <-ran)
		require.Equal(t, []string{"7: already stopped, context <nil>"}, back)
	})
}

func TestWhatIsStillAtWorkAtTheDeadlineIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		do := func(_ context.Context, job int) error {
			ignoresItsContext(release)
			return errBoo
		}
		back := make(chan error, 2)
		pull, taken := numbers(), make(chan int, 2)
		p := worker.New(func(ctx context.Context) (int, error) {
			select {
			case taken <- 0:
				return pull(ctx)
			default: // the third worker
				<-release
				return 0, errBoo
			}
		}, do, worker.Config[int]{Count: 3, Name: name, HandBack: func(ctx context.Context, _ int, _ error) error {
			back <- ctx.Err()
			return ctx.Err()
		}})
		ran := run(t.Context(), p)
		time.Sleep(time.Minute)
		require.Equal(t, 2, p.InFlight())

		err := within(t.Context(), 10*time.Second, p)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		cut, ok := errors.AsType[*shutdown.CutError](err)
		require.True(t, ok)
		require.Len(t, cut.Cut, 3)
		var names []string
		for _, c := range cut.Cut {
			require.Equal(t, 70*time.Second, c.Age)
			require.Contains(t, c.Stack, "stop_test.go")
			names = append(names, c.What)
		}
		require.ElementsMatch(t, []string{"job 1", "job 2", "a pull that ignores its context"}, names)
		require.True(t, strings.HasPrefix(err.Error(), "shutdown: cut 3 in flight: "), err)
		require.NoError(t, <-ran, "the error is that of Shutdown")

		close(release)
		for range 2 {
			require.ErrorIs(t, <-back, context.DeadlineExceeded, "too late")
		}
		synctest.Wait()
		require.Zero(t, p.InFlight())
	})
}

func ignoresItsContext(release <-chan struct{}) { <-release }

func TestWhatCannotBeHandedBackIsAnError(t *testing.T) {
	tests := map[string]struct {
		handBack func(context.Context, int, error) error
		want     string
	}{
		"nobody to hand back to": {
			want: "shutdown: hand back job 1: there is no Config.HandBack: boo",
		},
		"handing back fails": {
			handBack: func(context.Context, int, error) error { return errors.New("connection closed") },
			want:     "shutdown: hand back job 1: connection closed",
		},
		"handing back panics": {
			handBack: func(context.Context, int, error) error { panic("nil map") },
			want:     "shutdown: hand back job 1: panic: nil map",
		},
		"handing back takes too long, and knows it": {
			handBack: func(ctx context.Context, _ int, _ error) error { <-ctx.Done(); return ctx.Err() },
			want:     "shutdown: hand back job 1: context deadline exceeded",
		},
		"handing back takes too long": {
			handBack: func(ctx context.Context, _ int, _ error) error { time.Sleep(time.Hour); return nil },
			want:     "shutdown: cut 1 in flight: job 1 after 10s: context deadline exceeded",
		},
	}
	for about, tt := range tests {
		t.Run(about, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				do := func(ctx context.Context, _ int) error { <-ctx.Done(); return errBoo }
				p := worker.New(numbers(), do, worker.Config[int]{Name: name, HandBack: tt.handBack})
				ran := run(t.Context(), p)
				synctest.Wait()
				require.EqualError(t, within(t.Context(), 10*time.Second, p), tt.want)
				require.NoError(t, <-ran)
				time.Sleep(time.Hour) // for what was left behind
			})
		})
	}
}

func TestAnErrorNamesFiveJobsAndCountsTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		do := func(ctx context.Context, _ int) error { <-ctx.Done(); return errBoo }
		p := worker.New(numbers(), do, worker.Config[int]{Count: 8})
		ran := run(t.Context(), p)
		synctest.Wait()
		err := within(t.Context(), 10*time.Second, p)
		require.EqualError(t, err, strings.Repeat("shutdown: hand back job: there is no Config.HandBack: boo\n", 5)+
			"shutdown: hand back: and 3 more")
		require.NoError(t, <-ran)
	})
}

func TestWithoutTimeForHandingBackTheJobIsNamedAndCancelled(t *testing.T) {
	tests := map[string]struct {
		margin   time.Duration
		shutdown func(context.Context, *worker.Pool[int]) error
		want     string
	}{
		"a context without a deadline": {
			shutdown: func(ctx context.Context, p *worker.Pool[int]) error {
				ctx, cancel := context.WithCancel(ctx)
				time.AfterFunc(time.Minute, cancel)
				return p.Shutdown(ctx)
			},
			want: "shutdown: cut 1 in flight: job 1 after 1m0s: context canceled",
		},
		"a negative margin": {
			margin:   -time.Hour,
			shutdown: func(ctx context.Context, p *worker.Pool[int]) error { return within(ctx, time.Minute, p) },
			want:     "shutdown: cut 1 in flight: job 1 after 1m0s: context deadline exceeded",
		},
	}
	for about, tt := range tests {
		t.Run(about, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var back []string
				do := func(ctx context.Context, _ int) error {
					<-ctx.Done()
					time.Sleep(time.Millisecond)
					return errBoo
				}
				p := worker.New(numbers(), do, worker.Config[int]{
					Name: name, Margin: tt.margin,
					HandBack: func(ctx context.Context, _ int, _ error) error {
						back = append(back, fmt.Sprint(ctx.Err()))
						return nil
					},
				})
				ran := run(t.Context(), p)
				synctest.Wait()
				require.EqualError(t, tt.shutdown(t.Context(), p), tt.want)
				require.NoError(t, <-ran)
				time.Sleep(time.Second)
				require.Zero(t, p.InFlight(), "it was cancelled")
				require.Equal(t, []string{"context deadline exceeded"}, back, "tried, too late")
			})
		})
	}
}

func TestAPanicOfACancelledJobIsReportedAndHandedBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		do := func(ctx context.Context, _ int) error { <-ctx.Done(); panic("boo") }
		back := func(context.Context, int, error) error { return nil }
		p := worker.New(numbers(), do, worker.Config[int]{Logger: logger(&log), HandBack: back})
		ran := run(t.Context(), p)
		synctest.Wait()
		require.NoError(t, within(t.Context(), time.Minute, p))
		require.NoError(t, <-ran)
		require.Equal(t, "level=ERROR msg=\"job failed\" job=job err=\"panic: boo\"\n"+
			"level=INFO msg=\"workers stopped\" handed_back=1 lost=0 cut=0\n", log.String())
	})
}

// Who calls them when the pool has gone gets an answer nevertheless.
func TestAContextThatOutlivesItsJobIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var outlives context.Context
		do := func(ctx context.Context, _ int) error { outlives = ctx; return nil }
		p := worker.New(worker.Chan(open(1)), do, worker.Config[int]{})
		ran := run(t.Context(), p)
		synctest.Wait()
		require.NoError(t, p.Shutdown(t.Context()))
		require.NoError(t, <-ran)
		<-shutdown.Draining(outlives)
		called := make(chan struct{})
		shutdown.OnDraining(outlives, func() { close(called) })
		<-called
	})
}

// Shutdown's deadline counts, and not Run's context, once it has begun.
func TestTheEndOfRunsContextChangesNothingInAShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		do := func(ctx context.Context, _ int) error { time.Sleep(time.Minute); return ctx.Err() }
		p := worker.New(numbers(), do, worker.Config[int]{})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		ran := make(chan error)
		go func() { ran <- p.Run(ctx) }()
		synctest.Wait()
		require.NoError(t, within(t.Context(), time.Hour, p))
		require.NoError(t, <-ran)
		require.Equal(t, time.Minute, time.Since(began))
	})
}
