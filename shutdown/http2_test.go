package shutdown_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/internal/pipenet"
	"github.com/handover-go/handover/shutdown"
)

// http2Server serves HTTP/2 on a free port, with TLS or without.
func http2Server(t *testing.T, encrypted bool, h http.Handler, cfg shutdown.Config) *running {
	t.Helper()
	srv := &http.Server{Addr: "127.0.0.1:0", Handler: h}
	if encrypted {
		lender := httptest.NewTLSServer(nil) // lends its certificate
		lender.Close()
		srv.TLSConfig = &tls.Config{Certificates: lender.TLS.Certificates}
	} else {
		srv.Protocols = new(http.Protocols)
		srv.Protocols.SetHTTP1(true)
		srv.Protocols.SetUnencryptedHTTP2(true)
	}
	return serve(t, srv, cfg)
}

// http2Client connects to whatever dial returns, and has no body that could be
// sent again.
func http2Client(t *testing.T, encrypted bool, addr func() string) *http.Client {
	t.Helper()
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // its own certificate
		Protocols:       new(http.Protocols),
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, addr())
		},
	}
	transport.Protocols.SetHTTP2(encrypted)
	transport.Protocols.SetUnencryptedHTTP2(!encrypted)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func scheme(encrypted bool) string {
	if encrypted {
		return "https://test"
	}
	return "http://test"
}

// post sends a body that net/http's client can send again if it knows that the
// first attempt was not processed; or, streamed, one that it cannot.
func post(client *http.Client, url, text string, streamed bool) error {
	var body io.Reader = strings.NewReader(text)
	if streamed {
		body = struct{ io.Reader }{body}
	}
	resp, err := client.Post(url, "text/plain", body) //nolint:noctx // ends with the server
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	got, err := io.ReadAll(resp.Body)
	if err == nil && (resp.StatusCode != http.StatusOK || string(got) != text) {
		err = errors.New(resp.Status + " " + string(got))
	}
	return err
}

func bothHTTP2(t *testing.T, test func(t *testing.T, encrypted bool)) {
	t.Helper()
	for name, encrypted := range map[string]bool{"TLS": true, "unencrypted": false} {
		t.Run(name, func(t *testing.T) { test(t, encrypted) })
	}
}

// ledger says how often each request was executed.
type ledger struct {
	mu    sync.Mutex
	times map[string]int
}

func (l *ledger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	l.mu.Lock()
	l.times[string(text)]++
	l.mu.Unlock()
	_, _ = w.Write(text)
}

func (l *ledger) executed(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.times[text]
}

// net/http sends one GOAWAY and drops what is on the wire; see docs/design/004.
// Here each request is executed, and once. The one exception is the client's own:
// net/http's closes the body of a request that it was about to send when it reads
// the GOAWAY, and cannot send it to anybody else if the body is streamed. Such a
// request has not left the client.
func TestNoStreamIsLostWhenAnHTTP2ServerStops(t *testing.T) {
	for name, streamed := range map[string]bool{"bodies that are kept": false, "streamed bodies": true} {
		t.Run(name, func(t *testing.T) {
			bothHTTP2(t, func(t *testing.T, encrypted bool) {
				book := &ledger{times: make(map[string]int)}
				quick := shutdown.Config{LingerMax: 300 * time.Millisecond}
				var now atomic.Pointer[running]
				now.Store(http2Server(t, encrypted, book, quick))
				client := http2Client(t, encrypted, func() string { return now.Load().Addr().String() })
				ctx, cancel := context.WithCancel(t.Context())
				var sent, unsent atomic.Int64
				var clients sync.WaitGroup
				for range 10 {
					clients.Go(func() {
						for ctx.Err() == nil {
							text := strconv.FormatInt(sent.Add(1), 10)
							err, executed := post(client, scheme(encrypted), text, streamed), 1
							if err != nil && streamed && strings.HasSuffix(err.Error(), "net/http: cannot rewind body after connection loss") {
								unsent.Add(1)
								err, executed = nil, 0
							}
							if err != nil || book.executed(text) != executed {
								t.Errorf("request %s was executed %d times: %v", text, book.executed(text), err)
							}
						}
					})
				}
				for range 3 {
					before := sent.Load()
					require.Eventually(t, func() bool { return sent.Load() > before+100 }, 10*time.Second, time.Millisecond)
					old := now.Swap(http2Server(t, encrypted, book, quick))
					require.NoError(t, old.Shutdown(context.WithoutCancel(ctx)))
					require.NoError(t, <-old.served)
				}
				cancel()
				clients.Wait()
				require.NoError(t, now.Load().Close(t.Context()))
				require.NoError(t, <-now.Load().served)
				t.Logf("%d requests, of which %d never left the client", sent.Load(), unsent.Load())
			})
		})
	}
}

// After its GOAWAY net/http keeps an idle connection for a second.
func TestAnIdleHTTP2ConnectionDoesNotHoldTheStop(t *testing.T) {
	bothHTTP2(t, func(t *testing.T, encrypted bool) {
		s := http2Server(t, encrypted, http.HandlerFunc(hello), shutdown.Config{})
		client := http2Client(t, encrypted, func() string { return s.Addr().String() })
		resp, err := client.Get(scheme(encrypted)) //nolint:noctx // ends with the server
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Eventually(t, func() bool { return s.Connections().Idle == 1 }, time.Second, time.Millisecond)
		require.NoError(t, s.Close(t.Context()))
		require.NoError(t, <-s.served)
		require.Less(t, s.Report().Ended, 700*time.Millisecond)
	})
}

func TestEachStreamIsInFlightAndNamed(t *testing.T) {
	bothHTTP2(t, func(t *testing.T, encrypted bool) {
		slow := newBlocking()
		mux := http.NewServeMux()
		mux.Handle("GET /orders/{id}", slow)
		mux.Handle("GET /carts/{id}", slow)
		s := http2Server(t, encrypted, mux, shutdown.Config{LingerMax: -1})
		client := http2Client(t, encrypted, func() string { return s.Addr().String() })
		var clients sync.WaitGroup
		for _, path := range []string{"/orders/secret", "/carts/secret"} {
			clients.Go(func() {
				resp, err := client.Get(scheme(encrypted) + path) //nolint:noctx // ends with the server
				if err == nil {
					_ = resp.Body.Close()
				}
			})
		}
		<-slow.entered
		<-slow.entered
		open := s.Connections()
		require.Equal(t, 2, open.Requests)
		require.Equal(t, 1, open.Active, "both on one connection")
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		err := s.Shutdown(ctx)
		require.ErrorContains(t, err, "shutdown: cut 2 in flight: ")
		require.ErrorContains(t, err, "GET /orders/{id} after")
		require.ErrorContains(t, err, "GET /carts/{id} after")
		for _, cut := range s.Report().Cut {
			require.Contains(t, cut.Stack, "blocking.ServeHTTP")
		}
		close(slow.release)
		clients.Wait()
		require.NoError(t, <-s.served)
	})
}

func TestAStreamOfHTTP2IsToldAndEndsBetweenTwoEvents(t *testing.T) {
	bothHTTP2(t, func(t *testing.T, encrypted bool) {
		s := http2Server(t, encrypted, http.HandlerFunc(stream), shutdown.Config{})
		client := http2Client(t, encrypted, func() string { return s.Addr().String() })
		resp, err := client.Get(scheme(encrypted)) //nolint:noctx // ends with the server
		require.NoError(t, err)
		require.NoError(t, s.Close(t.Context()))
		text, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, "event;bye", string(text))
		require.NoError(t, <-s.served)
		require.Equal(t, 1, s.Report().Told)
		require.Equal(t, 1, s.Report().Finished)
	})
}

// sceneOfHTTP2 is an HTTP/2 server in virtual time, and a client with one connection
// to it.
func sceneOfHTTP2(t *testing.T, encrypted bool, h http.Handler) (*scene, *http.Client) {
	t.Helper()
	l := pipenet.Listen(1)
	s := &scene{http2Server(t, encrypted, h, shutdown.Config{Listener: l}), l}
	client := http2Client(t, encrypted, nil)
	client.Transport.(*http.Transport).DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) { return l.Dial(ctx) }
	return s, client
}

// Beside a stream that was told there may be a request that cannot be: whoever
// looks at the connection takes both for told, and the cut request for none.
func TestARequestOfHTTP2IsToldOnlyIfItListensItself(t *testing.T) {
	for name, tc := range map[string]struct {
		asked []string
		err   string
		cut   []string
		told  int
	}{
		"one that does not":    {asked: []string{"/pay"}, err: "cut 1 in flight: GET /pay after", cut: []string{"GET /pay"}},
		"after one that did":   {asked: []string{"/listened", "/pay"}, err: "cut 1 in flight: GET /pay after", cut: []string{"GET /pay"}},
		"beside one that ends": {asked: []string{"/events", "/pay"}, err: "cut 1 in flight: GET /pay after", cut: []string{"GET /pay"}, told: 1},
		"beside one that does not": {
			asked: []string{"/stuck", "/pay"}, err: "cut 1 in flight: GET /pay after",
			cut: []string{"GET /pay", "GET /stuck, told"}, told: 1,
		},
		"one that does":  {asked: []string{"/stuck"}, cut: []string{"GET /stuck, told"}, told: 1},
		"two that do":    {asked: []string{"/stuck", "/stuck"}, cut: []string{"GET /stuck, told", "GET /stuck, told"}, told: 2},
		"one that ends":  {asked: []string{"/events"}, told: 1},
		"one that ended": {asked: []string{"/listened"}},
	} {
		t.Run(name, func(t *testing.T) {
			bothHTTP2(t, func(t *testing.T, encrypted bool) {
				synctest.Test(t, func(t *testing.T) {
					slow := newBlocking()
					mux := http.NewServeMux()
					mux.Handle("GET /pay", slow)
					mux.HandleFunc("GET /events", stream)
					mux.HandleFunc("GET /listened", func(_ http.ResponseWriter, r *http.Request) { shutdown.Draining(r.Context()) })
					mux.HandleFunc("GET /stuck", func(w http.ResponseWriter, r *http.Request) {
						<-shutdown.Draining(r.Context())
						slow.ServeHTTP(w, r)
					})
					s, client := sceneOfHTTP2(t, encrypted, mux)
					var clients sync.WaitGroup
					for _, path := range tc.asked {
						clients.Go(func() { <-answered(client, scheme(encrypted)+path) })
						synctest.Wait()
					}
					ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 3*time.Second)
					defer cancel()
					err := s.Close(ctx)
					if tc.err == "" {
						require.NoError(t, err)
					} else {
						require.ErrorContains(t, err, tc.err)
					}
					var cut []string
					for _, c := range s.Report().Cut {
						if c.Told {
							c.What += ", told"
						}
						cut = append(cut, c.What)
					}
					require.ElementsMatch(t, tc.cut, cut)
					require.Equal(t, tc.told, s.Report().Told)
					close(slow.release)
					clients.Wait()
					require.NoError(t, <-s.served)
				})
			})
		})
	}
}

// Behind a proxy one connection has the streams of many clients.
func TestTheStreamsOfOneConnectionAreToldInWaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const streams = 100
		told := make(chan time.Time, streams)
		s, client := sceneOfHTTP2(t, false, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			<-shutdown.Draining(r.Context())
			told <- time.Now()
		}))
		var clients sync.WaitGroup
		for range streams {
			clients.Go(func() { <-answered(client, scheme(false)) })
			synctest.Wait()
		}
		require.Equal(t, 1, s.Connections().Active)
		require.NoError(t, s.Shutdown(context.WithoutCancel(t.Context())))
		clients.Wait()
		require.NoError(t, <-s.served)
		require.Equal(t, streams, s.Report().Told)
		first, last := <-told, time.Time{}
		for range streams - 1 {
			last = <-told
		}
		require.InDelta(t, 450*time.Millisecond, last.Sub(first), float64(50*time.Millisecond), "ten at once, and 200 a second")
	})
}

// net/http removes them from the request that it has made, and from no copy.
func TestTheFilesOfAFormAreRemovedWithItsRequest(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	bothHTTP2(t, func(t *testing.T, encrypted bool) {
		s := http2Server(t, encrypted, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := r.ParseMultipartForm(-1 << 20); err != nil { // nothing in memory
				t.Error(err)
				return
			}
			file, err := r.MultipartForm.File["upload"][0].Open()
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = file.Close() }()
			_, _ = io.WriteString(w, file.(*os.File).Name())
		}), noLinger)
		client := http2Client(t, encrypted, func() string { return s.Addr().String() })
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		part, err := form.CreateFormFile("upload", "name")
		require.NoError(t, err)
		_, err = part.Write(make([]byte, 1<<20))
		require.NoError(t, err)
		require.NoError(t, form.Close())
		resp, err := client.Post(scheme(encrypted), form.FormDataContentType(), &body) //nolint:noctx // ends with the server
		require.NoError(t, err)
		name, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.NotEmpty(t, name)
		require.NoFileExists(t, string(name))
		require.NoError(t, s.Close(t.Context()))
		require.NoError(t, <-s.served)
	})
}

func TestTheHooksOfAnHTTP2ServerSeeTheirOwnConnections(t *testing.T) {
	type key struct{}
	seen := make(chan string, 10)
	lender := httptest.NewTLSServer(nil) // lends its certificate
	lender.Close()
	s := serve(t, &http.Server{
		Addr:      "127.0.0.1:0",
		Handler:   http.HandlerFunc(hello),
		TLSConfig: &tls.Config{Certificates: lender.TLS.Certificates},
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, key{}, c)
		},
		ConnState: func(c net.Conn, state http.ConnState) { seen <- fmt.Sprintf("%T %s", c, state) },
	}, shutdown.Config{})
	client := http2Client(t, true, func() string { return s.Addr().String() })
	resp, err := client.Get("https://test") //nolint:noctx // ends with the server
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.NoError(t, s.Close(t.Context()))
	require.NoError(t, <-s.served)
	for _, state := range []string{"new", "active", "idle"} {
		require.Equal(t, "*tls.Conn "+state, <-seen)
	}
}
