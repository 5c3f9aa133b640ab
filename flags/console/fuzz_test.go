package console_test

import (
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/console"
)

// Whatever somebody sends, the answer is JSON that is valid or a page without markup of
// theirs, with a status that says whose fault it is, and nothing is killed.
func FuzzARequest(f *testing.F) {
	f.Add("kill", "flag=checkout&why=x&access_token=y", "application/x-www-form-urlencoded", "text/html")
	f.Add("unkill", `{"flag": "checkout", "access_token": "y"}`, "application/json", "*/*")
	f.Add("explain", `{"flag": "id", "subject": "x", "attributes": {"n": 1e999, "deep": [[{}]]}}`, "application/json", "text/html;q=0.1, application/json;q=1e9")
	f.Add("explain", "flag=id&attributes=%7B%22n%22%3A7%7D&subject=%3Cscript%3E", "application/x-www-form-urlencoded;x=", "text/html")
	client := flags.New(flags.Static(definitions), flags.Config{Logger: slog.New(slog.DiscardHandler)})
	if err := client.Start(f.Context()); err != nil {
		f.Fatal(err)
	}
	c, err := console.New(client, console.Config{Writable: true, Token: token, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path, body, contentType, accept string) {
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.URL.Path = "/" + path
		r.Header.Set("Content-Type", contentType)
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		c.ServeHTTP(w, r)
		require.True(t, slices.Contains([]int{200, 400, 401, 404, 405, 413, 415}, w.Code), "%d", w.Code)
		if w.Header().Get("Content-Type") == "application/json" {
			require.True(t, json.Valid(w.Body.Bytes()), "%s", w.Body)
		}
		require.NotContains(t, strings.ToLower(w.Body.String()), "<script")
		for _, flag := range client.Report().Flags {
			require.Empty(t, flag.Killed)
		}
	})
}
