package shutdown_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
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

// What the client sends in its handshake is no half-read request, and what it sends
// after it is one.
func TestTheEndOfAHandshakeIsKnown(t *testing.T) {
	for name, tc := range map[string]struct {
		version uint16
		resumed bool
		change  func(server, client *tls.Config)
		silent  time.Duration // after which one that never asked is given up
	}{
		"TLS 1.2":          {version: tls.VersionTLS12, silent: 500 * time.Millisecond},
		"TLS 1.2, resumed": {version: tls.VersionTLS12, resumed: true, silent: 500 * time.Millisecond},
		"TLS 1.3":          {version: tls.VersionTLS13, silent: 500 * time.Millisecond},
		"TLS 1.3, resumed": {version: tls.VersionTLS13, resumed: true, silent: 500 * time.Millisecond},
		"TLS 1.3 with a certificate of the client, whose last records look the same": {
			version: tls.VersionTLS13,
			change: func(server, client *tls.Config) {
				server.ClientAuth, client.Certificates = tls.RequireAnyClientCert, server.Certificates
			},
			silent: 5 * time.Second,
		},
		"TLS 1.3 in which the server asks for another key first": {
			version: tls.VersionTLS13,
			change: func(server, client *tls.Config) {
				server.CurvePreferences = []tls.CurveID{tls.CurveP384}
				client.CurvePreferences = []tls.CurveID{tls.X25519, tls.CurveP384}
			},
			silent: 5 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			lender := httptest.NewTLSServer(nil) // lends its certificate
			lender.Close()
			synctest.Test(t, func(t *testing.T) {
				server := &tls.Config{Certificates: lender.TLS.Certificates, NextProtos: []string{"http/1.1"}, MaxVersion: tc.version}
				client := &tls.Config{InsecureSkipVerify: true} //nolint:gosec // its own certificate
				if tc.change != nil {
					tc.change(server, client)
				}
				s := newSceneOf(t, &http.Server{Handler: http.HandlerFunc(hello), TLSConfig: server}, shutdown.Config{LingerMax: -1})
				if tc.resumed {
					client.ClientSessionCache = tls.NewLRUClientSessionCache(1)
					before := s.secured(client)
					require.Equal(t, "200 hello", before.get("/"))
					require.NoError(t, before.Close())
				}
				silent, half := s.secured(client), s.secured(client)
				half.send("GET / HTTP/1.1\r\nHost: te")
				synctest.Wait()
				require.Equal(t, tc.resumed, half.Conn.(*tls.Conn).ConnectionState().DidResume)
				began := time.Now()
				ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 20*time.Second)
				defer cancel()
				done := make(chan error, 1)
				go func() { done <- s.Shutdown(ctx) }()
				var silentFor time.Duration
				var gone sync.WaitGroup
				gone.Go(func() { silent.left(); silentFor = time.Since(began) })
				time.Sleep(4 * time.Second)
				half.send("st\r\n\r\n")
				require.Equal(t, "200 hello, close", half.answer())
				half.left()
				gone.Wait()
				require.Equal(t, tc.silent, silentFor.Round(100*time.Millisecond))
				require.NoError(t, <-done)
				require.NoError(t, <-s.served)
			})
		})
	}
}

// secured opens a connection and shakes hands.
func (s *scene) secured(cfg *tls.Config) *client {
	s.t.Helper()
	below := &roomy{Conn: s.open().Conn, came: make(chan []byte, 100)}
	go below.fill()
	c := tls.Client(below, cfg)
	require.NoError(s.t, c.HandshakeContext(s.t.Context()))
	return newClient(s.t, c)
}

// roomy takes what comes before anybody reads it, as a kernel does, and a pipe
// does not.
type roomy struct {
	net.Conn
	came chan []byte
	rest []byte
}

func (r *roomy) fill() {
	defer close(r.came)
	for {
		b := make([]byte, 4096)
		n, err := r.Conn.Read(b)
		if err != nil {
			return
		}
		r.came <- b[:n]
	}
}

func (r *roomy) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		var open bool
		if r.rest, open = <-r.came; !open {
			return 0, io.EOF
		}
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// left waits for the server's goodbye, which leaves nobody to say one to.
func (c *client) left() {
	c.t.Helper()
	_, err := c.r.ReadByte()
	require.ErrorIs(c.t, err, io.EOF)
	_ = c.Close()
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
