// Package drain_test stops servers of other modules, by this library.
package drain_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/shutdown"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve serves on a free port, without a linger.
func serve(t *testing.T, srv *http.Server) (s *shutdown.Server, served <-chan error) {
	t.Helper()
	srv.Addr = "127.0.0.1:0"
	s = shutdown.HTTP(srv, shutdown.Config{LingerMax: -1, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, s.Listen(t.Context()))
	ended := make(chan error, 1)
	ctx := context.WithoutCancel(t.Context())
	go func() { ended <- s.Serve(ctx) }()
	return s, ended
}

// stop begins to, and returns when the listener has closed.
func stop(t *testing.T, s *shutdown.Server, within time.Duration) <-chan error {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), within)
	t.Cleanup(cancel)
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(ctx) }()
	require.Eventually(t, func() bool {
		c, err := net.Dial("tcp", s.Addr().String())
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	}, 5*time.Second, time.Millisecond)
	return done
}

// unencrypted is a client of HTTP/2 without TLS.
func unencrypted(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func get(client *http.Client, url string) string {
	resp, err := client.Get(url) //nolint:noctx // ends with the server
	if err != nil {
		return err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	return resp.Proto + " " + string(body)
}
