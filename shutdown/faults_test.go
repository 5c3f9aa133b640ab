package shutdown_test

import (
	"bytes"
	"context"
	"io"
	"log"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/shutdown"
)

// What goes wrong beside a request must neither hold the stop for longer than its
// deadline nor harm the request: it is answered two seconds after the stop began.
func TestTheStopIsBoundedAndTheRestUnharmed(t *testing.T) {
	for name, tc := range map[string]struct {
		fault func(s *scene) (cleanUp func())
		ended time.Duration
		err   string
	}{
		"nothing": {
			fault: func(*scene) func() { return func() {} },
			ended: 2 * time.Second,
		},
		"a client that reads a byte a second": {
			fault: func(s *scene) func() {
				c := s.open()
				c.send("GET /large HTTP/1.1\r\nHost: test\r\n\r\n")
				ctx, cancel := context.WithCancel(context.WithoutCancel(s.t.Context()))
				var reading sync.WaitGroup
				reading.Go(func() {
					for ctx.Err() == nil {
						if _, err := c.Read(make([]byte, 1)); err != nil {
							return
						}
						time.Sleep(time.Second)
					}
				})
				return func() { cancel(); _ = c.Close(); reading.Wait() }
			},
			ended: 10 * time.Second,
			err:   "shutdown: cut 1 in flight: GET /large after 1",
		},
		"a client that sends half a request and no more": {
			fault: func(s *scene) func() {
				c := s.open()
				c.send("POST /large HTTP/1.1\r\nHost: test\r\nContent-Le")
				return func() { _ = c.Close() }
			},
			ended: 5 * time.Second,
		},
		"a client that sends half a body and no more": {
			fault: func(s *scene) func() {
				c := s.open()
				c.send("POST /body HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\nhalf")
				return func() { _ = c.Close() }
			},
			ended: 10 * time.Second,
			err:   "shutdown: cut 1 in flight: POST /body after 1",
		},
		"5,000 connections that never speak": {
			fault: func(s *scene) func() {
				clients := make([]*client, 5000)
				for i := range clients {
					clients[i] = s.open()
				}
				return func() {
					for _, c := range clients {
						c.gone()
					}
				}
			},
			ended: 2 * time.Second,
		},
		"a handler that ignores its context": {
			fault: func(s *scene) func() {
				c := s.open()
				c.send("GET /ignores HTTP/1.1\r\nHost: test\r\n\r\n")
				return func() { c.gone() }
			},
			ended: 10 * time.Second,
			err:   "shutdown: cut 1 in flight: GET /ignores after 1",
		},
		"a handler that panics in the drain": {
			fault: func(s *scene) func() {
				c := s.open()
				c.send("GET /panics HTTP/1.1\r\nHost: test\r\n\r\n")
				return func() { c.gone() }
			},
			ended: 2 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFaulty()
				s := newSceneOf(t, &http.Server{Handler: f.mux(), ErrorLog: log.New(io.Discard, "", 0)}, shutdown.Config{LingerMax: -1})
				cleanUp := tc.fault(s)
				c := s.open()
				answer := make(chan string, 1)
				go func() { answer <- c.get("/slow") }()
				synctest.Wait()
				ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
				defer cancel()
				done := make(chan error, 1)
				go func() { done <- s.Shutdown(ctx) }()
				time.Sleep(2 * time.Second)
				close(f.drained)
				require.Equal(t, "200 slow, close", <-answer)
				c.gone()
				err := <-done
				if tc.err == "" {
					require.NoError(t, err)
				} else {
					require.ErrorContains(t, err, tc.err)
					require.NotEmpty(t, s.Report().Cut[0].Stack)
				}
				require.Equal(t, tc.ended, s.Report().Ended.Round(100*time.Millisecond))
				close(f.over)
				cleanUp()
				require.NoError(t, <-s.served)
			})
		})
	}
}

// faulty has the handlers of the table above.
type faulty struct{ drained, over chan struct{} }

func newFaulty() faulty { return faulty{make(chan struct{}), make(chan struct{})} }

func (f faulty) mux() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /slow", func(w http.ResponseWriter, _ *http.Request) {
		<-f.drained
		_, _ = io.WriteString(w, "slow")
	})
	mux.HandleFunc("GET /large", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(bytes.Repeat([]byte("large"), 1<<20))
	})
	mux.HandleFunc("POST /body", func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	})
	mux.HandleFunc("GET /ignores", func(http.ResponseWriter, *http.Request) { <-f.over })
	mux.HandleFunc("GET /panics", func(http.ResponseWriter, *http.Request) {
		<-f.drained
		panic("in the drain")
	})
	return mux
}
