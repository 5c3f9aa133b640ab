package probes_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/probes"
)

func TestTheHandlerOverHTTP(t *testing.T) {
	set := quiet(probes.Config{})
	add(t, set, probes.Check{Name: "db", Kind: probes.Readiness, Scope: probes.Shared, Run: good})
	require.NoError(t, set.Ready(t.Context()))
	const (
		alive   = `{"status":"pass","checks":{}}` + "\n"
		unready = `{"status":"fail","checks":{"db":{"status":"fail","reason":"pending"}}}` + "\n"
	)
	tests := map[string]struct {
		method, path string
		code         int
		body         string // of a GET; any for 404
	}{
		"liveness":                        {"GET", "/livez", 200, alive},
		"its alias":                       {"GET", "/healthz", 200, alive},
		"startup":                         {"GET", "/startupz", 200, alive},
		"readiness":                       {"GET", "/readyz", 503, unready},
		"a header only":                   {"HEAD", "/readyz", 503, unready},
		"a header only, of a success":     {"HEAD", "/livez", 200, alive},
		"a query decides nothing":         {"GET", "/readyz?exclude=db&verbose", 503, unready},
		"an encoded path is the path":     {"GET", "/%6civez", 200, alive},
		"no redirect for a doubled slash": {"GET", "//livez", 404, ""},
		"none for one at the end":         {"GET", "/livez/", 404, ""},
		"none for dots":                   {"GET", "/a/../livez", 404, ""},
		"no path for a single check":      {"GET", "/readyz/db", 404, ""},
		"paths have a case":               {"GET", "/LIVEZ", 404, ""},
		"the root":                        {"GET", "/", 404, ""},
		"an unknown path has no methods":  {"POST", "/", 404, ""},
		"a probe is not written":          {"POST", "/livez", 405, ""},
		"nor deleted":                     {"DELETE", "/readyz", 405, ""},
		"nor asked for options":           {"OPTIONS", "/healthz", 405, ""},
		"a method of somebody's own":      {"get", "/startupz", 405, ""},
	}
	server := httptest.NewServer(set.Handler())
	defer server.Close()
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			response := ask(t, server.Listener.Addr(), test.method+" "+test.path)
			body, err := io.ReadAll(response.Body)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			require.Equal(t, test.code, response.StatusCode)
			require.Equal(t, "nosniff", response.Header.Get("X-Content-Type-Options"))
			if test.code >= 400 && test.code < 500 {
				require.Equal(t, map[bool]string{true: "GET, HEAD"}[test.code == 405], response.Header.Get("Allow"))
				return
			}
			require.Equal(t, "application/json", response.Header.Get("Content-Type"))
			require.Equal(t, "no-store", response.Header.Get("Cache-Control"))
			require.Equal(t, strconv.Itoa(len(test.body)), response.Header.Get("Content-Length"))
			require.Empty(t, response.TransferEncoding)
			if test.method == "HEAD" {
				test.body = ""
			}
			require.Equal(t, test.body, string(body))
		})
	}
}

// ask sends a request line as it is, without what a client makes of a path.
func ask(t *testing.T, addr net.Addr, line string) *http.Response {
	t.Helper()
	conn, err := net.Dial(addr.Network(), addr.String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	_, err = fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: pod\r\nUser-Agent: kube-probe/1.37\r\nAccept: */*\r\nConnection: close\r\n\r\n", line)
	require.NoError(t, err)
	method, _, _ := strings.Cut(line, " ")
	response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	require.NoError(t, err)
	return response
}

// kubelet asks as a kubelet does: one connection a probe, no proxy and no
// compression, 200 to 399 is a success, a redirect to
// another host too, and a body that stalls is no result at all.
func kubelet(ctx context.Context, addr net.Addr, path string) (success bool, err error) {
	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true, Proxy: nil}
	client := http.Client{Transport: transport}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr.String()+path, nil)
	if err != nil {
		return false, err
	}
	request.Header = http.Header{"User-Agent": {"kube-probe/1.37"}, "Accept": {"*/*"}}
	response, err := client.Do(request)
	if err != nil {
		return false, err
	}
	defer func() { _ = response.Body.Close() }()
	const most = 10 << 10
	body, err := io.ReadAll(io.LimitReader(response.Body, most))
	if err != nil {
		return false, err
	}
	if len(body) == most {
		return false, errors.New("the body was not read to its end")
	}
	return response.StatusCode >= 200 && response.StatusCode < 400, nil
}

// The life of an instance over a real server, as a kubelet sees it, while other
// probers hang up in the middle of their requests.
func TestALifeUnderAKubelet(t *testing.T) {
	set := quiet(probes.Config{Delay: -1})
	judged := make(chan error) // what the check says next
	add(t, set, probes.Check{
		Name: "db", Kind: probes.Readiness, Scope: probes.Local, Interval: time.Millisecond, Timeout: time.Minute, FailAfter: 1, PassAfter: 1,
		Run: func(ctx context.Context) error {
			select {
			case err := <-judged:
				return err
			case <-ctx.Done():
				return ctx.Err()
			}
		},
	})
	server := httptest.NewServer(set.Handler())
	defer server.Close()
	stop := running(t, set)
	addr := server.Listener.Addr()

	stopRude := rude(t, addr)
	defer stopRude()
	var diary []string
	note := func(event string) {
		line := event + ":"
		for _, path := range []string{"/startupz", "/livez", "/readyz"} {
			success, err := kubelet(t.Context(), addr, path)
			require.NoError(t, err)
			if success {
				line += " " + path
			}
		}
		diary = append(diary, line)
	}
	// A verdict is published before the next run begins: two of a kind are one for certain.
	verdict := func(err error) { judged <- err; judged <- err }

	note("starting")
	require.NoError(t, set.Ready(t.Context()))
	note("sealed")
	verdict(nil)
	note("passes")
	verdict(errors.New(secret))
	note("fails")
	verdict(nil)
	note("passes again")
	require.NoError(t, set.Drain(t.Context()))
	note("draining")
	require.NoError(t, stop())
	note("after Run")
	require.Equal(t, []string{
		"starting: /livez",
		"sealed: /startupz /livez",
		"passes: /startupz /livez /readyz",
		"fails: /startupz /livez",
		"passes again: /startupz /livez /readyz",
		"draining: /startupz /livez",
		"after Run: /startupz /livez",
	}, diary)
}

// rude asks and hangs up without reading, again and again, until it is stopped.
func rude(t *testing.T, addr net.Addr) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var probers sync.WaitGroup
	for range 2 {
		probers.Go(func() {
			for ctx.Err() == nil {
				conn, err := net.Dial(addr.Network(), addr.String())
				if err != nil {
					t.Errorf("dial: %v", err)
					return
				}
				_, _ = io.WriteString(conn, "GET /readyz HTTP/1.1\r\nHost: pod\r\n\r\n")
				_ = conn.(*net.TCPConn).SetLinger(0) // a reset, not a polite end
				_ = conn.Close()
			}
		})
	}
	return func() { cancel(); probers.Wait() }
}

func TestNoProberReadsAnErrorsText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := quiet(probes.Config{})
		for i, r := range []run{bad, explode, func(context.Context) error { return trap{} }} {
			for _, kind := range []probes.Kind{probes.Startup, probes.Readiness, probes.Liveness} {
				add(t, set, probes.Check{Name: fmt.Sprintf("%v-%d", kind, i), Kind: kind, Scope: probes.Local, Run: r})
			}
		}
		stop := running(t, set)
		synctest.Wait()
		for _, path := range []string{"/startupz", "/readyz", "/livez", "/healthz", "/", "/readyz?full=1"} {
			require.NotContains(t, get(set, path).Body.String(), "s3cret")
		}
		require.NoError(t, stop())
	})
}

func TestABodyIsShortAndSaysWhatItLeavesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := quiet(probes.Config{})
		for i := range 300 {
			r, scope := inTurn(good), probes.Shared
			switch i % 100 {
			case 98:
				r = inTurn(good, bad) // fails open
			case 99:
				r, scope = bad, probes.Local
			}
			add(t, set, probes.Check{Name: fmt.Sprintf("check-%d", i), Kind: probes.Readiness, Scope: scope, Run: r})
		}
		require.NoError(t, set.Ready(t.Context()))
		stop := running(t, set)
		time.Sleep(20 * time.Second)
		body := get(set, "/readyz").Body.Bytes()
		require.NoError(t, stop())

		require.LessOrEqual(t, len(body), 4<<10)
		require.Greater(t, len(body), 4<<10-120, "no more is left out than has to be")
		require.True(t, strings.HasPrefix(string(body), `{"status":"fail","checks":{`+
			`"check-99":{"status":"fail","reason":"error"},"check-199":{"status":"fail","reason":"error"},"check-299":{"status":"fail","reason":"error"},`+
			`"check-98":{"status":"fail","reason":"error","fail_open":true},"check-198":{"status":"fail","reason":"error","fail_open":true},"check-298":{"status":"fail","reason":"error","fail_open":true},`+
			`"check-0":{"status":"pass"},"check-1":{"status":"pass"},`), "%s", body)
		r := decode(t, body)
		require.Equal(t, 300, len(r.Checks)+r.Omitted)
		require.Positive(t, r.Omitted)
	})
}

// FuzzBody adds checks of any name: what Add takes, a body holds, as JSON.
func FuzzBody(f *testing.F) {
	f.Add("db", 3)
	f.Add(strings.Repeat("x", 50), 200)
	f.Add(`"},{`, 1)
	f.Add("a\n", 1)
	f.Add("\xff", 1)
	f.Add("é", 1)
	f.Fuzz(func(t *testing.T, name string, n int) {
		set := quiet(probes.Config{})
		added := 0
		for i := range max(1, n%500) {
			unique := name
			if i > 0 {
				unique = name + strconv.Itoa(i)
			}
			kind := []probes.Kind{probes.Readiness, probes.Liveness, probes.Startup}[i%3]
			err := set.Add(probes.Check{Name: unique, Kind: kind, Scope: probes.Local, Run: good})
			require.Equal(t, isName(unique), err == nil, "%q: %v", unique, err)
			if err == nil {
				added++
			}
		}
		shown := 0
		for _, path := range []string{"/startupz", "/readyz", "/livez"} {
			recorder := get(set, path)
			require.LessOrEqual(t, recorder.Body.Len(), 4<<10)
			require.Equal(t, strconv.Itoa(recorder.Body.Len()), recorder.Header().Get("Content-Length"))
			r := decode(t, recorder.Body.Bytes())
			shown += len(r.Checks) + r.Omitted
		}
		require.Equal(t, added, shown)
	})
}

func isName(name string) bool {
	return name != "" && len(name) <= 63 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == ""
}

// sink is the least that a server's ResponseWriter does.
type sink struct{ header http.Header }

func (s sink) Header() http.Header         { return s.header }
func (s sink) WriteHeader(int)             {}
func (s sink) Write(p []byte) (int, error) { return len(p), nil }

// green is a set of ten checks that have passed, and will not expire soon.
func green(tb testing.TB) *probes.Set {
	tb.Helper()
	set := quiet(probes.Config{})
	for i := range 10 {
		add(tb, set, probes.Check{
			Name: fmt.Sprintf("check-%d", i), Kind: probes.Readiness, Scope: probes.Shared, MaxAge: time.Hour, Run: good,
		})
	}
	require.NoError(tb, set.Ready(tb.Context()))
	stop := running(tb, set)
	for get(set, "/readyz").Code != http.StatusOK {
		runtime.Gosched()
	}
	require.NoError(tb, stop())
	return set
}

func prober(set *probes.Set) (probe func()) {
	handler, response := set.Handler(), sink{http.Header{}}
	request := httptest.NewRequest(http.MethodGet, "/readyz", nil)
	return func() { handler.ServeHTTP(response, request) }
}

func TestAProbeAllocatesNothing(t *testing.T) {
	require.Zero(t, testing.AllocsPerRun(1000, prober(green(t))))
}

func BenchmarkProbe(b *testing.B) {
	set := green(b)
	b.Run("serial", func(b *testing.B) {
		probe := prober(set)
		b.ReportAllocs()
		for b.Loop() {
			probe()
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for probe := prober(set); pb.Next(); {
				probe()
			}
		})
	})
}
