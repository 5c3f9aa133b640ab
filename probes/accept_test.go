package probes_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/probes"
)

func TestTheFormsOfAnAnswer(t *testing.T) {
	const (
		asJSON = `{"status":"fail","checks":{` +
			`"cache":{"status":"fail","reason":"closed","done":3,"total":5},` +
			`"db":{"status":"fail","reason":"error","fail_open":true},` +
			`"nfs":{"status":"warn","reason":"slow"},` +
			`"mq":{"status":"pass"}}}`
		asHealth = `{"status":"fail","checks":{` +
			`"cache":[{"status":"fail","output":"closed","observedValue":3,"observedUnit":"of 5"}],` +
			`"db":[{"status":"warn","output":"error","fail_open":true}],` +
			`"nfs":[{"status":"warn","output":"slow"}],` +
			`"mq":[{"status":"pass"}]}}`
		asText = "fail\nfail cache closed 3/5\nfail db error (fails open)\nwarn nfs slow\npass mq"
	)
	tests := map[string]struct {
		accept      []string
		contentType string
		want        string
	}{
		"JSON for whoever does not say":       {nil, "application/json", asJSON},
		"for whoever takes everything":        {[]string{"*/*"}, "application/json", asJSON},
		"for whoever asks for it":             {[]string{"application/json"}, "application/json", asJSON},
		"for a browser":                       {[]string{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}, "application/json", asJSON},
		"for whoever asks for what is not":    {[]string{"image/png"}, "application/json", asJSON},
		"for nonsense":                        {[]string{"", ",;=\x00", strings.Repeat("a", 9000)}, "application/json", asJSON},
		"the draft's for whoever names it":    {[]string{"application/health+json"}, "application/health+json", asHealth},
		"among others, in the second header":  {[]string{"image/png", "text/html, application/health+json;q=0.5"}, "application/health+json", asHealth},
		"plain text for whoever asks for it":  {[]string{"text/plain"}, "text/plain; charset=utf-8", asText},
		"plain text with what else is a text": {[]string{"text/plain; charset=utf-8"}, "text/plain; charset=utf-8", asText},
	}
	synctest.Test(t, func(t *testing.T) {
		set := quiet(probes.Config{})
		gate, err := set.Gate("cache", probes.Readiness)
		require.NoError(t, err)
		gate.Progress(3, 5)
		add(t, set,
			probes.Check{Name: "db", Kind: probes.Readiness, Scope: probes.Shared, Run: inTurn(good, bad)},
			probes.Check{Name: "nfs", Kind: probes.Readiness, Scope: probes.Local, Run: says("slow", true)},
			probes.Check{Name: "mq", Kind: probes.Readiness, Scope: probes.Local, Run: good},
		)
		require.NoError(t, set.Ready(t.Context()))
		stop := running(t, set)
		time.Sleep(30 * time.Second)
		for name, test := range tests {
			recorder := accepting(set, "/readyz", test.accept...)
			body := recorder.Body.String()
			require.Equal(t, 503, recorder.Code, name)
			require.Equal(t, test.want+"\n", body, name)
			require.Equal(t, test.contentType, recorder.Header().Get("Content-Type"), name)
			require.Equal(t, strconv.Itoa(len(body)), recorder.Header().Get("Content-Length"), name)
			require.Equal(t, "no-store", recorder.Header().Get("Cache-Control"), name)
		}
		require.NoError(t, set.Drain(t.Context()))
		require.Contains(t, accepting(set, "/readyz", "application/health+json").Body.String(), `{"status":"fail","output":"draining","checks":`)
		require.Contains(t, accepting(set, "/readyz", "text/plain").Body.String(), "fail draining\nfail cache")
		require.NoError(t, stop())
	})
}

func accepting(set *probes.Set, path string, accept ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header["Accept"] = accept
	recorder := httptest.NewRecorder()
	set.Handler().ServeHTTP(recorder, r)
	return recorder
}

func TestEachFormIsShortAndSaysWhatItLeavesOut(t *testing.T) {
	set := quiet(probes.Config{})
	for i := range 300 {
		add(t, set, probes.Check{Name: fmt.Sprintf("check-%d", i), Kind: probes.Readiness, Scope: probes.Local, Run: good})
	}
	health := accepting(set, "/readyz", "application/health+json").Body.Bytes()
	require.True(t, json.Valid(health), "%s", health)
	require.Contains(t, string(health), `"notes":["omitted: 2`)
	text := accepting(set, "/readyz", "text/plain").Body.String()
	require.Regexp(t, `\n\d+ omitted\n$`, text)
	for _, body := range []string{string(health), text} {
		require.LessOrEqual(t, len(body), 4<<10)
		require.Greater(t, len(body), 4<<10-160, "no more is left out than has to be")
	}
}

// FuzzProbe asks with whatever query, headers and address there may be: an answer is
// whole, short and valid, and does not depend on them.
func FuzzProbe(f *testing.F) {
	f.Add("exclude=db&verbose", "application/health+json", "kube-probe/1.37", "10.0.0.1:80")
	f.Add("full=1", "text/plain", "", "")
	f.Add("%zz;;&=\x00", "*/*, ,;q=", "Envoy/HC\r\n", "[fe80::1%eth0]:1")
	f.Add("", strings.Repeat("text/plain,", 500), strings.Repeat("x", 9000), "@")
	set := quiet(probes.Config{})
	require.NoError(f, set.Add(probes.Check{Name: "db", Kind: probes.Readiness, Scope: probes.Local, Run: bad}))
	f.Fuzz(func(t *testing.T, query, accept, agent, peer string) {
		for _, path := range []string{"/startupz", "/readyz", "/livez", "/healthz"} {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.URL.RawQuery, r.RemoteAddr = query, peer
			r.Header["Accept"], r.Header["User-Agent"] = []string{accept}, []string{agent}
			recorder := httptest.NewRecorder()
			set.Handler().ServeHTTP(recorder, r)
			want := map[bool]int{true: 200, false: 503}[path == "/livez" || path == "/healthz"]
			require.Equal(t, want, recorder.Code)
			body := recorder.Body.Bytes()
			require.Equal(t, strconv.Itoa(len(body)), recorder.Header().Get("Content-Length"))
			require.LessOrEqual(t, len(body), 4<<10)
			if recorder.Header().Get("Content-Type") != "text/plain; charset=utf-8" {
				require.True(t, json.Valid(body), "%s", body)
			}
			detailed := httptest.NewRecorder()
			set.AdminHandler().ServeHTTP(detailed, r)
			require.Contains(t, []int{200, 503}, detailed.Code)
			require.True(t, json.Valid(detailed.Body.Bytes()), "%s", detailed.Body)
		}
	})
}
