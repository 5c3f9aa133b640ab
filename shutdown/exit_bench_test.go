package shutdown_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/shutdown"
)

// BenchmarkExit measures how long after the last answer a stop returns. The
// request takes 300 ms, within which net/http's polling has slowed down.
func BenchmarkExit(b *testing.B) {
	for name, stop := range map[string]func(*testing.B, *http.Server) func(context.Context) error{
		"handover": func(b *testing.B, srv *http.Server) func(context.Context) error {
			s := shutdown.HTTP(srv, shutdown.Config{LingerMax: -1})
			require.NoError(b, s.Listen(b.Context()))
			srv.Addr = s.Addr().String()
			go func() { _ = s.Serve(context.WithoutCancel(b.Context())) }()
			return s.Shutdown
		},
		"net-http": func(b *testing.B, srv *http.Server) func(context.Context) error {
			l, err := net.Listen("tcp", srv.Addr)
			require.NoError(b, err)
			srv.Addr = l.Addr().String()
			go func() { _ = srv.Serve(l) }()
			return srv.Shutdown
		},
	} {
		b.Run(name, func(b *testing.B) {
			var late time.Duration
			for b.Loop() {
				entered := make(chan struct{})
				srv := &http.Server{Addr: "127.0.0.1:0"}
				srv.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					close(entered)
					<-time.After(300 * time.Millisecond)
					_, _ = io.WriteString(w, "done")
				})
				shut := stop(b, srv)
				c, err := net.Dial("tcp", srv.Addr)
				require.NoError(b, err)
				_, err = io.WriteString(c, "GET / HTTP/1.1\r\nHost: test\r\n\r\n")
				require.NoError(b, err)
				<-entered
				ended := make(chan time.Time, 1)
				go func() {
					_, _ = io.ReadAll(c) // until the server has closed the connection
					ended <- time.Now()
				}()
				require.NoError(b, shut(b.Context()))
				returned := time.Now()
				late += returned.Sub(<-ended)
				require.NoError(b, c.Close())
			}
			b.ReportMetric(float64(late.Microseconds())/float64(b.N)/1000, "ms-late/op")
		})
	}
}
