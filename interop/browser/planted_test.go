package browser_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// good is a page that nobody minds.
const good = `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Good</title><style>:root { color-scheme: light dark } .box { overflow-x: auto } td { white-space: nowrap } svg { width: 300px; height: 100px }</style></head><body>
<h1>Good</h1><p>All is well, and <a href="./">there is more</a>.</p><form><input value="7"> <button>Go</button></form>
<div class="box"><table><tr><td>a row that is wide, and that may be moved in its box: <svg viewBox="0 0 300 100"><path d="M0 0H300V99" stroke="red" fill="none"/></svg><svg viewBox="0 0 300 100"><path d="M0 0H300V99" stroke="red" fill="none"/></svg></td></tr></table></div>
</body></html>`

// plant is that page with one thing replaced.
func plant(old, with string) string { return strings.Replace(good, old, with, 1) }

// A check that cannot fail is none: each of these pages has one fault.
func TestWhatIsPlantedIsFound(t *testing.T) {
	t.Parallel()
	const body = "<h1>"
	tests := map[string]struct {
		page   string
		screen string
		minds  string // nothing if it is empty
	}{
		"nothing, on a desk":                 {good, "a desk by day", ""},
		"nothing, on a desk by night":        {good, "a desk by night", ""},
		"nothing, on a phone":                {good, "a phone by day", ""},
		"nothing, on a phone by night":       {good, "a phone by night", ""},
		"a script that throws":               {plant(body, `<script>missing()</script><h1>`), "a desk by day", "a script failed"},
		"a promise that fails":               {plant(body, `<script>Promise.reject(new Error("late"))</script><h1>`), "a desk by day", "a script failed"},
		"a script that complains":            {plant(body, `<script>console.error("oh")</script><h1>`), "a desk by day", `a script says error: "oh"`},
		"a picture that is not there":        {plant(body, `<img src="/missing" alt=""><h1>`), "a desk by day", "it is not loaded: 404"},
		"a style of nobody":                  {plant(body, `<link rel="stylesheet" href="http://127.0.0.1:1/"><h1>`), "a desk by day", "it is not loaded: net::ERR_"},
		"a script that the policy refuses":   {plant(body, `<!--policy--><script>1</script><h1>`), "a desk by day", "Content Security Policy"},
		"an attribute that it refuses":       {plant(body, `<!--policy--><p style="color: red">x</p><h1>`), "a desk by day", "Content Security Policy"},
		"a page as for a desk":               {plant(`<meta name="viewport" content="width=device-width">`, ""), "a phone by day", "it is laid out for 980 px and shown on 390"},
		"a word that is too long":            {plant(body, "<p>"+strings.Repeat("long", 100)+"</p><h1>"), "a phone by day", "px wide, on a screen of 390"},
		"a table that is too wide":           {plant(`class="box"`, ""), "a phone by day", "px wide, on a screen of 390"},
		"a wide page whose end is hidden":    {plant(`class="box"`, `style="overflow: hidden"`), "a phone by day", "it is cut off: table"},
		"a column of letters":                {plant("<p>", `<p style="width: 2em; overflow-wrap: anywhere">`), "a desk by day", "a broken word: there"},
		"text that is too small":             {plant("<p>", `<p style="font-size: 8px">`), "a desk by day", "text of 8.0 px: p"},
		"a picture's text that is too small": {plant("<path", `<text y="50" font-size="11" fill="currentColor" transform="scale(.5)">axis</text><path`), "a desk by day", "text of 5.5 px: text"},
		"pale by day":                        {plant("<p>", `<p style="color: #999">`), "a desk by day", "a contrast of 2.8: p"},
		"dark by night":                      {plant("<p>", `<p style="color: #444">`), "a desk by night", "a contrast of 1.9: p"},
		"pale on a colored box":              {plant("<p>", `<p style="background: #d73; color: #fff">`), "a desk by day", "a contrast of 3."},
		"a picture's pale text":              {plant("<path", `<text y="50" font-size="14" fill="#999">axis</text><path`), "a desk by day", "a contrast of 2.8: text"},
		"night in the body only":             {plant(":root", "body"), "a desk by night", "a contrast of 2.4: a"},
		"a field that cannot be read":        {plant("<input", `<input style="color: #eee; background: #fff"`), "a desk by day", "a contrast of 1.2: input"},
		"a hint that cannot be read":         {plant(`<input value="7"`, `<style>::placeholder { color: #aaa }</style><input placeholder="7"`), "a desk by day", "a contrast of 2.3: input"},
		"a small picture":                    {plant("svg { width: 300px", "svg { width: 200px"), "a desk by day", "a picture of 200 by 100 px"},
		"an empty picture":                   {plant("M0 0H300V99", "M0 0"), "a desk by day", "a picture of nothing"},
		"a heading that is hidden":           {plant("<h1>", `<h1 style="visibility: hidden">`), "a desk by day", "it is not to be seen: h1"},
		"a row that is not there":            {plant("<td>", "<td hidden>"), "a desk by day", "it is not to be seen: td"},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tt, there := tests[strings.TrimPrefix(r.URL.Path, "/")]
		if !there {
			http.NotFound(w, r)
			return
		}
		if strings.Contains(tt.page, "<!--policy-->") {
			w.Header().Set("Content-Security-Policy", "script-src 'none'; style-src 'sha256-x'")
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, tt.page)
	}))
	t.Cleanup(server.Close)
	b := open(t) // what it has seen may still be told when the next one is there
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := b
			if tt.minds == "" {
				b = open(t)
			}
			b.visit(t, screens[tt.screen], server.URL+"/"+name)
			minds := b.look(t, "h1", "td")
			if tt.minds == "" {
				require.Empty(t, minds)
				return
			}
			require.Contains(t, strings.Join(minds, "\n"), tt.minds)
		})
	}
}
