package guard_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags/guard"
)

func answers(status int, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("From", text)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}
}

func TestMiddleware(t *testing.T) {
	echo := func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }
	tests := map[string]struct {
		on      bool
		cfg     guard.Config
		body    string
		path    http.HandlerFunc // of the arm that is chosen
		other   http.HandlerFunc
		gone    bool
		panics  any
		status  int
		text    string
		counted string
	}{
		"the new handler serves": {on: true, path: answers(200, "new"), status: 200, text: "new", counted: "new 0/1, control 0/0"},
		"the old handler serves": {path: answers(404, "old"), status: 404, text: "old", counted: "new 0/0, control 0/1"},
		"nothing is written":     {on: true, path: func(http.ResponseWriter, *http.Request) {}, status: 200, counted: "new 0/1, control 0/0"},
		"500 is a failure":       {on: true, path: answers(500, "new"), status: 500, text: "new", counted: "new 1/1, control 0/0"},
		"503 is one of the old":  {path: answers(503, "old"), status: 503, text: "old", counted: "new 0/0, control 1/1"},
		"503 to who has gone":    {on: true, gone: true, path: answers(503, "new"), status: 503, text: "new", counted: "new 0/1, control 0/0"},
		"hints come first": {on: true, path: func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusBadGateway)
		}, status: 103 /* the recorder keeps the first */, counted: "new 1/1, control 0/0"},
		"a panic is 500, without what the handler has set": {on: true, path: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("From", "new")
			panic("oh")
		}, status: 500, text: "Internal Server Error\n", counted: "new 1/1, control 0/0"},
		"a panic, and the old one steps in": {
			on: true, cfg: guard.Config{Fallback: true}, body: "order", path: func(http.ResponseWriter, *http.Request) { panic("oh") }, other: echo,
			status: 200, text: "order", counted: "new 1/1, control 0/0",
		},
		"a panic after the body was read": {on: true, cfg: guard.Config{Fallback: true}, body: "order", path: func(_ http.ResponseWriter, r *http.Request) {
			_, _ = r.Body.Read(make([]byte, 1))
			panic("oh")
		}, status: 500, text: "Internal Server Error\n", counted: "new 1/1, control 0/0"},
		"a panic in the middle of an answer": {on: true, cfg: guard.Config{Fallback: true}, path: func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "half")
			panic("oh")
		}, panics: http.ErrAbortHandler, status: 200, text: "half", counted: "new 1/1, control 0/0"},
		"a panic after a flush": {on: true, cfg: guard.Config{Fallback: true}, path: func(w http.ResponseWriter, _ *http.Request) {
			_ = http.NewResponseController(w).Flush()
			panic("oh")
		}, panics: http.ErrAbortHandler, status: 200, counted: "new 1/1, control 0/0"},
		"a panic of the old one": {path: func(http.ResponseWriter, *http.Request) { panic("oh") }, panics: "oh", status: 200, counted: "new 0/0, control 1/1"},
		"a handler that gives up": {
			on: true, cfg: guard.Config{Fallback: true}, path: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			panics: http.ErrAbortHandler, status: 200, counted: "new 1/1, control 0/0",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.cfg.Logger = slog.New(slog.DiscardHandler)
			g, ctx, _ := started(t, tt.cfg)
			other := tt.other
			if other == nil {
				other = answers(299, "other")
			}
			h := g.Middleware(tt.path, other)
			if !tt.on {
				h = g.Middleware(other, tt.path)
			}
			if tt.gone {
				canceled, cancel := context.WithCancel(ctx)
				cancel()
				ctx = canceled
			}
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(tt.body)).WithContext(newCheckout.With(ctx, tt.on))
			w := httptest.NewRecorder()
			if tt.panics != nil {
				require.PanicsWithValue(t, tt.panics, func() { h.ServeHTTP(w, r) })
			} else {
				h.ServeHTTP(w, r)
			}
			require.Equal(t, tt.status, w.Code)
			require.Equal(t, tt.text, w.Body.String())
			if tt.status == http.StatusInternalServerError && tt.text != "new" {
				require.Empty(t, w.Header().Get("From"))
			}
			require.Equal(t, tt.counted, seen(t, g.Verdict(), "errors"))
		})
	}
}

// A stream of events lives for hours, and a client may read slowly.
func TestTheTimeOfAnAnswerIsThatToItsFirstByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, ctx, _ := started(t, guard.Config{Slow: time.Second})
		h := g.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/slow" {
				time.Sleep(2 * time.Second)
			}
			w.(http.Flusher).Flush()
			time.Sleep(time.Hour)
			_, _ = io.WriteString(w, "bye")
		}), http.NotFoundHandler())
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, "/", http.NoBody))
		require.Equal(t, "new 0/1, control 0/0", seen(t, g.Verdict(), "slow"))
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, "/slow", http.NoBody))
		require.Equal(t, "new 1/2, control 0/0", seen(t, g.Verdict(), "slow"))
		silent := g.Middleware(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(2 * time.Second) }), http.NotFoundHandler())
		silent.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, "/", http.NoBody))
		require.Equal(t, "new 2/3, control 0/0", seen(t, g.Verdict(), "slow"), "of one that writes nothing, it is the whole")
	})
}

// What a handler asks the writer for by type is there exactly if it is there below.
func TestTheWriterCanDoWhatTheOneBelowCan(t *testing.T) {
	g, ctx, _ := started(t, guard.Config{})
	type bare struct{ http.ResponseWriter }
	type flushes struct {
		http.ResponseWriter
		http.Flusher
	}
	type hijacks struct {
		http.ResponseWriter
		hijacker
	}
	type both struct {
		http.ResponseWriter
		http.Flusher
		hijacker
	}
	w := httptest.NewRecorder()
	for name, below := range map[string]http.ResponseWriter{
		"": bare{w}, "flush": flushes{w, w}, "hijack": hijacks{w, hijacker{}}, "flush hijack": both{w, w, hijacker{}},
	} {
		var can []string
		h := g.Middleware(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if f, ok := w.(http.Flusher); ok {
				f.Flush()
				can = append(can, "flush")
			}
			if h, ok := w.(http.Hijacker); ok {
				_, _, _ = h.Hijack()
				can = append(can, "hijack")
			}
			require.Equal(t, below, w.(interface{ Unwrap() http.ResponseWriter }).Unwrap())
			n, err := w.(io.ReaderFrom).ReadFrom(strings.NewReader("text"))
			require.NoError(t, err)
			require.EqualValues(t, 4, n)
		}), http.NotFoundHandler())
		h.ServeHTTP(below, httptest.NewRequestWithContext(ctx, http.MethodGet, "/", http.NoBody))
		require.Equal(t, name, strings.Join(can, " "))
	}
}

type hijacker struct{}

func (hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, nil }

// Over a connection: a client sees that an answer was cut off, and that one has moved to
// another protocol.
func TestMiddlewareOverTCP(t *testing.T) {
	g, err := guard.New(newCheckout, guard.Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.HandleFunc("/cut", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half")
		w.(http.Flusher).Flush()
		panic("oh")
	})
	mux.HandleFunc("/upgrade", func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n")
		_ = rw.Flush()
		_ = conn.Close()
	})
	guarded := g.Middleware(mux, http.NotFoundHandler())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		guarded.ServeHTTP(w, r.WithContext(newCheckout.With(r.Context(), true)))
	}))
	defer server.Close()
	defer server.Client().CloseIdleConnections()

	response, err := server.Client().Get(server.URL + "/cut")
	require.NoError(t, err)
	_, err = io.ReadAll(response.Body)
	require.Error(t, err)
	require.NoError(t, response.Body.Close())
	response, err = server.Client().Get(server.URL + "/upgrade")
	require.NoError(t, err)
	require.Equal(t, http.StatusSwitchingProtocols, response.StatusCode)
	require.NoError(t, response.Body.Close())
	server.Close()
	require.Equal(t, "new 1/2, control 0/0", seen(t, g.Verdict(), "errors"))
}
