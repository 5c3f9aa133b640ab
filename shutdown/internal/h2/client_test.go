package h2_test

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/internal/pipenet"
	"github.com/handover-go/handover/shutdown/internal/h2"
)

// asks is GET / in HPACK: three entries of the static table and a literal host.
func asks(stream uint32) frame {
	return frame{headers, endStream | endHeaders, stream, append([]byte{0x82, 0x86, 0x84, 0x41, 1}, 'x')}
}

// byHand is a client that does what the test says, and nothing else.
type byHand struct {
	net.Conn
	t *testing.T
}

func (c byHand) send(b []byte) {
	c.t.Helper()
	_, err := c.Write(b)
	require.NoError(c.t, err)
}

func (c byHand) hello() {
	c.t.Helper()
	c.send(append([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), join(frame{kind: settings})...))
}

// next is the next frame that is no matter of flow control and settings.
func (c byHand) next() frame {
	c.t.Helper()
	for {
		header := make([]byte, 9)
		_, err := io.ReadFull(c, header)
		require.NoError(c.t, err)
		payload := make([]byte, int(header[0])<<16|int(header[1])<<8|int(header[2]))
		_, err = io.ReadFull(c, payload)
		require.NoError(c.t, err)
		all, _ := frames(append(header, payload...))
		if f := all[0]; f.kind != settings && f.kind != 8 {
			return f
		}
	}
}

func dial(t *testing.T, s *server, encrypted bool) byHand {
	t.Helper()
	var c net.Conn
	var err error
	if encrypted {
		c, err = tls.Dial("tcp", s.Listener.Addr().String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	} else {
		c, err = net.Dial("tcp", s.Listener.Addr().String())
	}
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return byHand{c, t}
}

// net/http refuses what RFC 9113, 9.2.2 prohibits, if it is told of the TLS below.
func TestAWeakCipherIsRefusedAsBefore(t *testing.T) {
	s := &server{httptest.NewUnstartedServer(http.HandlerFunc(echo)), make(chan *h2.Conn, 1), make(chan struct{}, 1)}
	s.Config.BaseContext = func(net.Listener) context.Context {
		h2.Hook(s.Config, s.follow)
		return t.Context()
	}
	const weak = tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA
	s.TLS = &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{weak, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}}
	start(s.Server, true)
	defer s.Close()
	conn, err := tls.Dial("tcp", s.Listener.Addr().String(), &tls.Config{
		InsecureSkipVerify: true, NextProtos: []string{"h2"}, CipherSuites: []uint16{weak}, MaxVersion: tls.VersionTLS12,
	})
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	c := byHand{conn, t}
	c.hello()
	refused := c.next()
	require.EqualValues(t, goAway, refused.kind)
	require.EqualValues(t, 0xc, refused.payload[7], "INADEQUATE_SECURITY")
}

func TestTLSHasTimeForThePrefaceAndAllTimeAfterIt(t *testing.T) {
	certified := httptest.NewTLSServer(nil)
	certificates := certified.TLS.Certificates
	certified.Close()
	synctest.Test(t, func(t *testing.T) {
		l := pipenet.Listen(1)
		srv := &http.Server{Handler: http.HandlerFunc(echo), ErrorLog: log.New(io.Discard, "", 0)}
		srv.TLSConfig = &tls.Config{Certificates: certificates}
		srv.BaseContext = func(net.Listener) context.Context {
			h2.Hook(srv, func(*h2.Conn) {})
			return t.Context()
		}
		served := make(chan error, 1)
		go func() { served <- srv.ServeTLS(l, "", "") }()
		connect := func() *tls.Conn {
			pipe, err := l.Dial(t.Context())
			require.NoError(t, err)
			c := tls.Client(pipe, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
			require.NoError(t, c.HandshakeContext(t.Context()))
			return c
		}
		silent := connect()
		began := time.Now()
		_, err := silent.Read(make([]byte, 1))
		require.Error(t, err)
		require.Equal(t, 10*time.Second, time.Since(began))
		require.NoError(t, silent.NetConn().Close())

		transport := &http.Transport{Protocols: new(http.Protocols)}
		transport.Protocols.SetHTTP2(true)
		dialled := 0
		transport.DialTLSContext = func(context.Context, string, string) (net.Conn, error) {
			dialled++
			return connect(), nil
		}
		client := &http.Client{Transport: transport}
		require.NoError(t, post(t.Context(), client, "https://test"))
		time.Sleep(time.Minute)
		require.NoError(t, post(t.Context(), client, "https://test"))
		require.Equal(t, 1, dialled)
		transport.CloseIdleConnections()
		require.NoError(t, srv.Close())
		require.ErrorIs(t, <-served, http.ErrServerClosed)
	})
}

func TestTheOrderOfAGoodbye(t *testing.T) {
	both(t, func(t *testing.T, encrypted bool) {
		s := serve(t, encrypted, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
		c := dial(t, s, encrypted)
		c.hello()
		c.send(asks(1).bytes())
		require.EqualValues(t, 1, c.next().stream)
		conn := <-s.conns
		conn.Announce()
		require.Equal(t, goodbye(highest), c.next())
		require.Equal(t, ours(), c.next())
		c.send(asks(3).bytes()) // it was opened before that was read
		answered := c.next()
		require.Equal(t, []any{byte(headers), uint32(3)}, []any{answered.kind, answered.stream})
		c.send(answer().bytes())
		s.leave(t, conn)
		require.Equal(t, goodbye(3), c.next())
		n, err := c.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
		require.Zero(t, n)
	})
}

// A pipe has no buffer, so that the very first write of a server waits.
func TestAClientThatNeverReadsHoldsNothingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := pipenet.Listen(1)
		conns := make(chan *h2.Conn, 1)
		srv := &http.Server{Protocols: new(http.Protocols), Handler: http.HandlerFunc(echo)}
		srv.Protocols.SetUnencryptedHTTP2(true)
		srv.BaseContext = func(net.Listener) context.Context {
			h2.Hook(srv, func(c *h2.Conn) { conns <- c })
			return t.Context()
		}
		served := make(chan error, 1)
		go func() { served <- srv.Serve(l) }()
		pipe, err := l.Dial(t.Context())
		require.NoError(t, err)
		c := byHand{pipe, t}
		go c.hello()
		conn := <-conns
		synctest.Wait()
		began := time.Now()
		conn.Announce()
		require.False(t, conn.Told())
		require.Zero(t, time.Since(began))
		time.Sleep(time.Second)
		synctest.Wait()
		require.True(t, conn.Finish())
		require.NoError(t, conn.NetConn().Close()) // as the caller does in the end
		require.NoError(t, srv.Close())
		require.ErrorIs(t, <-served, http.ErrServerClosed)
		synctest.Wait()
		require.NoError(t, pipe.Close())
	})
}
