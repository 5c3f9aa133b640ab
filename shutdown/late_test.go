package shutdown_test

import (
	"context"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/shutdown"
)

// headers makes a request on a new connection and returns what came back besides
// the body.
func (s *scene) headers(path string) (status int, header http.Header, err error) {
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return s.net.Dial(ctx) }, DisableKeepAlives: true}}
	defer client.CloseIdleConnections()
	resp, err := client.Get("http://test" + path) //nolint:noctx // a pipe
	if err != nil {
		return 0, nil, err
	}
	return resp.StatusCode, resp.Header, resp.Body.Close()
}

func TestWhatComesAfterTheLingerIsRefusedWithATimeToComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := newBlocking()
		s := newSceneOf(t, &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/slow" {
				slow.ServeHTTP(w, r)
				return
			}
			hello(w, r)
		})}, shutdown.Config{RetryAfter: 1500 * time.Millisecond})
		s.traffic(100*time.Millisecond, 2*time.Second)
		c := s.open()
		answer := make(chan string, 1)
		go func() { answer <- c.get("/slow") }()
		<-slow.entered
		done := s.shutdownInBackground()
		time.Sleep(100 * time.Millisecond)
		require.Equal(t, "200 hello, close", s.visit(), "while lingering it is served")

		time.Sleep(time.Second)
		status, header, err := s.headers("/")
		require.NoError(t, err)
		require.Equal(t, http.StatusServiceUnavailable, status)
		require.Equal(t, "2", header.Get("Retry-After"), "whole seconds")
		for _, path := range []string{"/readyz", "/metrics"} {
			status, _, err := s.headers(path)
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, status, path)
		}
		close(slow.release)
		require.Equal(t, "200 done, close", <-answer)
		c.gone()
		require.NoError(t, <-done)
		require.NoError(t, <-s.served)
		require.Equal(t, 1, s.Report().Refused)
		_, _, err = s.headers("/")
		require.Error(t, err, "nothing is in flight any more, so the listener has closed")
	})
}

// A request that is read when a long one could not finish any more is not begun.
func TestARequestThatWouldNotFinishIsNotBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, func(_ http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/long" {
				time.Sleep(2 * time.Second)
			}
		})
		require.Equal(t, "200", s.open().get("/long"))
		half := s.open()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 5*time.Second)
		defer cancel()
		done := make(chan error, 1)
		go func() { done <- s.Shutdown(ctx) }()
		half.send("GET /long HTTP/1.1\r\n")
		time.Sleep(3500 * time.Millisecond)
		half.send("Host: test\r\n\r\n")
		require.Equal(t, "503 503 Service Unavailable: this instance is shutting down, close", half.answer())
		half.gone()
		require.NoError(t, <-done)
		require.NoError(t, <-s.served)
	})
}

func TestEnvoyIsToldByEachResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSceneOf(t, &http.Server{Handler: http.HandlerFunc(hello)}, shutdown.Config{Envoy: true})
		const name = "X-Envoy-Immediate-Health-Check-Fail"
		_, header, err := s.headers("/")
		require.NoError(t, err)
		require.Empty(t, header.Get(name))
		s.traffic(100*time.Millisecond, time.Second)
		done := s.shutdownInBackground()
		synctest.Wait()
		_, header, err = s.headers("/")
		require.NoError(t, err)
		require.Equal(t, "true", header.Get(name))
		require.NoError(t, <-done)
		require.NoError(t, <-s.served)
	})
}
