package h2_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// sink takes everything, and has the same to give for ever.
type sink struct {
	net.Conn
	give []byte
}

func (s sink) Read(p []byte) (int, error)  { return copy(p, s.give), nil }
func (s sink) Write(p []byte) (int, error) { return len(p), nil }

// What following costs: a request and its answer, and 16 KB of a body, over a
// network that costs nothing.
func BenchmarkFollow(b *testing.B) {
	body := frame{data, 0, 1, make([]byte, 16<<10)}.bytes()
	b.Run("request", func(b *testing.B) {
		stream := uint32(1)
		s := &sink{}
		c := around(&testing.T{}, s)
		p := make([]byte, 1<<10)
		question, answer := asks(1).bytes(), request(1).bytes()
		for b.Loop() {
			for i := range 4 {
				question[8-i], answer[8-i] = byte(stream>>(8*i)), byte(stream>>(8*i))
			}
			s.give = question
			_, _ = c.Read(p)
			_, _ = c.Write(answer)
			stream += 2
		}
		require.Zero(b, c.Streams())
	})
	b.Run("body", func(b *testing.B) {
		c := around(&testing.T{}, sink{})
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			_, _ = c.Write(body)
		}
	})
}

// The same requests with and without following, through net/http on both sides.
func BenchmarkServe(b *testing.B) {
	for _, encrypted := range []bool{false, true} {
		protocol := map[bool]string{false: "unencrypted", true: "TLS"}[encrypted]
		get := func(b *testing.B, url string) {
			client := client(b, url, nil)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					resp, err := client.Get(url)
					if err != nil {
						b.Error(err)
						return
					}
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
			})
		}
		b.Run(protocol+"/bare", func(b *testing.B) {
			s := httptest.NewUnstartedServer(http.HandlerFunc(echo))
			start(s, encrypted)
			defer s.Close()
			get(b, s.URL)
		})
		b.Run(protocol+"/followed", func(b *testing.B) { get(b, serve(b, encrypted, echo).URL) })
	}
}

// A client that posts as fast as it can is sent away once per operation, by
// net/http's one GOAWAY (which an answer with Connection: close makes it send) and
// by two.
func BenchmarkLost(b *testing.B) {
	b.Run("one GOAWAY", func(b *testing.B) {
		var away atomic.Bool
		s := serve(b, false, func(w http.ResponseWriter, r *http.Request) {
			if away.CompareAndSwap(true, false) {
				w.Header().Set("Connection", "close")
			}
			echo(w, r)
		})
		lost(b, s, func() {
			<-s.conns
			away.Store(true)
		})
	})
	b.Run("two GOAWAYs", func(b *testing.B) {
		s := serve(b, false, echo)
		lost(b, s, func() { s.leave(b, <-s.conns) })
	})
}

func lost(b *testing.B, s *server, leave func()) {
	var load load
	stop := load.start(b, s.URL)
	for b.Loop() {
		leave()
		<-time.After(50 * time.Millisecond)
	}
	stop()
	b.ReportMetric(float64(load.lost.Load())/float64(b.N), "lost/op")
	b.ReportMetric(float64(load.unsent.Load())/float64(b.N), "unsent/op")
	b.ReportMetric(float64(load.sent.Load())/float64(b.N), "sent/op")
}
