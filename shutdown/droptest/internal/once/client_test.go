package once_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/shutdown/droptest/internal/once"
	"github.com/handover-go/handover/shutdown/droptest/internal/wire"
)

const answered = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// script is what a server does with the requests of one connection: it reads
// each as a whole and writes what is given; then it closes.
type script []string

// reset as the last answer closes with a reset, silence does not close at all.
const (
	reset   = "reset"
	silence = "silence"
)

type scripted struct {
	net.Listener
	scripts []script // of the first connection, the second, ...

	mu       sync.Mutex
	requests []string
	ended    sync.WaitGroup
}

func serve(t *testing.T, scripts ...script) *scripted {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &scripted{Listener: ln, scripts: scripts}
	s.ended.Go(func() {
		for _, script := range s.scripts {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			s.ended.Go(func() { s.follow(conn, script) })
		}
	})
	return s
}

func (s *scripted) follow(conn net.Conn, lines script) {
	defer func() { _ = conn.Close() }()
	buf := bufio.NewReader(conn)
	for _, answer := range lines {
		req, err := http.ReadRequest(buf)
		if err != nil {
			return
		}
		_ = req.Body.Close()
		s.mu.Lock()
		s.requests = append(s.requests, req.Method+" "+req.URL.Path)
		s.mu.Unlock()
		switch answer {
		case reset:
			_ = conn.(*net.TCPConn).SetLinger(0)
		case silence:
			_, _ = buf.ReadByte()
		default:
			_, _ = conn.Write([]byte(answer))
		}
	}
}

func (s *scripted) end() []string {
	_ = s.Close()
	s.ended.Wait()
	return s.requests
}

// sender is a client with the wires it has dialled.
type sender struct {
	*once.Client
	wires   wire.Set
	dialled []*wire.Wire
}

func connect(address string, delay time.Duration) *sender {
	s := &sender{}
	s.Client = once.New(func(ctx context.Context) (*wire.Wire, error) {
		w, err := s.wires.Dial(ctx, address, delay)
		if err == nil {
			s.dialled = append(s.dialled, w)
		}
		return w, err
	})
	return s
}

// send returns the status of the response, or the kind of the failure.
func (s *sender) send(ctx context.Context, req *http.Request) (status int, kind string) {
	answer, drop := s.Exchange(ctx, req)
	if drop != nil {
		return 0, drop.Kind()
	}
	return answer.Status, ""
}

func get(t *testing.T, path string) *http.Request {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://once"+path, http.NoBody)
	require.NoError(t, err)
	return req
}

func TestKindsOfFailure(t *testing.T) {
	tests := map[string]struct {
		script script // the first request may be answered, the last is looked at
		want   string
	}{
		"closed without an answer":                   {script{""}, "new: eof"},
		"reset without an answer":                    {script{reset}, "new: reset"},
		"a kept connection closed without an answer": {script{answered, ""}, "reused: eof"},
		"a kept connection reset":                    {script{answered, reset}, "reused: reset"},
		"half a head":                                {script{"HTTP/1.1 200 OK\r\nConte"}, "truncated"},
		"half a body":                                {script{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfour"}, "truncated"},
		"chunks without the last one":                {script{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"}, "truncated"},
		"a body as long as the connection":           {script{"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok"}, "unframed"},
		"not HTTP":                                   {script{"220 mail.example ESMTP\r\n\r\n"}, "malformed"},
		"a switch of protocols":                      {script{"HTTP/1.1 101 Switching Protocols\r\n\r\n"}, "malformed"},
		"no answer in time":                          {script{silence}, "time-out"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			server := serve(t, tt.script)
			client := connect(server.Addr().String(), 0)
			defer server.end()
			defer client.wires.Close()
			for range tt.script[1:] {
				status, kind := client.send(t.Context(), get(t, "/first"))
				require.Equal(t, http.StatusOK, status, kind)
			}
			ctx := t.Context()
			if tt.want == "time-out" {
				limited, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
				defer cancel()
				ctx = limited
			}
			_, kind := client.send(ctx, get(t, "/last"))
			require.Equal(t, tt.want, kind)
		})
	}
}

func TestNobodyListens(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, ln.Close())
	client := connect(ln.Addr().String(), 0)
	defer client.wires.Close()
	_, kind := client.send(t.Context(), get(t, "/"))
	require.Equal(t, "new: refused", kind)
}

func TestNoRequestIsEverSentTwice(t *testing.T) {
	methods := map[string]func(*http.Request){
		"GET":                    func(*http.Request) {},
		"POST":                   func(r *http.Request) { r.Method, r.Body, r.ContentLength = "POST", body("x"), 1 },
		"on its own connection":  func(r *http.Request) { r.Close = true },
		"with a key to be safe":  func(r *http.Request) { r.Header.Set("Idempotency-Key", "1") },
		"that net/http replayed": func(r *http.Request) { r.Header.Set("X-Idempotency-Key", "1") },
	}
	for name, change := range methods {
		t.Run(name, func(t *testing.T) {
			// The second connection would answer, if somebody came.
			server := serve(t, script{answered, ""}, script{answered, answered})
			client := connect(server.Addr().String(), time.Millisecond)
			status, _ := client.send(t.Context(), get(t, "/first"))
			require.Equal(t, http.StatusOK, status)
			req := get(t, "/once")
			change(req)
			_, kind := client.send(t.Context(), req)
			client.wires.Close()

			seen := server.end()
			want := []string{"GET /first", req.Method + " /once"}
			require.Equal(t, want, seen)
			if !req.Close {
				require.Equal(t, "reused: eof", kind)
				require.Len(t, client.dialled, 1)
			}
		})
	}
}

// The same server as above, and the client that the load is not made with: this
// is why.
func TestTheTransportOfNetHTTPSendsTwice(t *testing.T) {
	server := serve(t, script{answered, ""}, script{answered})
	transport := &http.Transport{}
	for _, path := range []string{"/first", "/once"} {
		req := get(t, path)
		req.URL.Host = server.Addr().String()
		resp, err := transport.RoundTrip(req)
		require.NoError(t, err)
		_, err = bufio.NewReader(resp.Body).ReadString('k')
		require.NoError(t, err)
		_ = resp.Body.Close()
		require.Equal(t, http.StatusOK, resp.StatusCode)
	}
	transport.CloseIdleConnections()
	require.Equal(t, []string{"GET /first", "GET /once", "GET /once"}, server.end())
}

func TestAKeptConnectionWhoseEndHasArrivedIsLeftAlone(t *testing.T) {
	server := serve(t, script{answered}, script{answered})
	client := connect(server.Addr().String(), time.Millisecond)
	for range 2 {
		status, kind := client.send(t.Context(), get(t, "/"))
		require.Equal(t, http.StatusOK, status, kind)
		_, err := client.dialled[len(client.dialled)-1].Read(nil) // waits for the end
		require.ErrorIs(t, err, io.EOF)
	}
	client.wires.Close()
	require.Len(t, client.dialled, 2)
	require.Equal(t, []string{"GET /", "GET /"}, server.end())
}

func TestAConnectionIsKeptUnlessOneSideSaysClose(t *testing.T) {
	const closing = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
	const hinted = "HTTP/1.1 103 Early Hints\r\n\r\n" + answered
	server := serve(t, script{answered, hinted, closing}, script{answered}, script{answered})
	client := connect(server.Addr().String(), 0)
	for i, dials := range []int{1, 1, 1, 2, 3} {
		req := get(t, "/")
		req.Close = i == 3
		status, kind := client.send(t.Context(), req)
		require.Equal(t, http.StatusOK, status, kind)
		require.Len(t, client.dialled, dials)
	}
	client.wires.Close()
	require.Len(t, server.end(), 5)
}

func body(s string) *readCloser { return &readCloser{strings.NewReader(s)} }

type readCloser struct{ *strings.Reader }

func (*readCloser) Close() error { return nil }
