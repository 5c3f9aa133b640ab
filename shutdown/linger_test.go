package shutdown_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/internal/haste"
	"github.com/handover-go/handover/internal/pipenet"
	"github.com/handover-go/handover/shutdown"
)

// scene is a server in virtual time.
type scene struct {
	*running
	net *pipenet.Listener
}

func newScene(t *testing.T, h http.HandlerFunc) *scene {
	t.Helper()
	return newSceneOf(t, &http.Server{Handler: h}, shutdown.Config{})
}

func newSceneOf(t *testing.T, srv *http.Server, cfg shutdown.Config) *scene {
	t.Helper()
	l := pipenet.Listen(100)
	cfg.Listener = l
	return &scene{serve(t, srv, cfg), l}
}

func (s *scene) open() *client {
	s.t.Helper()
	c, err := s.net.Dial(s.t.Context())
	require.NoError(s.t, err)
	return newClient(s.t, c)
}

// visit makes one request on a new connection, as a layer-4 balancer brings it.
func (s *scene) visit() string {
	c := s.open()
	defer func() { _ = c.Close() }()
	return c.get("/")
}

// traffic brings visits at a steady pace for a time.
func (s *scene) traffic(every, during time.Duration) {
	s.t.Helper()
	for range int(during / every) {
		require.Contains(s.t, s.visit(), "200 hello")
		time.Sleep(every)
	}
}

// The expected value is how long Shutdown took, to a tenth of a second.
func TestTheLingerEndsByEvidence(t *testing.T) {
	for name, tc := range map[string]struct {
		before func(s *scene)
		during func(s *scene) // beside Shutdown
		haste  bool
		took   time.Duration
	}{
		"not at all if no connection ever came": {
			before: func(*scene) {},
			took:   0,
		},
		"three times the longest gap after the last new connection": {
			before: func(s *scene) { s.traffic(400*time.Millisecond, 10*time.Second) },
			during: func(s *scene) { s.traffic(400*time.Millisecond, 2*time.Second) },
			took:   1600*time.Millisecond + 1200*time.Millisecond,
		},
		"at once when the silence has lasted long enough already": {
			before: func(s *scene) { s.traffic(400*time.Millisecond, 10*time.Second); time.Sleep(2 * time.Second) },
			took:   0,
		},
		"half a second at the least, however busy": {
			before: func(s *scene) { s.traffic(10*time.Millisecond, 2*time.Second) },
			took:   500 * time.Millisecond,
		},
		"five seconds at the most, though they never cease": {
			before: func(s *scene) { s.traffic(100*time.Millisecond, 5*time.Second) },
			during: func(s *scene) { s.traffic(100*time.Millisecond, 4900*time.Millisecond) },
			took:   5 * time.Second,
		},
		"the longest silence when too little has been seen to know": {
			before: func(s *scene) { s.traffic(100*time.Millisecond, 500*time.Millisecond) },
			took:   4900 * time.Millisecond,
		},
		"a gap that is older than two minutes is forgotten": {
			before: func(s *scene) {
				s.traffic(100*time.Millisecond, 2*time.Second)
				time.Sleep(30 * time.Second)
				s.traffic(200*time.Millisecond, 3*time.Minute)
			},
			took: 400 * time.Millisecond,
		},
		"the longest silence when all that was seen is forgotten": {
			before: func(s *scene) {
				s.traffic(100*time.Millisecond, 2*time.Second)
				time.Sleep(3 * time.Minute)
				s.traffic(100*time.Millisecond, 200*time.Millisecond)
			},
			took: 4900 * time.Millisecond,
		},
		"none without traffic but probes": {
			before: func(s *scene) {
				for range 20 {
					c := s.open()
					require.Equal(s.t, "200 hello", c.get("/healthz"))
					_ = c.Close()
				}
			},
			took: 0,
		},
		"probes are no evidence": {
			before: func(s *scene) { s.traffic(200*time.Millisecond, 5*time.Second) },
			during: func(s *scene) {
				for range 5 {
					c := s.open()
					require.Contains(s.t, c.get("/readyz"), "200")
					_ = c.Close()
					time.Sleep(50 * time.Millisecond)
				}
			},
			took: 400 * time.Millisecond,
		},
		"none after Ctrl-C": {
			before: func(s *scene) { s.traffic(100*time.Millisecond, 2*time.Second) },
			haste:  true,
			took:   0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t, hello)
				tc.before(s)
				ctx := context.WithoutCancel(t.Context())
				if tc.haste {
					marked, mark := haste.With(ctx)
					mark()
					ctx = marked
				}
				done := make(chan error, 1)
				go func() { done <- s.Shutdown(ctx) }()
				synctest.Wait()
				if tc.during != nil {
					tc.during(s)
				}
				require.NoError(t, <-done)
				require.NoError(t, <-s.served)
				require.Equal(t, tc.took, s.Report().Ended.Round(100*time.Millisecond), "%+v", s.Report())
			})
		})
	}
}

// A proxy that still sends here over connections it has pooled opens no new
// ones, and has opened none for long. Closing the listener at once would refuse
// the first one it needs.
func TestPooledConnectionsThatAreInUseKeepTheListenerOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, hello)
		pool := make([]*client, 12)
		for i := range pool {
			pool[i] = s.open()
			require.Equal(t, "200 hello", pool[i].get("/"))
			time.Sleep(10 * time.Millisecond)
		}
		use := func(from, to int, want string) {
			for i := from; i < to; i++ {
				require.Equal(t, want, pool[i].get("/"))
				time.Sleep(10 * time.Millisecond)
			}
		}
		for range 50 {
			use(0, len(pool), "200 hello")
		}

		done := s.shutdownInBackground()
		synctest.Wait()
		use(0, len(pool), "200 hello, close")
		require.Equal(t, "200 hello, close", s.visit(), "the listener has closed too early")
		for _, c := range pool {
			c.gone()
		}
		require.NoError(t, <-done)
		require.NoError(t, <-s.served)
		require.Equal(t, 600*time.Millisecond, s.Report().Ended.Round(100*time.Millisecond), "%+v", s.Report())
		require.Zero(t, s.Report().GivenUp)
	})
}

func TestAnIdleConnectionIsClosedWhenItHasBeenSilentForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, hello)
		often, seldom := s.open(), s.open()
		require.Equal(t, "200 hello", seldom.get("/"))
		for range 20 {
			require.Equal(t, "200 hello", often.get("/"))
			time.Sleep(300 * time.Millisecond)
		}
		began := time.Now()
		done := s.shutdownInBackground()
		time.Sleep(250 * time.Millisecond)
		require.Equal(t, "200 hello, close", often.get("/"), "an idle connection was closed while it was in use")
		often.gone()
		seldom.gone() // when no other has been used for three times 0.3 s
		require.Equal(t, 1200*time.Millisecond, time.Since(began).Round(100*time.Millisecond))
		require.NoError(t, <-done)
		require.NoError(t, <-s.served)
		require.Equal(t, 1, s.Report().GivenUp)
	})
}

// A pool takes first what was used last. When each answer ends a connection, it
// soon reaches those that have been silent for minutes.
func TestAPoolThatIsUsedUpKeepsWhatHasBeenSilentForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, hello)
		pool := make([]*client, 20)
		for i := range pool {
			pool[i] = s.open()
			require.Equal(t, "200 hello", pool[i].get("/"))
		}
		for range 100 {
			time.Sleep(100 * time.Millisecond)
			require.Equal(t, "200 hello", pool[0].get("/"))
		}
		done := s.shutdownInBackground()
		synctest.Wait()
		for i, c := range pool {
			require.Equal(t, "200 hello, close", c.get("/"), "connection %d", i)
			c.gone()
			time.Sleep(100 * time.Millisecond)
		}
		require.NoError(t, <-done)
		require.NoError(t, <-s.served)
		require.Zero(t, s.Report().GivenUp)
	})
}

// A stream whose header went out before the stop ends after two seconds without
// having announced anything, and leaves its connection idle. Patience would keep
// that until 5 s, when a request as long as the longest could not finish in 6.
func TestTheLastCallForAnIdleConnectionLeavesTimeForALongRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			if r.URL.Path == "/long" {
				time.Sleep(4 * time.Second)
			}
			if r.URL.Path == "/stream" {
				time.Sleep(3 * time.Second)
			}
		})
		c := s.open()
		require.Equal(t, "200", c.get("/long"))
		c.send("GET /stream HTTP/1.1\r\nHost: test\r\n\r\n")
		streamed := make(chan string, 1)
		go func() { streamed <- c.answer() }()
		time.Sleep(time.Second)

		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 6*time.Second)
		defer cancel()
		require.NoError(t, s.Shutdown(ctx))
		require.Equal(t, "200", <-streamed)
		c.gone()
		require.NoError(t, <-s.served)
		require.Equal(t, 3*time.Second, s.Report().Ended.Round(100*time.Millisecond))
	})
}

func TestANegativeLingerMaxIsNoLinger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := pipenet.Listen(10)
		s := &scene{serve(t, &http.Server{Handler: http.HandlerFunc(hello)}, shutdown.Config{Listener: l, LingerMax: -1}), l}
		s.traffic(100*time.Millisecond, 2*time.Second)
		require.NoError(t, s.Shutdown(t.Context()))
		require.NoError(t, <-s.served)
		require.Zero(t, s.Report().Ended.Round(100*time.Millisecond))
	})
}

// A monitor that asks through a proxy's pool may be the first on a connection.
func TestAConnectionWhoseFirstRequestWasAProbeCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, hello)
		c := s.open()
		require.Equal(t, "200 hello", c.get("/healthz"))
		for range 20 {
			require.Equal(t, "200 hello", c.get("/"))
			time.Sleep(100 * time.Millisecond)
		}
		done := s.shutdownInBackground()
		time.Sleep(50 * time.Millisecond)
		require.Equal(t, "200 hello, close", c.get("/"))
		require.Equal(t, "200 hello, close", s.visit())
		c.gone()
		require.NoError(t, <-done)
		require.NoError(t, <-s.served)
	})
}

// The proxy built its pool quickly at the start, which says nothing about how
// often new connections come once each answer ends one.
func TestTheGapsBetweenRequestsInTheDrainCountAsWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, hello)
		for range 12 {
			require.Equal(t, "200 hello", s.visit())
			time.Sleep(50 * time.Millisecond)
		}
		c := s.open()
		for range 15 {
			require.Equal(t, "200 hello", c.get("/"))
			time.Sleep(700 * time.Millisecond)
		}
		done := s.shutdownInBackground()
		synctest.Wait()
		require.Equal(t, "200 hello, close", c.get("/"))
		c.gone()
		for range 4 {
			time.Sleep(700 * time.Millisecond)
			require.Equal(t, "200 hello, close", s.visit(), "the listener has closed too early")
		}
		require.NoError(t, <-done)
		require.NoError(t, <-s.served)
		require.Equal(t, 2100*time.Millisecond, s.Report().Silence.Round(100*time.Millisecond))
	})
}

func TestCloseDoesNotLinger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, hello)
		c := s.open()
		for range 20 {
			require.Equal(t, "200 hello", c.get("/"))
			s.visit()
		}
		require.NoError(t, s.Close(t.Context()))
		c.gone()
		require.NoError(t, <-s.served)
		require.Zero(t, s.Report().Ended.Round(100*time.Millisecond))
	})
}

func TestASecondShutdownWaitsForTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := newBlocking()
		s := newScene(t, slow.ServeHTTP)
		answer := make(chan string, 1)
		go func() { answer <- s.visit() }()
		<-slow.entered
		first, second := s.shutdownInBackground(), s.shutdownInBackground()
		time.Sleep(time.Minute)
		require.Empty(t, first)
		require.Empty(t, second)
		limited, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, s.Shutdown(limited), context.DeadlineExceeded, "each honours its own deadline")
		defer func() {
			for range 20 { // chance would let one of them fail
				require.NoError(t, s.Shutdown(limited), "what is known is known to a context that has ended, too")
			}
		}()

		close(slow.release)
		require.Equal(t, "200 done, close", <-answer)
		require.NoError(t, <-first)
		require.NoError(t, <-second)
		require.NoError(t, <-s.served)
	})
}

func TestARequestThatStaysHalfReadIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, hello)
		c := s.open()
		c.send("GET / HT")
		require.NoError(t, s.Close(t.Context()))
		require.Equal(t, 5*time.Second, s.Report().Ended.Round(100*time.Millisecond))
		c.gone()
		require.NoError(t, <-s.served)
	})
}

func TestFunctionsOfRegisterOnShutdownMayEndHijackedConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := pipenet.Listen(1)
		told := make(chan struct{})
		srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if c, _, err := w.(http.Hijacker).Hijack(); err == nil {
				<-told
				_ = c.Close()
			}
		})}
		runs := 0
		srv.RegisterOnShutdown(func() { runs++; close(told) })
		s := &scene{serve(t, srv, shutdown.Config{Listener: l}), l}
		c := s.open()
		c.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n")
		require.NoError(t, s.Shutdown(t.Context()))
		c.gone()
		require.NoError(t, <-s.served)
		require.Equal(t, 1, runs)
	})
}

// beside is a WebSocket that only a function of RegisterOnShutdown can end, and
// requests that end when they are released.
func beside(t *testing.T) (s *scene, socket *client, slow blocking) {
	t.Helper()
	slow, told := newBlocking(), make(chan struct{})
	mux := http.NewServeMux()
	mux.Handle("/slow", slow)
	mux.HandleFunc("/socket", func(w http.ResponseWriter, _ *http.Request) {
		if c, _, err := w.(http.Hijacker).Hijack(); err == nil {
			<-told
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbye")
			_ = c.Close()
		}
	})
	srv := &http.Server{Handler: mux}
	srv.RegisterOnShutdown(func() { close(told) })
	s = newSceneOf(t, srv, shutdown.Config{LingerMax: -1})
	socket = s.open()
	socket.send("GET /socket HTTP/1.1\r\nHost: test\r\n\r\n")
	synctest.Wait()
	return s, socket, slow
}

func TestARequestThatHangsDoesNotKeepFunctionsOfRegisterOnShutdownFromRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, socket, slow := beside(t)
		c := s.open()
		c.send("GET /slow HTTP/1.1\r\nHost: test\r\n\r\n")
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
		defer cancel()
		done := make(chan error, 1)
		go func() { done <- s.Close(ctx) }()
		began := time.Now()
		require.Equal(t, "200 bye", socket.answer())
		require.Equal(t, 5*time.Second, time.Since(began).Round(100*time.Millisecond), "half of the time is theirs")
		close(slow.release)
		require.Equal(t, "200 done, close", c.answer(), "and the request is unharmed")
		socket.gone()
		c.gone()
		require.NoError(t, <-done)
		require.NoError(t, <-s.served)
	})
}

// net/http throws away what it reads once it has run them: golang/go#75591.
func TestFunctionsOfRegisterOnShutdownWaitForARequestThatIsHalfRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, socket, slow := beside(t)
		close(slow.release)
		half := s.open()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 4*time.Second)
		defer cancel()
		done := make(chan error, 1)
		go func() { done <- s.Close(ctx) }()
		half.send("GET /slow HTTP/1.1\r\n")
		time.Sleep(3 * time.Second) // more than half
		half.send("Host: test\r\n\r\n")
		require.Equal(t, "200 done, close", half.answer())
		require.Equal(t, "200 bye", socket.answer())
		half.gone()
		socket.gone()
		require.NoError(t, <-done)
		require.NoError(t, <-s.served)
	})
}

// As net/http does it at once, whatever else becomes of the stop.
func TestFunctionsOfRegisterOnShutdownRunBeforeTheRestIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ran := make(chan struct{})
		slow := newBlocking()
		srv := &http.Server{Handler: slow}
		srv.RegisterOnShutdown(func() { close(ran) })
		s := newSceneOf(t, srv, shutdown.Config{LingerMax: -1})
		c := s.open()
		c.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n")
		<-slow.entered
		ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
		cancel()
		require.Error(t, s.Shutdown(ctx))
		<-ran
		close(slow.release)
		c.gone()
		require.NoError(t, <-s.served)
	})
}

// net/http looks every half a second.
func TestTheStopEndsWithTheLastAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, func(http.ResponseWriter, *http.Request) { time.Sleep(3210 * time.Millisecond) })
		c := s.open()
		answer := make(chan string, 1)
		go func() { answer <- c.get("/") }()
		synctest.Wait()
		require.NoError(t, s.Close(t.Context()))
		require.Equal(t, "200, close", <-answer)
		c.gone()
		require.NoError(t, <-s.served)
		require.InDelta(t, 3210*time.Millisecond, s.Report().Ended, float64(10*time.Millisecond))
	})
}

// http.Server.Serve returns at the beginning, and a main that returns with it cuts
// everything: launchdarkly/ld-relay#880, Shopify/goose#42.
func TestServeReturnsWhenTheDrainHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := newBlocking()
		s := newScene(t, slow.ServeHTTP)
		c := s.open()
		answer := make(chan string, 1)
		go func() { answer <- c.get("/") }()
		<-slow.entered
		done := s.shutdownInBackground()
		time.Sleep(time.Minute)
		require.Empty(t, s.served)
		close(slow.release)
		require.Equal(t, "200 done, close", <-answer)
		c.gone()
		require.NoError(t, <-done)
		require.NoError(t, <-s.served)
	})
}

// A browser opens connections in advance. That one is not used does not mean that
// it will be.
func TestAConnectionThatNeverSpeaksDoesNotLengthenTheLinger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, hello)
		s.traffic(100*time.Millisecond, 2*time.Second)
		c := s.open()
		time.Sleep(time.Second)
		require.NoError(t, s.Shutdown(context.WithoutCancel(t.Context())))
		c.gone()
		require.NoError(t, <-s.served)
		require.Less(t, s.Report().Ended, 100*time.Millisecond)
	})
}

// The one case in which the next request is lost by design has to be seen.
func TestClosingTheListenerAgainstTheEvidenceIsReported(t *testing.T) {
	for name, tc := range map[string]struct {
		during time.Duration
		still  bool
		level  string
	}{
		"they never ceased":   {during: 4900 * time.Millisecond, still: true, level: "level=WARN"},
		"they ceased in time": {during: time.Second, level: "level=INFO"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var said diary
				s := newSceneOf(t, &http.Server{Handler: http.HandlerFunc(hello)}, shutdown.Config{Logger: said.logger()})
				s.traffic(100*time.Millisecond, 5*time.Second)
				done := s.shutdownInBackground()
				s.traffic(100*time.Millisecond, tc.during)
				require.NoError(t, <-done)
				require.NoError(t, <-s.served)
				require.Equal(t, tc.still, s.Report().StillSent)
				require.Contains(t, said.lines()[1], tc.level)
			})
		})
	}
}
