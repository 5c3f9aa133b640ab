package probestest_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/probes/probestest"
)

const (
	refused   = "HTTP probe failed with statuscode: "
	thrownOut = "readiness probe errored, result thrown away: "
)

// redirect sends to another place.
func redirect(code int, to string) script {
	return func(w http.ResponseWriter, _ *http.Request, _ int, _ time.Duration) {
		w.Header().Set("Location", to)
		w.WriteHeader(code)
	}
}

// hops is a chain of n redirects to a path that answers with 200.
func hops(n int) map[string]script {
	scripts := map[string]script{"/livez": redirect(302, "/1")}
	for i := 1; i < n; i++ {
		scripts["/"+strconv.Itoa(i)] = redirect(307, "/"+strconv.Itoa(i+1))
	}
	return scripts
}

// body writes a status and a part of a body, and then does what it does.
func body(code, length int, then func(*http.Request)) script {
	return func(w http.ResponseWriter, r *http.Request, _ int, _ time.Duration) {
		w.Header().Set("Content-Length", strconv.Itoa(10*length))
		w.WriteHeader(code)
		_, _ = io.WriteString(w, strings.Repeat("x", length))
		_ = http.NewResponseController(w).Flush()
		then(r)
	}
}

func stalls(r *http.Request) { <-r.Context().Done() }

func cuts(*http.Request) { panic(http.ErrAbortHandler) }

// endless writes until somebody hangs up.
func endless(w http.ResponseWriter, _ *http.Request, _ int, _ time.Duration) {
	for {
		if _, err := w.Write(make([]byte, 1<<10)); err != nil {
			return
		}
	}
}

// One answer to a liveness probe: a failure kills, and nothing that is not a
// success goes without a remark.
func TestWhatAnAnswerIsWorth(t *testing.T) {
	one := func(s script) map[string]script { return map[string]script{"/livez": s} }
	with := func(s script, path string, other script) map[string]script {
		return map[string]script{"/livez": s, path: other}
	}
	tests := map[string]struct {
		scripts map[string]script
		warns   bool
		fails   string
	}{
		"200":                      {scripts: one(status(200))},
		"204, without a body":      {scripts: one(status(204))},
		"299, which nobody uses":   {scripts: one(status(299))},
		"300":                      {scripts: one(status(300)), warns: true},
		"304":                      {scripts: one(status(304)), warns: true},
		"399":                      {scripts: one(status(399)), warns: true},
		"400":                      {scripts: one(status(400)), fails: refused + "400"},
		"401":                      {scripts: one(status(401)), fails: refused + "401"},
		"404":                      {scripts: one(status(404)), fails: refused + "404"},
		"429 is no half a failure": {scripts: one(status(429)), fails: refused + "429"},
		"500":                      {scripts: one(status(500)), fails: refused + "500"},
		"503":                      {scripts: one(status(503)), fails: refused + "503"},

		"a redirect that says not where to": {scripts: one(status(302)), warns: true},
		"a redirect to what is well":        {scripts: with(redirect(302, "/well"), "/well", status(200))},
		"a redirect to what is not":         {scripts: with(redirect(302, "/ill"), "/ill", status(503)), fails: refused + "503"},
		"a redirect to the same host":       {scripts: with(redirect(301, "http://10.0.0.1:8080/ill"), "/ill", status(503)), fails: refused + "503"},
		"a redirect to a login elsewhere":   {scripts: one(redirect(302, "https://login.example.com/")), warns: true},
		"a redirect to a port of the host that is closed": {
			scripts: one(redirect(302, "http://10.0.0.1:9090/")),
			fails:   `Get "http://10.0.0.1:9090/": dial tcp 10.0.0.1:9090: connect: connection refused`,
		},
		"a redirect to https where there is none": {
			scripts: one(redirect(308, "https://10.0.0.1:8080/livez")),
			fails:   `Get "https://10.0.0.1:8080/livez": http: server gave HTTP response to HTTPS client`,
		},
		"nine redirects":                  {scripts: hops(9)},
		"ten redirects":                   {scripts: hops(10), fails: `Get "/10": stopped after 10 redirects`},
		"a redirect to itself":            {scripts: one(redirect(302, "/livez")), fails: `Get "/livez": stopped after 10 redirects`},
		"a body that does not end":        {scripts: one(endless)},
		"a body that stalls after 10 KiB": {scripts: one(body(200, 10<<10, stalls))},
		"a failure whose body stalls after 10 KiB": {
			scripts: one(body(503, 10<<10, stalls)), fails: refused + "503",
		},
		"a connection that is cut before the header": {
			scripts: one(func(http.ResponseWriter, *http.Request, int, time.Duration) { panic(http.ErrAbortHandler) }),
			fails:   `Get "http://10.0.0.1:8080/livez": EOF`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pod, _ := live(t, test.scripts, probestest.Config{
					Liveness: probestest.Probe{Path: "/livez", FailureThreshold: 1, InitialDelay: 10 * second},
				}, 15*second, nil)
				want := []string{"0s container started", "0s ready"}
				if test.warns {
					want = append(want, "10s liveness probe warning: Probe terminated redirects")
				}
				if test.fails != "" {
					want = append(want, "10s SIGTERM: liveness probe failed: "+test.fails, "10s exited", "10s container started", "10s ready")
				}
				require.Equal(t, want, pod.Events())
			})
		})
	}
}

// The kubelet has seen a status and no end of the body: it asks three times, and
// then knows nothing. What was, stays, and so it does for ever.
func TestAResultThatIsThrownAwayKeepsTheOldState(t *testing.T) {
	const (
		late = "context deadline exceeded"
		cut  = "unexpected EOF"
	)
	tests := map[string]struct {
		code   int
		length int // of the part of the body that comes
		then   func(*http.Request)
		asked  []string // after the first probe, which has succeeded
		events []string
	}{
		"a body that stalls": {
			200, 10, stalls,
			[]string{"10s /readyz", "11s /readyz", "12s /readyz", "20s /readyz", "21s /readyz", "22s /readyz"},
			[]string{"13s " + thrownOut + late},
		},
		"a body that stalls a byte before the kubelet has had enough": {
			200, 10<<10 - 1, stalls,
			[]string{"10s /readyz", "11s /readyz", "12s /readyz", "20s /readyz", "21s /readyz", "22s /readyz"},
			[]string{"13s " + thrownOut + late},
		},
		"a body that is cut": {
			200, 10, cuts,
			[]string{"10s /readyz", "10s /readyz", "10s /readyz", "20s /readyz", "20s /readyz", "20s /readyz"},
			[]string{"10s " + thrownOut + cut},
		},
		"a failure with a body that stalls is none": {
			503, 10, stalls,
			[]string{"10s /readyz", "11s /readyz", "12s /readyz", "20s /readyz", "21s /readyz", "22s /readyz"},
			[]string{"13s " + thrownOut + late},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				odd := body(test.code, test.length, test.then)
				pod, asked := live(t, map[string]script{
					"/readyz": func(w http.ResponseWriter, r *http.Request, n int, at time.Duration) {
						if n > 1 {
							odd(w, r, n, at)
						}
					},
				}, probestest.Config{Readiness: probestest.Probe{Path: "/readyz", FailureThreshold: 1}}, 29*second, nil)
				require.Equal(t, append([]string{"0s /readyz"}, test.asked...), asked)
				require.Equal(t, append([]string{"0s container started", "0s ready"}, test.events...), pod.Events())
			})
		})
	}
}

// Two failures, a result that is thrown away, a failure: three in a row.
func TestAResultThatIsThrownAwayIsNotCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pod, _ := live(t, map[string]script{
			"/livez": func(w http.ResponseWriter, r *http.Request, n int, at time.Duration) {
				if n >= 3 && n <= 5 { // the three attempts of the third probe
					body(200, 10, cuts)(w, r, n, at)
				}
				w.WriteHeader(503)
			},
		}, probestest.Config{Liveness: probestest.Probe{Path: "/livez"}}, 35*second, nil)
		require.Equal(t, []string{
			"0s container started", "0s ready",
			"20s liveness probe errored, result thrown away: unexpected EOF",
			"30s SIGTERM: liveness probe failed: HTTP probe failed with statuscode: 503", "30s exited", "30s container started", "30s ready",
		}, pod.Events())
	})
}

func TestTimeouts(t *testing.T) {
	tests := map[string]struct {
		takes, timeout time.Duration
		want           []string
	}{
		"a second is too much by default": {second, 0, []string{"0s container started"}},
		"less is not":                     {900 * time.Millisecond, 0, []string{"0s container started", "0.9s ready"}},
		"five seconds of six":             {5 * second, 6 * second, []string{"0s container started", "5s ready"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pod, _ := live(t, map[string]script{"/readyz": takes(test.takes)},
					probestest.Config{Readiness: probestest.Probe{Path: "/readyz", Timeout: test.timeout}}, minute, nil)
				require.Equal(t, test.want, pod.Events())
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		pod, _ := live(t, map[string]script{"/livez": takes(time.Hour)},
			probestest.Config{Liveness: probestest.Probe{Path: "/livez", FailureThreshold: 2}}, 15*second, nil)
		require.Equal(t, `11s SIGTERM: liveness probe failed: Get "http://10.0.0.1:8080/livez": context deadline exceeded`, pod.Events()[2],
			"a time-out is a failure like others")
	})
}

func TestARequestIsTheKubelets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got *http.Request
		live(t, map[string]script{
			"/readyz": func(_ http.ResponseWriter, r *http.Request, _ int, _ time.Duration) { got = r },
		}, probestest.Config{Readiness: probestest.Probe{Path: "/readyz?verbose"}}, second, nil)
		require.Equal(t, "GET /readyz?verbose HTTP/1.1", got.Method+" "+got.RequestURI+" "+got.Proto)
		require.Equal(t, "10.0.0.1:8080", got.Host)
		require.Equal(t, http.Header{
			"User-Agent": {"kube-probe/1.37"}, "Accept": {"*/*"}, "Connection": {"close"},
		}, got.Header, "no Accept-Encoding in particular")
	})
}

func TestARealServerSeesAConnectionAProbe(t *testing.T) {
	var kept, requests atomic.Int64
	enough := make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if requests.Add(1) == 10 {
			close(enough)
		}
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateIdle {
			kept.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	pod := probestest.New(nil, probestest.Config{
		Address:   server.Listener.Addr().String(),
		Readiness: probestest.Probe{Path: "/readyz", Period: time.Millisecond},
	})
	ended := make(chan error)
	go func() { ended <- pod.Run(t.Context()) }()
	<-enough
	require.True(t, pod.Ready())
	pod.Terminate()
	require.NoError(t, <-ended)
	require.Zero(t, kept.Load(), "no connection waits for a second request")
}

func TestARedirectToHTTPSWithACertificateThatNobodyKnows(t *testing.T) {
	secure := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	secure.EnableHTTP2 = true
	secure.StartTLS()
	defer secure.Close()
	plain := httptest.NewServer(http.RedirectHandler(secure.URL, http.StatusFound))
	defer plain.Close()
	pod := probestest.New(nil, probestest.Config{
		Address:   plain.Listener.Addr().String(),
		Readiness: probestest.Probe{Path: "/readyz", Period: time.Millisecond},
	})
	ended := make(chan error)
	go func() { ended <- pod.Run(t.Context()) }()
	for !pod.Ready() {
		<-time.After(time.Millisecond)
	}
	pod.Terminate()
	require.NoError(t, <-ended)
	require.NotContains(t, strings.Join(pod.Events(), "; "), "warning", "it was followed")
}

func TestAnAddressWhereNobodyListens(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	pod := probestest.New(nil, probestest.Config{
		Address:  server.Listener.Addr().String(),
		Liveness: probestest.Probe{Path: "/livez", Period: time.Millisecond},
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- pod.Run(ctx) }()
	for len(pod.Events()) < 4 {
		<-time.After(time.Millisecond)
	}
	cancel()
	require.NoError(t, <-ended)
	require.Contains(t, pod.Events()[2], "SIGTERM: liveness probe failed: Get ")
	require.Contains(t, pod.Events()[2], "refused")
}
