package probes_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/probes"
)

func admin(set *probes.Set, method, target string) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	set.AdminHandler().ServeHTTP(recorder, httptest.NewRequest(method, target, nil))
	return recorder
}

// troubled is a set that has been run for a while: what an admin comes for.
func troubled(t *testing.T) *probes.Set {
	t.Helper()
	set := quiet(probes.Config{})
	gate, err := set.Gate("cache", probes.Readiness)
	require.NoError(t, err)
	gate.Progress(3, 5)
	add(t, set,
		probes.Check{Name: "db", Kind: probes.Readiness, Scope: probes.Shared, Run: inTurn(good, bad)},
		probes.Check{Name: "orders", Kind: probes.Readiness, Scope: probes.Shared, DependsOn: []string{"db"}, Run: inTurn(good, bad)},
		probes.Check{Name: "nfs", Kind: probes.Readiness, Scope: probes.Local, Impact: probes.Degrading, Run: deaf(time.Hour)},
		probes.Check{Name: "loop", Kind: probes.Liveness, Run: good},
	)
	require.NoError(t, set.Ready(t.Context()))
	stop := running(t, set)
	t.Cleanup(func() {
		_ = stop()
		time.Sleep(2 * time.Hour) // until what hangs has returned
	})
	time.Sleep(30 * time.Second)
	return set
}

func TestWhatAnAdminReads(t *testing.T) {
	tests := map[string]struct {
		method, target string
		code           int
		want           string // of the body, in one line; for a page, a part of it
	}{
		"an endpoint": {"GET", "/livez", 200, `{"status":"pass","checks":{"loop":{"status":"pass","impact":"critical","since":"AGE","age":"AGE","runs":{"pass":N}}}}`},
		"a check": {"GET", "/readyz/db", 200, `{"status":"warn","reason":"error","error":"` + secret + `","scope":"shared","impact":"critical",` +
			`"fail_open":true,"since":"AGE","age":"AGE","runs":{"fail":N,"pass":N}}`},
		"a gate":                     {"GET", "/readyz/cache", 503, `{"status":"fail","reason":"closed","impact":"critical","done":3,"total":5,"since":"AGE","age":"AGE"}`},
		"what is stuck":              {"GET", "/readyz/nfs", 200, `{"status":"warn","reason":"stuck","error":"it has not returned, and is not run again until it has","scope":"local","impact":"degrading","since":"AGE","age":"AGE","took":"AGE","in_flight":"AGE","runs":{"stuck":N,"timeout":N}}`},
		"what is suppressed":         {"GET", "/readyz/orders", 200, `{"status":"warn","reason":"suppressed","error":"` + secret + `","scope":"shared","impact":"critical","fail_open":true,"depends_on":["db"],"since":"AGE","age":"AGE","runs":{"fail":N,"pass":N}}`},
		"a header only":              {"HEAD", "/readyz/cache", 503, ""},
		"a check of another kind":    {"GET", "/livez/db", 404, "404 page not found"},
		"no such check":              {"GET", "/readyz/nobody", 404, "404 page not found"},
		"none without a name":        {"GET", "/readyz/", 404, "404 page not found"},
		"no such endpoint":           {"GET", "/metrics", 404, "404 page not found"},
		"as if they were not there":  {"GET", "/livez?exclude=loop&exclude=nobody", 200, `{"status":"pass","checks":{},"excluded":["loop"],"unknown":["nobody"]}`},
		"the alias":                  {"GET", "/healthz/loop", 200, `{"status":"pass","impact":"critical","since":"AGE","age":"AGE","runs":{"pass":N}}`},
		"it is read":                 {"POST", "/readyz", 405, "a probe is read: use GET or HEAD"},
		"and nothing can be changed": {"DELETE", "/readyz/db", 405, "a probe is read: use GET or HEAD"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				set := troubled(t)
				recorder := admin(set, test.method, test.target)
				body := recorder.Body.String()
				if test.code == 200 || test.code == 503 {
					require.Equal(t, "no-store", recorder.Header().Get("Cache-Control"))
					require.Equal(t, strconv.Itoa(len(body)), recorder.Header().Get("Content-Length"))
				}
				require.Equal(t, test.code, recorder.Code)
				if test.method != "HEAD" { // which net/http, and no recorder, keeps back
					require.Equal(t, test.want, oneLine(body))
				}
			})
		})
	}
}

// oneLine is JSON without what differs between runs.
func oneLine(body string) string {
	var compact strings.Builder
	for line := range strings.Lines(body) {
		compact.WriteString(strings.TrimSpace(line))
	}
	s := regexp.MustCompile(`": `).ReplaceAllString(compact.String(), `":`)
	s = regexp.MustCompile(`"(since|age|took|in_flight)":"[^"]+"`).ReplaceAllString(s, `"$1":"AGE"`)
	return regexp.MustCompile(`"(pass|fail|timeout|stuck)":\d+`).ReplaceAllString(s, `"$1":N`)
}

func TestAnAdminCanLookPastAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := troubled(t)
		require.Equal(t, 503, admin(set, "GET", "/readyz").Code)
		require.Equal(t, 200, admin(set, "GET", "/readyz?exclude=cache").Code)
		require.Equal(t, 503, get(set, "/readyz?exclude=cache").Code, "but not the public")
		require.NoError(t, set.Drain(t.Context()))
		require.Equal(t, 503, admin(set, "GET", "/readyz?exclude=cache").Code, "and nobody past a drain")
	})
}

// Who polls the admin's address is waited for as well; who looks past a failure has
// not been told of it.
func TestAnAdminsRequestsAreCountedUnlessTheyExclude(t *testing.T) {
	set := quiet(probes.Config{})
	require.NoError(t, set.Ready(t.Context()))
	for _, target := range []string{"/readyz", "/readyz?exclude=x", "/", "/livez", "/readyz/x"} {
		admin(set, "GET", target)
	}
	asked := set.Report().Asked
	require.Len(t, asked, 2)
	require.Equal(t, []int64{1, 1}, []int64{asked[0].N, asked[1].N})
}

func TestThePageThatAPersonReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := troubled(t)
		add(t, set, probes.Check{Name: "evil", Kind: probes.Liveness, FailAfter: 1, Run: inTurn(good, func(context.Context) error {
			return errors.New(`<script>alert("x")</script>`)
		})})
		require.Contains(t, admin(set, "GET", "/").Body.String(), "Nobody has asked yet")
		poller{agent: "Envoy/HC"}.ask(set)
		time.Sleep(20 * time.Second)
		recorder := admin(set, "GET", "/")
		body := recorder.Body.String()
		require.Equal(t, 200, recorder.Code)
		require.Equal(t, "text/html; charset=utf-8", recorder.Header().Get("Content-Type"))
		require.Equal(t, "default-src 'none'; style-src 'unsafe-inline'", recorder.Header().Get("Content-Security-Policy"))
		for _, part := range []string{
			"<h2>readiness: <span class=\"fail\">fail</span> </h2>", "closed 3 of 5", "fails open: all instances are affected",
			"&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt;", "critical, shared, depends on db", "envoy</td><td>readiness</td><td>it fails",
		} {
			require.Contains(t, body, part)
		}
		require.NotContains(t, body, "<script")
		require.Empty(t, regexp.MustCompile(`(?i)(src|href|url)\s*[=(]`).FindString(body), "nothing is loaded from anywhere")
		require.Less(t, strings.Index(body, "cache"), strings.Index(body, "nfs"), "what fails comes first")
	})
}

// A check may return an error that is a nil pointer: it fails, and can be looked at.
func TestAnErrorThatIsANilPointer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := quiet(probes.Config{})
		add(t, set, probes.Check{Name: "x", Kind: probes.Liveness, Run: func(context.Context) error {
			var none *probes.ReasonError
			return none
		}})
		stop := running(t, set)
		synctest.Wait()
		require.NoError(t, stop())
		require.Equal(t, "503 fail, x error", look(t, set, "/livez"))
		require.Contains(t, admin(set, "GET", "/livez").Body.String(), `"error": "nil"`)
	})
}

func TestAnAdminsErrorsAreValidJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := quiet(probes.Config{})
		add(t, set, probes.Check{Name: "x", Kind: probes.Liveness, Run: func(context.Context) error { return errors.New("\x00\xff\"}<\n") }})
		stop := running(t, set)
		synctest.Wait()
		require.NoError(t, stop())
		for _, target := range []string{"/livez", "/livez/x"} {
			recorder := admin(set, http.MethodGet, target)
			require.True(t, json.Valid(recorder.Body.Bytes()), "%s", recorder.Body)
		}
	})
}
