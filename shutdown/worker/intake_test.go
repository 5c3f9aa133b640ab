package worker_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/shutdown/worker"
)

func logger(to io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(to, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "took" {
			return slog.Attr{} // by chance
		}
		return a
	}}))
}

func TestAPullThatFailsIsTriedAgainLaterAndLater(t *testing.T) {
	tests := map[string]struct {
		fail     func() (int, error)
		min, max time.Duration // Config
		longest  []int         // in ms
	}{
		"by default from 100 ms to 10 s": {
			fail:    func() (int, error) { return 0, errBoo },
			longest: []int{100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000},
		},
		"io.EOF is what a broken connection says": {
			fail: func() (int, error) { return 0, io.EOF },
			min:  time.Second, max: 3 * time.Second,
			longest: []int{1000, 2000, 3000, 3000},
		},
		"a panic is a failure": {
			fail: func() (int, error) { panic("boo") },
			min:  time.Second, max: 2 * time.Second,
			longest: []int{1000, 2000, 2000},
		},
		"runtime.Goexit is a failure": {
			fail: func() (int, error) { runtime.Goexit(); return 0, nil },
			min:  time.Second, max: 2 * time.Second,
			longest: []int{1000, 2000, 2000},
		},
		"a job of a pull that fails is none": {
			fail: func() (int, error) { return 7, errBoo },
			min:  time.Minute, longest: []int{60_000, 60_000},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var waits []time.Duration
				last, calls := time.Now(), 0
				pull := func(context.Context) (int, error) {
					if calls > 0 {
						waits = append(waits, time.Since(last))
					}
					last = time.Now()
					calls++
					switch {
					case calls <= len(tt.longest):
						return tt.fail()
					case calls == len(tt.longest)+1:
						return 1, nil
					}
					return 0, worker.ErrClosed
				}
				var done []int
				do := func(_ context.Context, job int) error { done = append(done, job); return nil }
				p := worker.New(pull, do, worker.Config[int]{BackoffMin: tt.min, BackoffMax: tt.max})
				require.NoError(t, p.Run(t.Context()))
				require.Equal(t, []int{1}, done)
				require.Len(t, waits, len(tt.longest)+1)
				for i, ms := range tt.longest {
					longest := time.Duration(ms) * time.Millisecond
					require.LessOrEqual(t, waits[i], longest)
					require.GreaterOrEqual(t, waits[i], longest/2)
				}
				require.Zero(t, waits[len(tt.longest)], "it works again")
			})
		})
	}
}

func TestPauseEndsAWaitAfterAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pull := func(context.Context) (int, error) { return 0, errBoo }
		do := func(context.Context, int) error { return nil }
		p := worker.New(pull, do, worker.Config[int]{BackoffMin: time.Hour})
		ran := run(t.Context(), p)
		synctest.Wait()
		began := time.Now()
		require.NoError(t, p.Shutdown(t.Context()))
		require.NoError(t, <-ran)
		require.Zero(t, time.Since(began))
	})
}

func TestAnOutageOfTheSourceIsTwoRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		began := time.Now()
		pull := func(ctx context.Context) (int, error) {
			if time.Since(began) < time.Minute {
				return 0, errBoo
			}
			time.Sleep(time.Second)
			return 1, ctx.Err()
		}
		do := func(context.Context, int) error { return nil }
		p := worker.New(pull, do, worker.Config[int]{Count: 4, Logger: logger(&log)})
		ran := run(t.Context(), p)
		time.Sleep(2 * time.Minute)
		require.NoError(t, p.Shutdown(t.Context()))
		require.NoError(t, <-ran)
		require.Equal(t, []string{
			`level=WARN msg="pulling jobs fails" err=boo`,
			`level=INFO msg="pulling jobs works again"`,
			`level=INFO msg="workers stopped" handed_back=0 lost=0 cut=0`,
		}, strings.Split(strings.TrimSpace(log.String()), "\n"))
	})
}

func TestByDefaultAJobThatFailsIsARecord(t *testing.T) {
	var log bytes.Buffer
	do := func(context.Context, int) error { return errBoo }
	p := worker.New(worker.Chan(filled(1)), do, worker.Config[int]{Name: name, Logger: logger(&log)})
	require.NoError(t, p.Run(t.Context()))
	require.Equal(t, "level=ERROR msg=\"job failed\" job=\"job 1\" err=boo\n", log.String())
}

func TestTheEndOfTheSourceEndsAllPulls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := make(chan struct{}, 1)
		pull := func(ctx context.Context) (int, error) {
			select {
			case first <- struct{}{}:
				time.Sleep(time.Second)
				return 0, fmt.Errorf("receive: %w", worker.ErrClosed)
			default:
				<-ctx.Done()
				return 0, ctx.Err()
			}
		}
		began := time.Now()
		do := func(context.Context, int) error { return nil }
		require.NoError(t, worker.New(pull, do, worker.Config[int]{Count: 3}).Run(t.Context()))
		require.Equal(t, time.Second, time.Since(began))
	})
}

func TestATickerIsAPeriodicTask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		ticker := time.NewTicker(time.Minute)
		defer ticker.Stop()
		do := func(context.Context, time.Time) error {
			d.write("begun")
			time.Sleep(5 * time.Second)
			d.write("done")
			return nil
		}
		p := worker.New(worker.Chan(ticker.C), do, worker.Config[time.Time]{})
		ran := run(t.Context(), p)
		time.Sleep(2*time.Minute + time.Second)
		require.NoError(t, p.Pause(t.Context()))
		require.NoError(t, p.Shutdown(t.Context()))
		require.NoError(t, <-ran)
		require.Equal(t, []string{"1m0s begun", "1m5s done", "2m0s begun", "2m5s done"}, d.read())
	})
}

func TestAChannelIsNotReadAfterPause(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	jobs := open(1, 2, 3)
	for range 100 { // select chooses at random
		_, err := worker.Chan(jobs)(ctx)
		require.ErrorIs(t, err, context.Canceled)
	}
	require.Len(t, jobs, 3)
}

// Many brokers deliver again at once what is handed back; without a wait, a job
// that always panics would be done thousands of times a second.
func TestAJobThatComesBackEachTimeIsDoneLessAndLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		times := 0
		back := make(chan string, 1)
		back <- "poison"
		jobs := worker.New(worker.Chan(back), func(context.Context, string) error {
			times++
			panic("each time")
		}, worker.Config[string]{
			HandBack: func(_ context.Context, job string, _ error) error { back <- job; return nil },
			Failed:   func(context.Context, string, error) {},
		})
		ran := make(chan error, 1)
		go func() { ran <- jobs.Run(context.WithoutCancel(t.Context())) }()
		time.Sleep(time.Minute)
		require.NoError(t, jobs.Shutdown(t.Context()))
		require.NoError(t, <-ran)
		require.Greater(t, times, 8)
		require.Less(t, times, 25)
	})
}

func TestAZeroPoolSaysSo(t *testing.T) {
	var p worker.Pool[int]
	require.ErrorContains(t, p.Run(t.Context()), "make it with New")
}
