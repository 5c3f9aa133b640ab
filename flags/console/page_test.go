package console_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/console"
)

func addr(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

func TestWhoGetsAPage(t *testing.T) {
	server := served(t, started(t, definitions), console.Config{}, nil)
	for accept, page := range map[string]bool{
		"":                                    false,
		"*/*":                                 false,
		"text/*":                              false,
		"application/json":                    false,
		"text/html":                           true,
		"TEXT/HTML; charset=utf-8":            true,
		"application/json, text/html":         true,
		"application/json, text/html;q=0.9":   false,
		"application/json;q=0.5, text/html":   true,
		"text/html;q=0":                       false,
		"text/html;q=x":                       true,
		";;, text/html":                       true,
		"text/htmlx, application/json;q=oops": false,
		browser:                               true,
	} {
		response, body := call{method: "GET", header: map[string]string{"Accept": accept}}.do(t, server)
		require.Equal(t, page, strings.HasPrefix(body, "<!DOCTYPE html>"), accept)
		require.Equal(t, page, response.header.Get("Content-Type") == "text/html; charset=utf-8", accept)
	}
}

// elements are those of a page, with their attributes; forms by what they do.
func elements(t *testing.T, page string) (names []string, forms []string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	found := map[string]bool{}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return slices.Sorted(maps.Keys(found)), forms
		}
		require.NoError(t, err)
		element, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		name := element.Name.Local
		for _, a := range element.Attr {
			name += " " + a.Name.Local
			if a.Name.Local == "action" || element.Name.Local == "button" {
				forms = append(forms, a.Value)
			}
		}
		found[name] = true
	}
}

// Whatever has a name of somebody's choosing has one that would be a script.
func TestATextIsNeverMarkup(t *testing.T) {
	const evil = `\"'><script>alert(1)</script><img src=x onerror=alert(2)>&amp;`
	evilText := strings.ReplaceAll(evil, `\"`, `"`)
	source := `{"metadata": {"version": "` + evil + `"}, "flags": {"` + evil + `": {"state": "ENABLED", "variants": {"` + evil + `": "` + evil + `"}, "defaultVariant": "` + evil + `"}}}`
	flag := flags.String(evilText, "", flags.About{Owner: evilText, Expires: "2001-01-01"})
	client := flags.New(flags.Static(source), flags.Config{
		Logger: slog.New(slog.DiscardHandler), Override: failing{errors.New(evilText)},
	}, flag)
	require.NoError(t, client.Start(t.Context()))
	flag.Value(client.Pin(t.Context(), flags.Subject{}))
	server := served(t, client, console.Config{Writable: true, Token: token}, nil)
	page := map[string]string{"Accept": browser, "Content-Type": "application/json", "Authorization": "Bearer " + token}
	body := `{"flag": "` + evil + `", "subject": "` + evil + `", "attributes": {"` + evil + `": "` + evil + `"}}`
	near := strings.Replace(body, `&amp;`, `&amb;`, 1)
	written := map[string]string{}
	_, written["list"] = call{"GET", "", page, ""}.do(t, server)
	_, written["explanation"] = call{"POST", "explain", page, body}.do(t, server)
	_, written["not found"] = call{"POST", "explain", page, near}.do(t, server)
	_, written["no field"] = call{"POST", "explain", page, `{"` + evil + `": 1}`}.do(t, server)
	response, _ := call{"POST", "kill", page, `{"flag": "` + evil + `", "why": "` + evil + `", "who": "` + evil + `"}`}.do(t, server)
	require.Equal(t, 303, response.code)
	_, written["list of the killed"] = call{"GET", "", page, ""}.do(t, server)
	_, written["killed"] = call{"GET", response.header.Get("Location"), page, ""}.do(t, server)

	allowed := []string{
		"!DOCTYPE", "a href", "b", "body", "br", "button", "form method action", "h1", "h2", "head", "html lang", "label", "meta charset",
		"meta http-equiv content", "meta name content", "p", "p class", "small", "span class", "style", "table", "td", "th", "title", "tr",
		"input maxlength name", "input name maxlength", "input name value", "input type name value", "input type name required autocomplete", "input name required maxlength", "textarea name rows placeholder",
	}
	for name, html := range written {
		require.Contains(t, html, "&lt;script&gt;alert(1)", name)
		require.NotContains(t, html, "<script", name)
		require.NotContains(t, html, "<img", name)
		found, _ := elements(t, html)
		require.Subset(t, allowed, found, name)
	}
	require.Contains(t, written["not found"], "Did you mean")
	require.Contains(t, written["list"], "alert(2)&gt;&amp;amp;</a>", "it is escaped once")
}

// failing is a source that is down.
type failing struct{ err error }

func TestAPageLetsPeopleDoWhatTheyMay(t *testing.T) {
	tests := map[string]struct {
		cfg    console.Config
		kill   bool
		fields []string
		forms  []string
	}{
		"read":                     {console.Config{}, false, nil, []string{"explain"}},
		"kill":                     {console.Config{Writable: true}, false, []string{"why", "who"}, []string{"explain", "kill"}},
		"kill, with a token":       {console.Config{Writable: true, Token: token}, false, []string{"why", "who", "access_token"}, []string{"explain", "kill"}},
		"read what is killed":      {console.Config{}, true, nil, []string{"explain"}},
		"take a kill back":         {console.Config{Writable: true}, true, []string{"who"}, []string{"explain", "unkill"}},
		"take it back, by a token": {console.Config{Writable: true, Token: token}, true, []string{"who", "access_token"}, []string{"explain", "unkill"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			client := started(t, definitions)
			if test.kill {
				require.NoError(t, client.Kill("checkout", "errors"))
			}
			response, page := call{method: "GET", path: "explain?flag=checkout", header: map[string]string{"Accept": browser}}.do(t, served(t, client, test.cfg, nil))
			require.Equal(t, 200, response.code)
			_, forms := elements(t, page)
			require.Equal(t, test.forms, forms)
			for _, field := range []string{"why", "who", "access_token"} {
				require.Equal(t, slices.Contains(test.fields, field), strings.Contains(page, `name="`+field+`"`), field)
			}
			require.NotContains(t, page, token)
		})
	}
}

// What a person does with the page: look, ask for somebody, kill, reload, take it back.
func TestAPageIsUsed(t *testing.T) {
	client := started(t, definitions)
	server := served(t, client, console.Config{Writable: true, Token: token}, nil)
	header := map[string]string{"Accept": browser, "Sec-Fetch-Site": "same-origin", "Origin": server.URL}
	_, page := call{"GET", "", header, ""}.do(t, server)
	require.Contains(t, page, `<a href="explain?flag=checkout">checkout</a><br><small>boolean, payments, until 2001-02-03</small></td><td><span class="warn">expired</span><br><span class="good">in force</span></td>`)
	require.Less(t, strings.Index(page, "TYPE_MISMATCH"), strings.Index(page, ">checkout<"), "the worst is first")
	_, page = call{"POST", "explain", header, "flag=checkout&subject=anna&attributes=%7B%22country%22%3A%22CH%22%7D"}.do(t, server)
	require.Contains(t, page, "<h2>What anna gets</h2>")
	require.Contains(t, page, "<tr><th>rule</th><td>targeting.if[1]</td></tr>")
	require.Contains(t, page, "{&#34;country&#34;:&#34;CH&#34;}</textarea>")
	response, _ := call{"POST", "kill", header, "flag=checkout&why=errors&who=anna&access_token=" + token}.do(t, server)
	require.Equal(t, 303, response.code)
	require.Equal(t, "explain?flag=checkout", response.header.Get("Location"))
	_, page = call{"GET", response.header.Get("Location"), header, ""}.do(t, server)
	require.Contains(t, page, `<span class="bad">killed</span>: errors (anna from `)
	require.Contains(t, page, "the default in the code")
	response, page = call{"POST", "unkill", header, "flag=checkout"}.do(t, server)
	require.Equal(t, 401, response.code)
	require.Contains(t, page, "<h1>It did not work</h1>\n<p>the token is missing")
	response, _ = call{"POST", "unkill", header, "flag=checkout&who=anna&access_token=" + token}.do(t, server)
	require.Equal(t, 303, response.code)
	require.NoError(t, client.Kill("theme", ""))
	_, page = call{"GET", "", header, ""}.do(t, server)
	require.Equal(t, 1, strings.Count(page, "killed"))
}

// The policy lets in the style that the page has, and nothing else.
func TestAPageMayDoNothingButBeRead(t *testing.T) {
	server := served(t, started(t, definitions), console.Config{}, nil)
	for _, path := range []string{"", "explain?flag=checkout", "nothing"} {
		response, page := call{method: "GET", path: path, header: map[string]string{"Accept": browser}}.do(t, server)
		style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(page)[1]
		sum := sha256.Sum256([]byte(style))
		require.Equal(t, "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+
			"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'", response.header.Get("Content-Security-Policy"))
		require.Equal(t, "DENY", response.header.Get("X-Frame-Options"))
		require.NotContains(t, page, "<script")
		require.NotRegexp(t, `(src|href|action)="(https?:|/)`, page, "all is relative, and nothing is loaded")
	}
}

func TestItIsMountedAnywhere(t *testing.T) {
	c, err := console.New(started(t, definitions), console.Config{})
	require.NoError(t, err)
	tests := map[string]struct {
		handler        http.Handler
		path, location string
		code           int
	}{
		"at the root":                         {c, "/", "", 200},
		"at the root, a flag":                 {c, "/explain?flag=checkout", "", 200},
		"below a prefix":                      {http.StripPrefix("/a/b", c), "/a/b/", "", 200},
		"below a prefix, a flag":              {http.StripPrefix("/a/b", c), "/a/b/explain?flag=checkout", "", 200},
		"below a prefix with a slash":         {http.StripPrefix("/a/b/", c), "/a/b/", "", 200},
		"with a slash, a flag":                {http.StripPrefix("/a/b/", c), "/a/b/explain?flag=checkout", "", 200},
		"without the slash":                   {http.StripPrefix("/a/b", c), "/a/b", "/a/b/", 308},
		"without the slash, with a query":     {http.StripPrefix("/a/b", c), "/a/b?x=/y", "/a/b/", 308},
		"without it, and a name with a colon": {http.StripPrefix("/javascript:b", c), "/javascript:b", "/javascript:b/", 308},
		"without it, and two slashes":         {http.StripPrefix("//evil.example", c), "//evil.example", "//evil.example/", 308},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(test.handler)
			defer server.Close()
			client := server.Client()
			client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			response, err := client.Get(server.URL + test.path)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			require.Equal(t, test.code, response.StatusCode)
			if test.location != "" {
				location, err := response.Location()
				require.NoError(t, err)
				require.Equal(t, server.URL+test.location, location.String())
			}
		})
	}
}

func (f failing) Load(context.Context) (flags.Document, error) { return flags.Document{}, f.err }
