package shutdown_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/internal/haste"
	"github.com/handover-go/handover/shutdown"
)

// stream sends an event each second until it is told.
func stream(w http.ResponseWriter, r *http.Request) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		_, _ = io.WriteString(w, "event;")
		w.(http.Flusher).Flush()
		select {
		case <-tick.C:
		case <-shutdown.Draining(r.Context()):
			_, _ = io.WriteString(w, "bye")
			return
		case <-r.Context().Done():
			return
		}
	}
}

// Without being told, streams hold the stop for the whole time:
// spring-projects/spring-boot#49275, kubernetes/kubernetes#103296.
func TestAStreamThatIsToldEndsBetweenTwoEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, stream)
		c := s.open()
		answer := make(chan string, 1)
		go func() { answer <- c.get("/events") }()
		time.Sleep(2500 * time.Millisecond)
		require.NoError(t, s.Close(t.Context()))
		require.Equal(t, "200 event;event;event;bye", <-answer)
		c.gone()
		require.NoError(t, <-s.served)
		require.Equal(t, 1, s.Report().Told)
		require.Zero(t, s.Report().Ended.Round(100*time.Millisecond))
	})
}

// All at once they would come back all at once.
func TestLongLivedRequestsAreToldInWaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const streams = 6000
		var mu sync.Mutex
		var told []time.Duration
		var began time.Time
		s := newScene(t, func(_ http.ResponseWriter, r *http.Request) {
			<-shutdown.Draining(r.Context())
			mu.Lock()
			defer mu.Unlock()
			told = append(told, time.Since(began))
		})
		var clients sync.WaitGroup
		for range streams {
			c := s.open()
			clients.Go(func() { c.get("/poll"); _ = c.Close() })
		}
		synctest.Wait()
		began = time.Now()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 20*time.Second)
		defer cancel()
		require.NoError(t, s.Shutdown(ctx))
		clients.Wait()
		require.NoError(t, <-s.served)

		require.Len(t, told, streams)
		require.Less(t, told[len(told)-1], 11*time.Second, "half of the time was for being told")
		most, from := 0, 0
		for i := range told {
			for told[i]-told[from] > time.Second {
				from++
			}
			most = max(most, i-from+1)
		}
		require.Less(t, most, streams/10*3/2, "in one second")
		require.Equal(t, streams, s.Report().Told)
	})
}

func TestAStreamThatComesWhileTheServerDrainsIsNotSentAwayAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, stream)
		before := s.open()
		first := make(chan string, 1)
		go func() { first <- before.get("/events") }()
		synctest.Wait()
		done := s.shutdownInBackground()
		require.Equal(t, "200 event;bye", <-first)

		time.Sleep(100 * time.Millisecond) // the coarse clock tells it from those before
		again := s.open()
		began := time.Now()
		require.Regexp(t, `^200 (event;){1,3}bye, close$`, again.get("/events"))
		require.GreaterOrEqual(t, time.Since(began), 900*time.Millisecond)
		require.LessOrEqual(t, time.Since(began), 2*time.Second)
		before.gone()
		again.gone()
		require.NoError(t, <-done)
		require.NoError(t, <-s.served)
		require.Equal(t, 2, s.Report().Told)
	})
}

// net/http neither closes nor waits for them: golang/go#17721.
func TestAnUpgradedConnectionIsToldAndSaysGoodbyeItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, func(w http.ResponseWriter, r *http.Request) {
			c, rw, err := w.(http.Hijacker).Hijack()
			if err != nil {
				return
			}
			defer func() { _ = c.Close() }()
			defer shutdown.OnDraining(r.Context(), func() {
				time.Sleep(300 * time.Millisecond) // a closing handshake
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n1001")
				_ = c.Close()
			})()
			_, _ = rw.ReadByte() // blocked, as in reading messages
		})
		c := s.open()
		c.send("GET /ws HTTP/1.1\r\nHost: test\r\n\r\n")
		answer := make(chan string, 1)
		go func() { answer <- c.answer() }()
		synctest.Wait()
		require.Equal(t, 1, s.Connections().Hijacked)
		require.NoError(t, s.Close(t.Context()))
		require.Equal(t, "200 1001", <-answer)
		c.gone()
		require.NoError(t, <-s.served)
		require.Equal(t, 300*time.Millisecond, s.Report().Ended.Round(100*time.Millisecond))
	})
}

func TestShutdownWaitsForWhatItHasCalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		called := false
		s := newScene(t, func(_ http.ResponseWriter, r *http.Request) {
			shutdown.OnDraining(r.Context(), func() { time.Sleep(time.Second); called = true })
			<-shutdown.Draining(r.Context())
		})
		c := s.open()
		go c.get("/")
		synctest.Wait()
		require.NoError(t, s.Close(t.Context()))
		require.True(t, called)
		require.NoError(t, c.Close())
		require.NoError(t, <-s.served)
	})
}

// It was asked, so it is no error; but it is named.
func TestWhatWasToldAndDidNotEndIsOnlyInTheReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s := newScene(t, func(_ http.ResponseWriter, r *http.Request) {
			<-shutdown.Draining(r.Context())
			<-release
		})
		c := s.open()
		answer := make(chan string, 1)
		go func() { answer <- c.get("/stuck") }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		require.NoError(t, s.Close(ctx))
		require.Equal(t, "unexpected EOF", <-answer)
		cut := s.Report().Cut
		require.Len(t, cut, 1)
		require.Equal(t, "GET", cut[0].What)
		require.True(t, cut[0].Told)
		require.Contains(t, cut[0].Stack, "TestWhatWasToldAndDidNotEndIsOnlyInTheReport")
		close(release)
		require.NoError(t, c.Close())
		require.NoError(t, <-s.served)
	})
}

func TestNobodyIsToldInAContextOfSomethingElse(t *testing.T) {
	require.Nil(t, shutdown.Draining(t.Context()))
	require.True(t, shutdown.OnDraining(t.Context(), func() { t.Error("called") })())
}

// Closed all at once they would come back all at once, and the closing itself
// would be a burst.
func TestConnectionsThatHaveBeenSilentForLongAreClosedOverTheLinger(t *testing.T) {
	for name, tc := range map[string]struct {
		idle  int
		stop  func(*shutdown.Server, context.Context) error
		ended time.Duration
		most  int // closed within a tenth of a second
	}{
		"a few at once":                  {idle: 10, stop: (*shutdown.Server).Shutdown, ended: 500 * time.Millisecond, most: 10},
		"a thousand a second":            {idle: 1000, stop: (*shutdown.Server).Shutdown, ended: 1500 * time.Millisecond, most: 150},
		"as many as it takes":            {idle: 6000, stop: (*shutdown.Server).Shutdown, ended: 4500 * time.Millisecond, most: 200},
		"all at once where nobody cares": {idle: 1000, stop: (*shutdown.Server).Close, most: 1000},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				var closed []time.Time
				s := newScene(t, hello)
				var clients sync.WaitGroup
				for range tc.idle {
					c := s.open()
					require.Equal(t, "200 hello", c.get("/"))
					clients.Go(func() {
						_, _ = c.r.ReadByte()
						mu.Lock()
						defer mu.Unlock()
						closed = append(closed, time.Now())
						_ = c.Close()
					})
				}
				time.Sleep(time.Minute)
				require.Equal(t, tc.idle, s.Connections().Idle)
				require.NoError(t, tc.stop(s.Server, context.WithoutCancel(t.Context())))
				clients.Wait()
				require.NoError(t, <-s.served)
				require.InDelta(t, tc.ended, s.Report().Ended, float64(150*time.Millisecond))
				require.Equal(t, tc.idle, s.Report().GivenUp)
				most, from := 0, 0
				for i := range closed {
					for closed[i].Sub(closed[from]) >= 100*time.Millisecond {
						from++
					}
					most = max(most, i-from+1)
				}
				require.LessOrEqual(t, most, tc.most)
			})
		})
	}
}

// The context that the signal ends, as BaseContext, ends the contexts of requests
// that the server waits for: they fail with "context canceled".
func TestABaseContextThatDiesWithTheSignalIsWarnedOf(t *testing.T) {
	for name, tc := range map[string]struct {
		dies bool
		said string
	}{
		"which died":  {dies: true, said: "the http.Server's BaseContext has ended"},
		"which lives": {dies: false, said: "drained"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				base, end := context.WithCancel(context.WithoutCancel(t.Context()))
				defer end()
				var said diary
				s := newSceneOf(t, &http.Server{
					Handler:     http.HandlerFunc(hello),
					BaseContext: func(net.Listener) context.Context { return base },
				}, shutdown.Config{Logger: said.logger()})
				require.Equal(t, "200 hello", s.visit())
				if tc.dies {
					end()
				}
				require.NoError(t, s.Close(t.Context()))
				require.NoError(t, <-s.served)
				require.Contains(t, said.lines()[1], tc.said)
			})
		})
	}
}

func TestTheReportSaysWhatWasInFlightWhen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s := newScene(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/slow" {
				<-release
			}
		})
		slow, idle, silent := s.open(), s.open(), s.open()
		answer := make(chan string, 1)
		go func() { answer <- slow.get("/slow") }()
		require.Equal(t, "200", idle.get("/"))
		synctest.Wait()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 20*time.Second)
		defer cancel()
		done := make(chan error, 1)
		go func() { done <- s.Close(ctx) }()
		idle.gone()
		silent.gone()
		time.Sleep(2 * time.Second)
		close(release)
		require.Equal(t, "200, close", <-answer)
		slow.gone()
		require.NoError(t, <-done)
		require.NoError(t, <-s.served)

		var steps []string
		for _, step := range s.Report().Steps {
			steps = append(steps, fmt.Sprintf("%s %s %+v", step.At.Round(100*time.Millisecond), step.Name, step.Connections))
		}
		require.Equal(t, []string{
			"0s shutdown {New:1 Reading:0 Active:1 Idle:1 Hijacked:0 Requests:1}",
			"0s listener closing {New:1 Reading:0 Active:1 Idle:1 Hijacked:0 Requests:1}",
			"2.5s ended {New:0 Reading:0 Active:0 Idle:0 Hijacked:0 Requests:0}",
		}, steps)
		require.Equal(t, 1, s.Report().Finished)
	})
}

// The delay before Shutdown belongs to the stop: what people tune is counted from
// the signal.
func TestTheReportCountsFromTheSignal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, hello)
		s.traffic(100*time.Millisecond, 2*time.Second)
		ctx, _ := haste.With(context.WithoutCancel(t.Context()))
		haste.Begin(ctx, time.Now())
		s.traffic(100*time.Millisecond, 2*time.Second)
		done := make(chan error, 1)
		go func() { done <- s.Shutdown(ctx) }()
		s.traffic(100*time.Millisecond, 500*time.Millisecond)
		require.NoError(t, <-done)
		require.NoError(t, <-s.served)
		report := s.Report()
		for name, tc := range map[string]struct{ want, got time.Duration }{
			"began":           {2000 * time.Millisecond, report.Began},
			"last new":        {2400 * time.Millisecond, report.LastNew},
			"silence":         {500 * time.Millisecond, report.Silence},
			"listener closed": {2900 * time.Millisecond, report.ListenerClosed},
			"ended":           {2900 * time.Millisecond, report.Ended},
		} {
			require.Equal(t, tc.want, tc.got.Round(100*time.Millisecond), name)
		}
	})
}

// By what comes in the delay people see that it is long enough.
func TestANewConnectionInTheDelayIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, hello)
		s.traffic(100*time.Millisecond, 2*time.Second)
		ctx, _ := haste.With(context.WithoutCancel(t.Context()))
		haste.Begin(ctx, time.Now())
		s.traffic(100*time.Millisecond, time.Second)
		time.Sleep(2 * time.Second)
		require.NoError(t, s.Shutdown(ctx))
		require.NoError(t, <-s.served)
		require.Equal(t, 900*time.Millisecond, s.Report().LastNew.Round(100*time.Millisecond))
		require.Equal(t, 3*time.Second, s.Report().Began.Round(100*time.Millisecond))
	})
}

// A sync.WaitGroup panics when it is waited for and added to at the same time.
func TestWhoAsksToBeCalledMayDoSoWhileOthersAreWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		over := make(chan struct{})
		s := newScene(t, func(_ http.ResponseWriter, r *http.Request) {
			for range 100 {
				shutdown.OnDraining(r.Context(), func() { time.Sleep(time.Millisecond) })
				time.Sleep(2 * time.Millisecond)
			}
			close(over)
		})
		c := s.open()
		go c.get("/")
		synctest.Wait()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 50*time.Millisecond)
		defer cancel()
		require.NoError(t, s.Close(ctx))
		<-over
		require.NoError(t, c.Close())
		require.NoError(t, <-s.served)
	})
}

// What an earlier request of the connection listened to, this one may not.
func TestARequestThatDoesNotListenIsCutWithAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s := newScene(t, func(_ http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/listens" {
				shutdown.Draining(r.Context())
				return
			}
			<-release
		})
		c := s.open()
		require.Equal(t, "200", c.get("/listens"))
		answer := make(chan string, 1)
		go func() { answer <- c.get("/does-not") }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Second)
		defer cancel()
		require.ErrorContains(t, s.Close(ctx), "cut 1 in flight")
		require.Zero(t, s.Report().Told)
		<-answer
		close(release)
		require.NoError(t, c.Close())
		require.NoError(t, <-s.served)
	})
}
