package heptioprobes_test

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heptiolabs/healthcheck"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/internal/pipenet"
	"github.com/handover-go/handover/probes"
	"github.com/handover-go/handover/probes/heptioprobes"
)

// The names are such as people give, and such as JSON has its own ways with.
var (
	liveness  = []string{"goroutine-threshold", "Main loop"}
	readiness = []string{"database", "DB Check", `<a> & "b"`, "кэш", "db-check", strings.Repeat("long ", 20)}
)

var states = []map[string]error{
	{},
	{"database": errors.New("sql: database is closed")},
	{"database": errors.New("sql: database is closed"), "DB Check": fmt.Errorf("ping: %w", errors.New("refused"))},
	{"DB Check": errors.New(`<html> & "quotes" ` + "\n\x00\xff\u2028")},
	{},
	{"goroutine-threshold": errors.New("too many goroutines (101 > 100)")},
	{"goroutine-threshold": errors.New("too many goroutines (101 > 100)"), "кэш": errors.New("")},
	{"Main loop": healthcheck.ErrNoData, `<a> & "b"`: errors.New("x"), "db-check": errors.New("y")},
	{},
}

func requests() []string {
	var all []string
	for _, path := range []string{"/live", "/ready"} {
		for _, query := range []string{
			"", "?", "?full=1", "?full=true", "?full=01", "?Full=1", "?full", "?full=1&full=0", "?full=0&full=1",
			"?x=y&full=1", "?full=%31", "?full=1;x", "?full=1&x=%zz", "?%66ull=1",
		} {
			all = append(all, "GET "+path+query)
		}
		for _, method := range []string{"HEAD", "POST", "PUT", "OPTIONS", "CONNECT", "get"} {
			all = append(all, method+" "+path, method+" "+path+"?full=1")
		}
	}
	for _, path := range []string{
		"/", "//live", "//ready?full=1", "/live/", "/ready/a", "/./live", "/x/../ready?full=1",
		"/%6cive", "/read%79?full=1", "/livez", "/readyz", "/LIVE", "/live%2f", "*", "http://other/live?full=1",
	} {
		all = append(all, "GET "+path)
	}
	return append(all, "HEAD //live", "POST /", "OPTIONS *", "CONNECT other:1")
}

// serve has a handler answer on a network in memory, and returns a client of it that
// speaks and hears bytes.
func serve(t *testing.T, handler http.Handler) (exchange func(request string) string) {
	listener := pipenet.Listen(1)
	server := &http.Server{Handler: handler, ErrorLog: log.New(io.Discard, "", 0)}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		require.ErrorIs(t, <-ended, http.ErrServerClosed)
	})
	return func(request string) string {
		c, err := listener.Dial(t.Context())
		require.NoError(t, err)
		defer func() { _ = c.Close() }()
		_, err = fmt.Fprintf(c, "%s HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n", request)
		require.NoError(t, err)
		answer, err := io.ReadAll(c)
		require.NoError(t, err)
		return string(answer)
	}
}

// under mounts the endpoints under paths of the program's own.
func under(health healthcheck.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", health)
	mux.HandleFunc("/healthz", health.ReadyEndpoint)
	mux.HandleFunc("/ping/", health.LiveEndpoint)
	return mux
}

func TestTheAnswersAreTheOriginals(t *testing.T) {
	modes := map[string]struct {
		config heptioprobes.Config
		shown  func(error) error // what the original has to be told to say the same
	}{
		"with the text of errors": {
			heptioprobes.Config{ErrorText: true},
			func(err error) error { return err },
		},
		"with their reasons": {
			heptioprobes.Config{},
			func(error) error { return errors.New("error") },
		},
	}
	for name, mode := range modes {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				set := quiet()
				ours, original := heptioprobes.New(set, prompt(mode.config)), healthcheck.NewHandler()
				checks := map[string]*switched{}
				add := func(name string, here, there func(string, healthcheck.Check)) {
					s := &switched{}
					checks[name] = s
					here(name, s.check)
					there(name, func() error {
						if err := s.check(); err != nil {
							return mode.shown(err)
						}
						return nil
					})
				}
				compare := func(handler, with http.Handler) {
					here, there := serve(t, handler), serve(t, with)
					for _, request := range requests() {
						require.Equal(t, there(request), here(request), request)
					}
				}

				require.NoError(t, set.Ready(t.Context()))
				compare(ours, original) // without checks

				for _, name := range liveness {
					add(name, ours.AddLivenessCheck, original.AddLivenessCheck)
				}
				for _, name := range readiness {
					add(name, ours.AddReadinessCheck, original.AddReadinessCheck)
				}
				require.NoError(t, ours.Err())
				stop := background(t, set)
				for _, state := range states {
					for name, s := range checks {
						s.turn(state[name])
					}
					time.Sleep(10 * time.Second)
					compare(ours, original)
					here, there := serve(t, under(ours)), serve(t, under(original))
					for _, request := range []string{"GET /healthz", "GET /healthz?full=1", "HEAD /healthz", "GET /ping/a?full=1", "GET /ready"} {
						require.Equal(t, there(request), here(request), request)
					}
				}
				stop()
			})
		})
	}
}

// The comparison can fail: it compares something.
func TestTheAnswersThatAreCompared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := quiet()
		health := heptioprobes.New(set, prompt(heptioprobes.Config{}))
		health.AddReadinessCheck("DB Check", bad)
		require.NoError(t, set.Ready(t.Context()))
		stop := background(t, set)
		synctest.Wait()
		exchange := serve(t, health)
		date := "Date: " + time.Now().UTC().Format(http.TimeFormat) + "\r\n"
		require.Equal(t, "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json; charset=utf-8\r\n"+date+
			"Content-Length: 28\r\nConnection: close\r\n\r\n{\n    \"DB Check\": \"error\"\n}\n", exchange("GET /ready?full=1"))
		require.Equal(t, "HTTP/1.1 405 Method Not Allowed\r\nContent-Type: text/plain; charset=utf-8\r\n"+
			"X-Content-Type-Options: nosniff\r\n"+date+"Content-Length: 19\r\nConnection: close\r\n\r\n", exchange("HEAD /ready"))
		stop()
	})
}

// Instrumentation reads the pattern that has matched.
func TestThePatternIsTheOriginals(t *testing.T) {
	pattern := func(health healthcheck.Handler) string {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/ready", nil)
		require.NoError(t, err)
		health.ServeHTTP(discard{}, r)
		return r.Pattern
	}
	require.Equal(t, "/ready", pattern(heptioprobes.New(probes.New(probes.Config{}), heptioprobes.Config{})))
	require.Equal(t, "/ready", pattern(healthcheck.NewHandler()))
}

// discard is a ResponseWriter for those who do not look at the answer.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}
