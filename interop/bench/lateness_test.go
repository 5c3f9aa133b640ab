//go:build unix && !race

package bench_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/shutdown"
)

// comeBack is how long a client that was sent away is waited for: part of the
// linger.
const comeBack = 100 * time.Millisecond

// BenchmarkLateness stops a server with nothing in flight right after a request,
// and measures how long after the linger's end Shutdown returns. The linger ends
// when the silence that the report names has passed since that request was sent.
// Its connection is closed by then; or it stays, and then the linger ends when the
// server has given it up and its client has not come back.
func BenchmarkLateness(b *testing.B) {
	for _, stays := range []bool{false, true} {
		name := "gone"
		if stays {
			name = "idle"
		}
		b.Run(name, func(b *testing.B) {
			var sum, worst time.Duration
			for b.Loop() {
				late := lateness(b, stays)
				sum += late
				worst = max(worst, late)
			}
			b.ReportMetric(0, "ns/op") // mostly the linger
			b.ReportMetric(float64(sum.Microseconds())/1000/float64(b.N), "ms-late/op")
			b.ReportMetric(float64(worst.Microseconds())/1000, "ms-worst")
		})
	}
}

func lateness(b *testing.B, stays bool) time.Duration {
	b.Helper()
	s := shutdown.HTTP(&http.Server{
		Addr:    "127.0.0.1:0",
		Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}),
	}, shutdown.Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(b, s.Listen(b.Context()))
	served := make(chan error, 1)
	go func() { served <- s.Serve(context.WithoutCancel(b.Context())) }()

	var c net.Conn
	var asked time.Time
	for range 20 { // of each kind: with fewer there is no evidence, and the linger as long as it may be
		if c != nil {
			require.NoError(b, c.Close())
		}
		var err error
		c, err = net.Dial("tcp", s.Addr().String())
		require.NoError(b, err)
		get(b, c)
		asked = time.Now()
		get(b, c)
	}
	sentAway := make(chan time.Time, 1)
	if stays {
		go func() {
			_, _ = c.Read(make([]byte, 1)) // until the server closes
			sentAway <- time.Now()
		}()
	} else {
		require.NoError(b, c.Close())
	}
	ctx, cancel := context.WithTimeout(b.Context(), 28*time.Second)
	defer cancel()
	require.NoError(b, s.Shutdown(ctx))
	returned, end := time.Now(), asked.Add(s.Report().Silence)
	if stays {
		end = (<-sentAway).Add(comeBack)
		require.NoError(b, c.Close())
	}
	require.NoError(b, <-served)
	return returned.Sub(end)
}

// get is one request on a connection that is kept.
func get(b *testing.B, c net.Conn) {
	b.Helper()
	_, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: bench\r\n\r\n")
	require.NoError(b, err)
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	require.NoError(b, err)
	_, err = io.Copy(io.Discard, answer.Body)
	require.NoError(b, err)
	require.NoError(b, answer.Body.Close())
	require.Equal(b, http.StatusOK, answer.StatusCode)
}
