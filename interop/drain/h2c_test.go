package drain_test

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/h2c" //nolint:staticcheck // deprecated, and in use

	"github.com/handover-go/handover/shutdown"
)

// h2c.NewHandler hijacks the connection, so that net/http loses sight of it
// (lstoll/grpce#20). http.Server.Protocols has made it superfluous; who still has
// it sees here what becomes of it.
func TestHTTP2ByHijackingIsWaitedForToldAndNamed(t *testing.T) {
	for name, tc := range map[string]struct {
		configured bool // as its documentation wants it, so that RegisterOnShutdown sends GOAWAY
		within     time.Duration
		answers    map[string]string
		err        string
	}{
		"configured, so that its client is told": {
			configured: true,
			within:     20 * time.Second,
			answers:    map[string]string{"/slow": "HTTP/2.0 done", "/stream": "HTTP/2.0 bye"},
		},
		"not configured, so that its client stays": {
			within:  2 * time.Second,
			answers: map[string]string{"/slow": "HTTP/2.0 done"},
			err:     "cut 1 in flight: HTTP/2 behind h2c.NewHandler (hijacked) after",
		},
	} {
		t.Run(name, func(t *testing.T) {
			entered, release := make(chan struct{}, 2), make(chan struct{})
			mux := http.NewServeMux()
			mux.HandleFunc("/slow", func(w http.ResponseWriter, _ *http.Request) {
				entered <- struct{}{}
				<-release
				_, _ = io.WriteString(w, "done")
			})
			mux.HandleFunc("/stream", func(w http.ResponseWriter, r *http.Request) {
				entered <- struct{}{}
				<-shutdown.Draining(r.Context())
				_, _ = io.WriteString(w, "bye")
			})
			h2s := new(http2.Server)                               //nolint:staticcheck // deprecated, and in use
			srv := &http.Server{Handler: h2c.NewHandler(mux, h2s)} //nolint:staticcheck // deprecated, and in use
			if tc.configured {
				require.NoError(t, http2.ConfigureServer(srv, h2s)) //nolint:staticcheck // deprecated, and in use
				srv.TLSConfig = nil                                 // which ConfigureServer has made, without a certificate
			}
			s, served := serve(t, srv)
			client, url := unencrypted(t), "http://"+s.Addr().String()
			answers := map[string]chan string{}
			for path := range tc.answers {
				answer := make(chan string, 1)
				answers[path] = answer
				go func() { answer <- get(client, url+path) }()
				<-entered
			}
			done := stop(t, s, tc.within)
			close(release)
			for path, want := range tc.answers {
				require.Equal(t, want, <-answers[path])
			}
			if err := <-done; tc.err == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, tc.err)
			}
			require.NoError(t, <-served)
		})
	}
}
