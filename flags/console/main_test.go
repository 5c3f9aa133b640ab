package console_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/console"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const definitions = `{"metadata": {"version": "7"}, "flags": {
	"checkout": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off", "targeting":
		{"if": [{"==": [{"var": "country"}, "CH"]}, "on", {"fractional": [["on", 1], ["off", 0]]}]}},
	"id": {"state": "ENABLED", "variants": {"it": "it", "other": "other"}, "defaultVariant": "other", "targeting":
		{"if": [{"==": [{"var": "n"}, 7]}, "it", {"==": [{"var": "vip"}, true]}, "it", {"in": ["x", {"var": "list"}]}, "it", {"==": [{"var": "deep.er"}, "x"]}, "it", null]}},
	"off": {"state": "DISABLED", "variants": {"a": "A"}, "defaultVariant": "a"},
	"theme": {"state": "ENABLED", "variants": {"dark": {"bg": "#000"}}, "defaultVariant": "dark"},
	"limit": {"state": "ENABLED", "variants": {"ten": 10}, "defaultVariant": "ten"}
}}`

// started is a client with something to see: a flag of each kind of trouble.
func started(t *testing.T, source string, more ...flags.Handle) *flags.Client {
	t.Helper()
	handles := append([]flags.Handle{
		flags.Bool("checkout", false, flags.About{Owner: "payments", Expires: "2001-02-03"}),
		flags.String("limit", "none", flags.About{Expires: "2999-01-01"}),
		flags.Bool("missing", false),
	}, more...)
	c := flags.New(flags.Static(source), flags.Config{Logger: slog.New(slog.DiscardHandler)}, handles...)
	require.NoError(t, c.Start(t.Context()))
	return c
}

// served is the address of a console below /ops/flags, on a server with this listener
// or, if that is nil, on loopback.
func served(t *testing.T, client *flags.Client, cfg console.Config, at func(*httptest.Server)) *httptest.Server {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	c, err := console.New(client, cfg)
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/ops/flags/", http.StripPrefix("/ops/flags", c))
	server := httptest.NewUnstartedServer(mux)
	if at != nil {
		at(server)
	}
	server.Start()
	t.Cleanup(server.Close)
	return server
}

// call is a request to a console.
type call struct {
	method, path string
	header       map[string]string // Host is one of them
	body         string            // JSON, if it begins so and header says nothing else; otherwise a form
}

// answer is what came back.
type answer struct {
	code   int
	header http.Header
}

func (c call) do(t *testing.T, server *httptest.Server) (answer, string) {
	t.Helper()
	var body io.Reader = http.NoBody
	if c.body != "" {
		body = strings.NewReader(c.body)
	}
	r, err := http.NewRequestWithContext(t.Context(), c.method, server.URL+"/ops/flags/"+c.path, body)
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if strings.HasPrefix(c.body, "{") {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, value := range c.header {
		r.Header.Set(name, value)
	}
	r.Host = c.header["Host"]
	client := *server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := client.Do(r)
	require.NoError(t, err)
	got, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	return answer{response.StatusCode, response.Header}, string(got)
}

// oneLine is JSON without what differs between runs.
func oneLine(body string) string {
	var compact bytes.Buffer
	if json.Compact(&compact, []byte(body)) != nil {
		compact.WriteString(body) // it is none
	}
	s := strings.TrimSpace(compact.String())
	s = regexp.MustCompile(`"age":"[^"]+"`).ReplaceAllString(s, `"age":"AGE"`)
	s = regexp.MustCompile(`"confirmed":"[^"]+"`).ReplaceAllString(s, `"confirmed":"THEN"`)
	return regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(s, "HERE")
}
