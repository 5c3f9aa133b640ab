package shutdown_test

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

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

// A browser opens connections in advance; a handshake is no half-read request.
func TestATLSConnectionThatNeverAskedDoesNotHoldTheStop(t *testing.T) {
	s, client := secure(t, http.HandlerFunc(hello))
	c := tls.Client(s.dial().Conn, client)
	require.NoError(t, c.HandshakeContext(t.Context()))

	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	require.NoError(t, s.Shutdown(ctx))
	_, err := c.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF, "closed without TLS's goodbye")
	require.NoError(t, <-s.served)
	require.NoError(t, c.Close())
}

func TestAnIdleTLSConnectionIsKnownAndGivenUpWithAGoodbye(t *testing.T) {
	s, client := secure(t, http.HandlerFunc(hello))
	raw := s.dial()
	c := newClient(t, tls.Client(raw.Conn, client))
	require.Equal(t, "200 hello", c.get("/"))

	require.NoError(t, s.Close(t.Context()))
	_, err := c.r.ReadByte()
	require.ErrorIs(t, err, io.EOF, "closed without TLS's goodbye")
	require.NoError(t, <-s.served)
	require.Equal(t, 1, s.Report().GivenUp)
	require.Less(t, s.Report().Ended, time.Second)
	_ = c.Close()
}

// secure serves TLS with HTTP/1, and returns what a client needs.
func secure(t *testing.T, h http.Handler) (*running, *tls.Config) {
	t.Helper()
	lender := httptest.NewTLSServer(nil)
	t.Cleanup(lender.Close)
	roots := lender.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	s := serve(t, &http.Server{
		Addr:      "127.0.0.1:0",
		Handler:   h,
		TLSConfig: &tls.Config{Certificates: lender.TLS.Certificates},
	}, shutdown.Config{LingerMax: -1})
	return s, &tls.Config{RootCAs: roots, ServerName: "example.com"}
}

// A protocol of the user's own, chosen in the handshake.
func TestAnotherProtocolIsBusyUntilItCloses(t *testing.T) {
	lender := httptest.NewTLSServer(nil) // lends its certificate
	lender.Close()
	entered, release := make(chan struct{}), make(chan struct{})
	s := serve(t, &http.Server{
		Addr:      "127.0.0.1:0",
		TLSConfig: &tls.Config{Certificates: lender.TLS.Certificates, NextProtos: []string{"mine"}},
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){"mine": func(_ *http.Server, c *tls.Conn, _ http.Handler) {
			close(entered)
			<-release
			_, _ = io.WriteString(c, "done")
		}},
	}, noLinger)
	c, err := tls.Dial("tcp", s.Addr().String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"mine"}}) //nolint:gosec // its own certificate
	require.NoError(t, err)
	<-entered
	done := s.shutdownInBackground()
	requireRefused(t, s)
	<-time.After(700 * time.Millisecond) // a connection that never spoke would be given up
	close(release)
	text, err := io.ReadAll(c)
	require.NoError(t, err)
	require.Equal(t, "done", string(text))
	require.NoError(t, c.Close())
	require.NoError(t, <-done)
	require.NoError(t, <-s.served)
}
