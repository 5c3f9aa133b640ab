package shutdown_test

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/shutdown"
)

// answered makes a GET in the background.
func answered(c *http.Client, url string) <-chan string {
	answer := make(chan string, 1)
	go func() {
		resp, err := c.Get(url)
		if err != nil {
			answer <- err.Error()
			return
		}
		defer func() { _ = resp.Body.Close() }()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			answer <- err.Error()
			return
		}
		answer <- resp.Proto + " " + string(body)
	}()
	return answer
}

func TestWhatIsInFlightOverTLSFinishes(t *testing.T) {
	for proto, configure := range map[string]func(*http.Protocols){
		"HTTP/1.1": func(p *http.Protocols) { p.SetHTTP1(true) },
		"HTTP/2.0": func(p *http.Protocols) { p.SetHTTP2(true) },
	} {
		t.Run(proto, func(t *testing.T) {
			lender := httptest.NewTLSServer(nil) // lends its certificate, and a client that trusts it
			defer lender.Close()
			client := lender.Client()
			protocols := new(http.Protocols)
			configure(protocols)
			client.Transport.(*http.Transport).Protocols = protocols

			slow := newBlocking()
			s := serve(t, &http.Server{
				Addr:      "127.0.0.1:0",
				Handler:   slow,
				TLSConfig: &tls.Config{Certificates: lender.TLS.Certificates},
			}, shutdown.Config{LingerMax: -1})
			answer := answered(client, "https://"+s.Addr().String())
			<-slow.entered

			done := s.shutdownInBackground()
			requireRefused(t, s)
			close(slow.release)
			require.Equal(t, proto+" done", <-answer)
			require.NoError(t, <-done)
			require.NoError(t, <-s.served)
			client.CloseIdleConnections()
		})
	}
}
