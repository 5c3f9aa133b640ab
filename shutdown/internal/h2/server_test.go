package h2_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/shutdown/internal/h2"
)

// server is net/http's, with followed connections.
type server struct {
	*httptest.Server
	conns   chan *h2.Conn
	changed chan struct{} // something has
}

func serve(t testing.TB, encrypted bool, h http.HandlerFunc, prepare ...func(*http.Server)) *server {
	t.Helper()
	s := &server{httptest.NewUnstartedServer(h), make(chan *h2.Conn, 1000), make(chan struct{}, 1)}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	for _, p := range prepare {
		p(s.Config)
	}
	hooked := make(chan bool, 1)
	s.Config.BaseContext = func(net.Listener) context.Context {
		hooked <- h2.Hook(s.Config, s.follow)
		return t.Context()
	}
	start(s.Server, encrypted)
	t.Cleanup(s.Close)
	require.True(t, <-hooked, "this version of Go has no seam: see doc.go")
	return s
}

func start(s *httptest.Server, encrypted bool) {
	if s.EnableHTTP2 = encrypted; encrypted {
		s.StartTLS()
		return
	}
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
}

func (s *server) follow(c *h2.Conn) {
	c.OnChange(func() {
		select {
		case s.changed <- struct{}{}:
		default:
		}
	})
	s.conns <- c
}

// leave sends the client of c away in both steps.
func (s *server) leave(t testing.TB, c *h2.Conn) {
	t.Helper()
	c.Announce()
	for late := time.After(30 * time.Second); !c.Finish(); {
		select {
		case <-s.changed:
		case <-late:
			t.Fatalf("%d streams are left, told: %t", c.Streams(), c.Told())
		}
	}
}

// client sends nothing twice that has a body without GetBody.
func client(t testing.TB, url string, wrap func(net.Conn) net.Conn) *http.Client {
	t.Helper()
	transport := &http.Transport{Protocols: new(http.Protocols), TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err != nil || wrap == nil {
			return c, err
		}
		return wrap(c), nil
	}
	transport.Protocols.SetHTTP2(strings.HasPrefix(url, "https"))
	transport.Protocols.SetUnencryptedHTTP2(!strings.HasPrefix(url, "https"))
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// both runs a test with TLS and without.
func both(t *testing.T, test func(t *testing.T, encrypted bool)) {
	t.Helper()
	for name, encrypted := range map[string]bool{"TLS": true, "unencrypted": false} {
		t.Run(name, func(t *testing.T) { test(t, encrypted) })
	}
}

func echo(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }

// post sends a body that can be read only once.
func post(ctx context.Context, client *http.Client, url string) error {
	const text = "a body that is read only once"
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, struct{ io.Reader }{strings.NewReader(text)})
	if err != nil {
		return err
	}
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	got, err := io.ReadAll(resp.Body)
	if err == nil && string(got) != text {
		err = errors.New("cut: " + string(got))
	}
	return err
}

// late learns of everything 5 ms later, so that many requests are on the wire
// when it is told.
type late struct{ net.Conn }

func (l late) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	<-time.After(5 * time.Millisecond)
	return n, err
}

// load posts as fast as it can until it is stopped. Unsent are those that Go's
// client fails without having opened a stream: it closes a body before it goes to
// another connection with it, when a GOAWAY comes between the choice of the
// connection and the first frame (golang/go#62450). Lost are all others that fail.
type load struct{ sent, unsent, lost atomic.Int64 }

func (l *load) post(t testing.TB, client *http.Client, url string) {
	t.Helper()
	var opened atomic.Bool
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		WroteHeaders: func() { opened.Store(true) },
	})
	l.sent.Add(1)
	switch err := post(ctx, client, url); {
	case err == nil:
	case !opened.Load():
		l.unsent.Add(1)
	default:
		l.lost.Add(1)
		t.Log(err)
	}
}

func (l *load) start(t testing.TB, url string) (stop func()) {
	t.Helper()
	slow := client(t, url, func(c net.Conn) net.Conn { return late{c} })
	ctx, cancel := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	for range 20 {
		clients.Go(func() {
			for ctx.Err() == nil {
				l.post(t, slow, url)
			}
		})
	}
	return func() {
		cancel()
		clients.Wait()
	}
}

// net/http's one GOAWAY drops the streams that are on the wire; see
// BenchmarkLost.
func TestNoStreamIsLostWhileConnectionsGoAway(t *testing.T) {
	both(t, func(t *testing.T, encrypted bool) {
		s := serve(t, encrypted, echo)
		var load load
		stop := load.start(t, s.URL)
		for range 10 {
			c := <-s.conns
			require.Eventually(t, func() bool { return c.Streams() > 0 }, 10*time.Second, time.Millisecond)
			s.leave(t, c)
		}
		stop()
		t.Logf("sent %d, unsent %d", load.sent.Load(), load.unsent.Load())
		require.Zero(t, load.lost.Load())
	})
}

func TestWhatIsInTheMiddleFinishes(t *testing.T) {
	both(t, func(t *testing.T, encrypted bool) {
		const size = 8 << 20
		begun, release := make(chan struct{}, 2), make(chan struct{})
		s := serve(t, encrypted, func(w http.ResponseWriter, r *http.Request) {
			if r.ContentLength == 0 {
				return
			}
			begun <- struct{}{} // before it reads: both share one window
			<-release
			if n, _ := io.Copy(w, r.Body); n != size {
				t.Errorf("the server has read %d of %d", n, size)
			}
		})
		answered := make(chan int64, 2)
		client := client(t, s.URL, nil)
		require.Zero(t, download(t, client, s.URL, 0)) // or two would dial
		var once sync.Once
		finish := func() { once.Do(func() { close(release) }) }
		t.Cleanup(finish)
		for range 2 {
			go func() { answered <- download(t, client, s.URL, size) }()
		}
		<-begun
		<-begun
		c := <-s.conns
		c.Announce()
		require.Eventually(t, c.Told, 10*time.Second, time.Millisecond)
		require.False(t, c.Finish(), "streams are open")
		require.Equal(t, 2, c.Streams())
		finish()
		require.EqualValues(t, size, <-answered)
		require.EqualValues(t, size, <-answered)
		s.leave(t, c)
	})
}

// The frames of a long download never end where a write does.
func TestTheClientIsToldInTheMiddleOfADownload(t *testing.T) {
	both(t, func(t *testing.T, encrypted bool) {
		const size = 64 << 20
		begun := make(chan struct{})
		s := serve(t, encrypted, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.CopyN(w, zeros{}, 1<<20)
			close(begun)
			_, _ = io.CopyN(w, zeros{}, size-1<<20)
		})
		answered := make(chan int64, 1)
		go func() { answered <- download(t, client(t, s.URL, nil), s.URL, 0) }()
		<-begun
		c := <-s.conns
		s.leave(t, c)
		require.EqualValues(t, size, <-answered)
	})
}

func download(t *testing.T, client *http.Client, url string, upload int64) int64 {
	var body io.Reader
	if upload > 0 {
		body = io.LimitReader(zeros{}, upload)
	}
	resp, err := client.Post(url, "", body)
	if err != nil {
		t.Error(err)
		return -1
	}
	defer func() { _ = resp.Body.Close() }()
	n, err := io.Copy(io.Discard, resp.Body)
	if err != nil {
		t.Error(err)
	}
	return n
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// net/http keeps it for a second after its GOAWAY.
func TestAnIdleConnectionIsGoneLongBeforeNetHTTPWouldCloseIt(t *testing.T) {
	both(t, func(t *testing.T, encrypted bool) {
		closed := make(chan struct{}, 1)
		s := serve(t, encrypted, echo, func(srv *http.Server) {
			srv.ConnState = func(_ net.Conn, state http.ConnState) {
				if state == http.StateClosed {
					closed <- struct{}{}
				}
			}
		})
		require.NoError(t, post(t.Context(), client(t, s.URL, nil), s.URL))
		began := time.Now()
		s.leave(t, <-s.conns)
		<-closed
		took := time.Since(began)
		require.Less(t, took, 700*time.Millisecond)
		t.Log(took)
	})
}

func TestHandlersAndHooksSeeWhatNetHTTPShowsThem(t *testing.T) {
	both(t, func(t *testing.T, encrypted bool) {
		type key struct{}
		seen := make(chan *http.Request, 1)
		var accepted net.Conn
		var mu sync.Mutex
		states := map[net.Conn][]http.ConnState{}
		s := serve(t, encrypted, func(_ http.ResponseWriter, r *http.Request) { seen <- r }, func(srv *http.Server) {
			srv.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
				accepted = c
				return context.WithValue(ctx, key{}, c.RemoteAddr().String())
			}
			srv.ConnState = func(c net.Conn, state http.ConnState) {
				mu.Lock()
				defer mu.Unlock()
				states[h2.Below(c)] = append(states[h2.Below(c)], state)
			}
		})
		_ = post(t.Context(), client(t, s.URL, nil), s.URL) // the answer is no echo
		r := <-seen
		require.Equal(t, 2, r.ProtoMajor)
		require.Equal(t, encrypted, r.TLS != nil)
		if encrypted {
			require.Equal(t, "h2", r.TLS.NegotiatedProtocol)
			require.True(t, r.TLS.HandshakeComplete)
		}
		require.Equal(t, r.Context().Value(key{}), r.RemoteAddr)
		require.Equal(t, s.Listener.Addr(), r.Context().Value(http.LocalAddrContextKey))
		require.Same(t, s.Config, r.Context().Value(http.ServerContextKey))
		require.Same(t, accepted, (<-s.conns).NetConn())
		mu.Lock()
		defer mu.Unlock()
		require.Len(t, states, 1, "one connection")
		require.Contains(t, states[accepted], http.StateIdle)
	})
}

func TestAServerWithoutHTTP2IsLeftAlone(t *testing.T) {
	nothing := func(*http.Server, *tls.Conn, http.Handler) {}
	for name, protocols := range map[string][]string{
		"HTTP/2 is switched off":                {},
		"an HTTP/2 that has not the other seam": {"h2"},
		"the other one only":                    {"unencrypted_http2"},
	} {
		t.Run(name, func(t *testing.T) {
			srv := &http.Server{TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}}
			for _, p := range protocols {
				srv.TLSNextProto[p] = nothing
			}
			require.False(t, h2.Hook(srv, nil))
			require.Len(t, srv.TLSNextProto, len(protocols))
			require.Nil(t, srv.ConnState)
		})
	}
}

func TestAHandoverOfAnotherShapeIsPassedOn(t *testing.T) {
	var got *tls.Conn
	srv := &http.Server{TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){
		"h2":                func(*http.Server, *tls.Conn, http.Handler) {},
		"unencrypted_http2": func(_ *http.Server, c *tls.Conn, _ http.Handler) { got = c },
	}}
	require.True(t, h2.Hook(srv, func(*h2.Conn) { t.Error("followed") }))
	c := tls.Client(nil, nil)
	srv.TLSNextProto["unencrypted_http2"](srv, c, nil)
	require.Same(t, c, got)
}

func TestAClientThatDoesNotSpeakHTTP2IsSentAway(t *testing.T) {
	s := serve(t, true, echo)
	c, err := tls.Dial("tcp", s.Listener.Addr().String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	_, err = io.WriteString(c, "GET / HTTP/1.1\r\nHost: test\r\n\r\n")
	require.NoError(t, err)
	_, err = c.Read(make([]byte, 1))
	require.Error(t, err)
	require.Empty(t, s.conns)
}
