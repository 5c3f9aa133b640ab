package shutdown_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/internal/pipenet"
	"github.com/handover-go/handover/shutdown"
)

func TestEveryWayToAnswerAnnouncesTheEndWhileDraining(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, []byte("from a file"), 0o600))

	for name, tc := range map[string]struct {
		handler http.HandlerFunc
		answer  string
	}{
		"nothing at all": {
			handler: func(http.ResponseWriter, *http.Request) {},
			answer:  "200",
		},
		"only a status": {
			handler: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
			answer:  "204",
		},
		"bytes": {
			handler: func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("bytes")) },
			answer:  "200 bytes",
		},
		"a string": {
			handler: func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "string") },
			answer:  "200 string",
		},
		"a flush first": {
			handler: func(w http.ResponseWriter, _ *http.Request) {
				w.(http.Flusher).Flush()
				_, _ = io.WriteString(w, "streamed")
			},
			answer: "200 streamed",
		},
		"a flush through the ResponseController": {
			handler: func(w http.ResponseWriter, _ *http.Request) {
				_ = http.NewResponseController(w).Flush()
				_, _ = io.WriteString(w, "streamed")
			},
			answer: "200 streamed",
		},
		"a file": {
			handler: func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, file) },
			answer:  "200 from a file",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t, tc.handler)
				c := s.open()
				require.Equal(t, tc.answer, c.get("/"))

				done := s.shutdownInBackground()
				synctest.Wait()
				require.Equal(t, tc.answer+", close", c.get("/"))
				c.gone()
				require.NoError(t, <-done)
				require.NoError(t, <-s.served)
			})
		})
	}
}

func TestInformationalAnswersAnnounceNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusAccepted)
		})
		c := s.open()
		require.Equal(t, "103", c.get("/"))
		require.Equal(t, "202", c.answer())

		done := s.shutdownInBackground()
		synctest.Wait()
		require.Equal(t, "103", c.get("/"))
		require.Equal(t, "202, close", c.answer())
		c.gone()
		require.NoError(t, <-done)
		require.NoError(t, <-s.served)
	})
}

// A header that has gone out cannot be changed; the connection stays until it
// has been silent, or its next answer announces the end.
func TestAnAnswerWhoseHeaderWentOutBeforeTheStopIsFollowedByOneThatAnnounces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flushed, release := make(chan struct{}, 2), make(chan struct{})
		s := newScene(t, func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
			flushed <- struct{}{}
			<-release
		})
		c := s.open()
		answer := make(chan string)
		go func() { answer <- c.get("/") }()
		<-flushed
		done := s.shutdownInBackground()
		synctest.Wait()
		close(release)
		require.Equal(t, "200", <-answer)
		require.Equal(t, "200, close", c.get("/"))
		c.gone()
		require.NoError(t, <-done)
		require.NoError(t, <-s.served)
	})
}

func TestTheHooksOfTheServerGoOnToWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		var states []http.ConnState
		l := pipenet.Listen(1)
		s := &scene{serve(t, &http.Server{
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.WriteString(w, r.Context().Value(key{}).(string))
			}),
			ConnState:   func(_ net.Conn, state http.ConnState) { states = append(states, state) },
			ConnContext: func(ctx context.Context, _ net.Conn) context.Context { return context.WithValue(ctx, key{}, "mine") },
		}, shutdown.Config{Listener: l}), l}
		require.Equal(t, "200 mine", s.visit())
		require.NoError(t, s.Close(t.Context()))
		require.NoError(t, <-s.served)
		synctest.Wait()
		require.Equal(t, []http.ConnState{http.StateNew, http.StateActive, http.StateIdle, http.StateClosed}, states)
	})
}

// connection is one of a server, as net/http knows it.
type connection struct {
	net.Conn
	ctx context.Context
}

// tracked is a server that does nothing, and one of its connections.
func tracked(t testing.TB) (srv *http.Server, connect func() connection) {
	t.Helper()
	accepted := make(chan connection, 1)
	srv = &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	srv.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		accepted <- connection{c, ctx}
		return ctx
	}
	l := pipenet.Listen(1)
	s := shutdown.HTTP(srv, shutdown.Config{Listener: l, LingerMax: -1})
	require.NoError(t, s.Listen(t.Context()))
	served := make(chan error, 1)
	ctx := context.WithoutCancel(t.Context())
	go func() { served <- s.Serve(ctx) }()
	t.Cleanup(func() {
		if err := errors.Join(s.Close(ctx), <-served); err != nil {
			t.Error(err)
		}
	})
	return srv, func() connection {
		peer, err := l.Dial(ctx)
		if err != nil {
			t.Error(err)
			runtime.Goexit()
		}
		t.Cleanup(func() { _ = peer.Close() })
		return <-accepted
	}
}

// requests are all that net/http calls for a request on a connection that is kept.
var requests = map[string]func(c connection, srv *http.Server) (serve func()){
	"HTTP/1": func(c connection, srv *http.Server) func() {
		r, w := httptest.NewRequestWithContext(c.ctx, http.MethodGet, "/", nil), httptest.NewRecorder()
		return func() {
			srv.ConnState(c.Conn, http.StateActive)
			srv.Handler.ServeHTTP(w, r)
			srv.ConnState(c.Conn, http.StateIdle)
		}
	},
	"HTTP/2": func(c connection, srv *http.Server) func() {
		fresh := httptest.NewRequestWithContext(c.ctx, http.MethodGet, "/", nil)
		fresh.ProtoMajor = 2
		r, w := new(http.Request), httptest.NewRecorder()
		return func() {
			*r = *fresh // net/http gives each its own
			srv.Handler.ServeHTTP(w, r)
		}
	},
}

func TestTrackingCostsARequestOneAllocation(t *testing.T) {
	for name, request := range requests {
		t.Run(name, func(t *testing.T) {
			srv, connect := tracked(t)
			require.InDelta(t, 1, testing.AllocsPerRun(1000, request(connect(), srv)), 0)
		})
	}
}

// BenchmarkTracking measures what a request pays. "none" is the same without a
// Server; the difference is the price.
func BenchmarkTracking(b *testing.B) {
	srv, connect := tracked(b)
	none := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	none.ConnState = func(net.Conn, http.ConnState) {}
	for name, srv := range map[string]*http.Server{"none": none, "handover": srv} {
		for proto, request := range requests {
			b.Run(name+"/"+proto, func(b *testing.B) {
				b.ReportAllocs()
				b.RunParallel(func(pb *testing.PB) {
					serve := request(connect(), srv)
					for pb.Next() {
						serve()
					}
				})
			})
		}
	}
}
