package browser_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/console"
)

// definitions have a flag of each kind of trouble, and names as long as people make them.
const definitions = `{"metadata": {"version": "2026-11-26T09:00:00Z-4f1c2d7a9b"}, "flags": {
	"new-checkout-flow": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off", "targeting":
		{"if": [{"==": [{"var": "country"}, "CH"]}, "on", {"fractional": [["on", 5], ["off", 95]]}]}},
	"search-results-per-page-for-signed-in-users": {"state": "ENABLED", "variants": {"ten": 10, "twenty-five": 25}, "defaultVariant": "ten"},
	"banner": {"state": "DISABLED", "variants": {"none": ""}, "defaultVariant": "none"},
	"theme": {"state": "ENABLED", "variants": {"dark": {"background": "#000"}}, "defaultVariant": "dark"}
}}`

// flagged is the address of a console that shows all kinds of trouble.
func flagged(t *testing.T) string {
	t.Helper()
	checkout := flags.Bool("new-checkout-flow", false, flags.About{Owner: "payments", Expires: "2001-02-03"})
	page := flags.Int("search-results-per-page-for-signed-in-users", 10, flags.About{Owner: "search", Expires: "2999-01-01"})
	wrong := flags.Int("banner", 3)
	missing := flags.Bool("not-yet-in-the-set", false)
	client := flags.New(flags.Static(definitions), flags.Config{Logger: slog.New(slog.DiscardHandler)}, checkout, page, wrong, missing)
	require.NoError(t, client.Start(t.Context()))
	for _, who := range []string{"anna", "ben", "", "carl-with-a-long-name@customers.example.org"} {
		ctx := client.Pin(t.Context(), flags.Subject{Key: who})
		_, _, _ = checkout.On(ctx), page.Value(ctx), missing.On(ctx)
	}
	require.NoError(t, client.Kill("search-results-per-page-for-signed-in-users", "p99 is at 4 s since 09:12, see the incident (ada from 127.0.0.1:54321)"))
	c, err := console.New(client, console.Config{Writable: true, Token: strings.Repeat("secret", 4)})
	require.NoError(t, err)
	server := httptest.NewServer(http.StripPrefix("/ops/flags", c))
	t.Cleanup(server.Close)
	return server.URL + "/ops/flags/"
}

func TestFlags(t *testing.T) {
	t.Parallel()
	url := flagged(t)
	t.Run("list", func(t *testing.T) { everywhere(t, url, "h1", "table a", ".bad", ".warn", ".good") })
	t.Run("explanation", func(t *testing.T) {
		everywhere(t, url+"explain?flag=new-checkout-flow&subject=carl-with-a-long-name@customers.example.org", "h1", "table tr", "input[name=why]", "input[name=access_token]", "textarea", "button")
	})
	t.Run("killed", func(t *testing.T) {
		everywhere(t, url+"explain?flag=search-results-per-page-for-signed-in-users", "h1", ".bad", "form[action=unkill] button")
	})
}

// killing is what a person does when it is urgent, on this screen: from the list to the
// flag, why, who, and the button; then back. The service itself is asked what it does.
func killing(t *testing.T, b *tab, s screen, service *program) {
	search := func() int { return service.status(t, "/search?q=a") }
	require.Equal(t, http.StatusOK, search())
	b.visit(t, s, service.admin+"/flags/")
	b.do(t, chromedp.Click(chromedp.CSS(`a[href="explain?flag=search"]`)))
	b.says(t, "h1", "search")
	b.do(t,
		chromedp.SendKeys(chromedp.CSS("input[name=why]"), "it is slow & <wrong>"),
		chromedp.SendKeys(chromedp.CSS("input[name=who]"), "ada"),
		chromedp.Click(chromedp.CSS("form[action=kill] button")),
	)
	b.says(t, "p", "killed: it is slow & <wrong> (ada from 127.0.0.1")
	b.says(t, "td", "the default in the code")
	require.Empty(t, b.look(t, "h1", ".bad", "form[action=unkill] button"))
	require.Equal(t, http.StatusServiceUnavailable, search(), "it is off")

	b.do(t, chromedp.Click(chromedp.CSS(`a[href="./"]`)))
	b.says(t, "td", "killed: it is slow")
	b.do(t, chromedp.Click(chromedp.CSS(`a[href="explain?flag=search"]`)))
	b.says(t, "button", "Take the kill back")
	b.do(t, chromedp.Click(chromedp.CSS("form[action=unkill] button")))
	b.says(t, "button", "Kill")
	require.Empty(t, b.look(t, "h1", "form[action=kill] button", ".good"))
	require.Equal(t, http.StatusOK, search(), "it is on")
}
