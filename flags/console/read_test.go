package console_test

import (
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/console"
)

const allFlags = `{"version":"7","origin":"source","confirmed":"THEN","age":"AGE","stale":false,"frozen":false,"writable":false,"flags":[` +
	`{"key":"checkout","type":"boolean","declared":true,"defined":true,"owner":"payments","expires":"2001-02-03","expired":true},` +
	`{"key":"id","type":"string","declared":false,"defined":true},` +
	`{"key":"limit","type":"number","declared":true,"defined":true,"problem":"TYPE_MISMATCH","expires":"2999-01-01"},` +
	`{"key":"missing","type":"boolean","declared":true,"defined":false,"problem":"FLAG_NOT_FOUND"},` +
	`{"key":"off","type":"string","declared":false,"defined":true,"disabled":true},` +
	`{"key":"theme","type":"object","declared":false,"defined":true}]}`

func explained(flag, rest string) string {
	return `{"flag":"` + flag + `",` + rest + `,"version":"7","age":"AGE"}`
}

func TestWhatAPersonReads(t *testing.T) {
	matched := explained("checkout", `"default":false,"value":true,"variant":"on","reason":"TARGETING_MATCH","rule":"targeting.if[1]"`)
	split := explained("checkout", `"default":false,"value":true,"variant":"on","reason":"SPLIT","rule":"targeting.if[2].fractional[0]"`)
	it := explained("id", `"default":false,"value":"it","variant":"it","reason":"TARGETING_MATCH","rule":"RULE"`)
	other := explained("id", `"default":false,"value":"other","variant":"other","reason":"DEFAULT"`)
	tests := map[string]struct {
		call
		code int
		want string
	}{
		"all flags":       {call{method: "GET"}, 200, allFlags},
		"a header only":   {call{method: "HEAD"}, 200, ""},
		"no explanation":  {call{method: "GET", path: "explain"}, 400, `{"error":"flag is missing: give the key of one"}`},
		"a header of one": {call{method: "HEAD", path: "explain?flag=id"}, 200, ""},

		"nobody in particular": {call{method: "GET", path: "explain?flag=checkout"}, 200, explained("checkout", `"default":false,"value":false,"variant":"off","reason":"DEFAULT","no_key":true`)},
		"a subject":            {call{method: "GET", path: "explain?flag=checkout&subject=anna"}, 200, split},
		"attributes":           {call{method: "GET", path: "explain?flag=checkout&attributes=" + url.QueryEscape(`{"country": "CH"}`)}, 200, matched},
		"a form":               {call{method: "POST", path: "explain", body: "flag=checkout&subject=anna&attributes="}, 200, split},
		"a body":               {call{method: "POST", path: "explain", body: `{"flag": "checkout", "subject": "anna", "attributes": {"country": "CH"}}`}, 200, matched},

		"a number":               {call{method: "POST", path: "explain", body: `{"flag": "id", "attributes": {"n": 7}}`}, 200, it},
		"another number":         {call{method: "POST", path: "explain", body: `{"flag": "id", "attributes": {"n": 8}}`}, 200, other},
		"a boolean":              {call{method: "POST", path: "explain", body: `{"flag": "id", "attributes": {"vip": true}}`}, 200, it},
		"a list":                 {call{method: "POST", path: "explain", body: `{"flag": "id", "attributes": {"list": ["x", 1, null]}}`}, 200, it},
		"an object":              {call{method: "POST", path: "explain", body: `{"flag": "id", "attributes": {"deep": {"er": "x"}}}`}, 200, it},
		"nothing":                {call{method: "POST", path: "explain", body: `{"flag": "id", "attributes": {"n": null}}`}, 200, other},
		"no attributes":          {call{method: "POST", path: "explain", body: `{"flag": "id", "attributes": null}`}, 200, other},
		"attributes of no kind":  {call{method: "POST", path: "explain", body: `{"flag": "id", "attributes": ["n", 7]}`}, 400, `{"error":"attributes are no JSON object: write them as {\"country\": \"CH\", \"age\": 30}"}`},
		"attributes as text":     {call{method: "GET", path: "explain?flag=id&attributes=n=7"}, 400, `{"error":"attributes are no JSON object: write them as {\"country\": \"CH\", \"age\": 30}"}`},
		"two sets of attributes": {call{method: "POST", path: "explain", body: "flag=id&attributes=" + url.QueryEscape(`{"n": 7} {"n": 8}`)}, 400, `{"error":"attributes are no JSON object: write them as {\"country\": \"CH\", \"age\": 30}"}`},

		"a bracket too many": {call{method: "GET", path: "explain?flag=id&attributes=" + url.QueryEscape(`{"n": 7} ]`)}, 400, `{"error":"attributes are no JSON object: write them as {\"country\": \"CH\", \"age\": 30}"}`},
		"a body of nothing":  {call{method: "POST", path: "explain", body: `{}`}, 400, `{"error":"flag is missing: give the key of one"}`},

		"an object as a value":   {call{method: "GET", path: "explain?flag=theme"}, 200, explained("theme", `"default":false,"value":{"bg":"#000"},"variant":"dark","reason":"STATIC"`)},
		"a flag of another type": {call{method: "GET", path: "explain?flag=limit"}, 200, explained("limit", `"default":true,"reason":"ERROR","code":"TYPE_MISMATCH"`)},
		"a flag that is missing": {call{method: "GET", path: "explain?flag=missing"}, 200, explained("missing", `"default":true,"reason":"ERROR","code":"FLAG_NOT_FOUND"`)},

		"a slip of the pen":    {call{method: "GET", path: "explain?flag=chekcout"}, 404, `{"error":"there is no flag \"chekcout\"","near":["checkout"]}`},
		"a part of a name":     {call{method: "GET", path: "explain?flag=THEM"}, 404, `{"error":"there is no flag \"THEM\"","near":["theme"]}`},
		"a stranger":           {call{method: "GET", path: "explain?flag=%3Cscript%3E"}, 404, `{"error":"there is no flag \"\u003cscript\u003e\""}`},
		"no such page":         {call{method: "GET", path: "flags"}, 404, `{"error":"there is no such page: there are ./, explain, kill and unkill"}`},
		"a field too many":     {call{method: "GET", path: "explain?flag=id&country=CH"}, 400, `{"error":"country is no field: there are flag, subject, attributes"}`},
		"a field twice":        {call{method: "GET", path: "explain?flag=id&flag=off"}, 400, `{"error":"flag is given 2 times: give it once"}`},
		"a field of a number":  {call{method: "POST", path: "explain", body: `{"flag": "id", "subject": 7}`}, 400, `{"error":"subject is no text"}`},
		"all mistakes at once": {call{method: "POST", path: "explain", body: `{"who": "x", "subject": [], "attributes": 7}`}, 400, `{"error":"attributes are no JSON object: write them as {\"country\": \"CH\", \"age\": 30}; subject is no text; who is no field: there are flag, subject, attributes"}`},
		"a wrong escape":       {call{method: "GET", path: "explain?flag=%zz"}, 400, `{"error":"the fields are wrongly encoded: invalid URL escape \"%zz\""}`},
		"half a body":          {call{method: "POST", path: "explain", body: `{"flag": `}, 400, `{"error":"the body is no JSON object: unexpected end of JSON input"}`},
		"both":                 {call{method: "POST", path: "explain?flag=id", body: `{"flag": "id"}`}, 400, `{"error":"a POST has its fields in its body, not in the address"}`},
		"another body":         {call{method: "POST", path: "explain", body: "flag: id", header: map[string]string{"Content-Type": "application/yaml"}}, 415, `{"error":"the body is \"application/yaml\": send application/json or application/x-www-form-urlencoded"}`},
		"a huge body":          {call{method: "POST", path: "explain", body: `{"flag": "` + strings.Repeat("x", 64<<10) + `"}`}, 413, `{"error":"the body is larger than 65536 bytes"}`},
		"a large body":         {call{method: "POST", path: "explain", body: `{"flag": "id", "subject": "` + strings.Repeat("x", 63<<10) + `"}`}, 200, other},
		"it is read":           {call{method: "POST", body: "flag=id"}, 405, `{"error":"POST is not for this: use GET, HEAD"}`},
		"it is not put":        {call{method: "PUT", path: "explain", body: "flag=id"}, 405, `{"error":"PUT is not for this: use GET, HEAD, POST"}`},
		"it is not got":        {call{method: "GET", path: "kill?flag=id&why=x"}, 405, `{"error":"GET is not for this: use POST"}`},
		"no preflight passes":  {call{method: "OPTIONS", path: "unkill"}, 405, `{"error":"OPTIONS is not for this: use POST"}`},
	}
	server := served(t, started(t, definitions), console.Config{}, nil)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			response, body := test.do(t, server)
			require.Equal(t, "application/json", response.header.Get("Content-Type"))
			require.Equal(t, "no-store", response.header.Get("Cache-Control"))
			require.Equal(t, "nosniff", response.header.Get("X-Content-Type-Options"))
			require.Equal(t, "Accept", response.header.Get("Vary"))
			if test.method != "HEAD" {
				require.Equal(t, strconv.Itoa(len(body)), response.header.Get("Content-Length"))
			}
			if test.code == 405 {
				_, methods, _ := strings.Cut(body, "use ")
				require.True(t, strings.HasPrefix(methods, response.header.Get("Allow")+`"`), "%s", response.header)
			}
			got := oneLine(body)
			for i := range 8 {
				if strings.Contains(test.want, "RULE") {
					got = strings.Replace(got, fmt.Sprintf("targeting.if[%d]", i), "RULE", 1)
				}
			}
			require.Equal(t, test.want, got)
			require.Equal(t, test.code, response.code)
		})
	}
	require.Empty(t, serverReport(t, started(t, definitions)), "who looks is not counted")
}

// serverReport is what has been counted after a look at a flag.
func serverReport(t *testing.T, client *flags.Client) (counted []flags.Answers) {
	t.Helper()
	server := served(t, client, console.Config{}, nil)
	response, _ := call{method: "GET", path: "explain?flag=checkout&subject=anna"}.do(t, server)
	require.Equal(t, 200, response.code)
	for _, f := range client.Report().Flags {
		counted = append(counted, f.Answers...)
	}
	return counted
}

func TestWhatHasBeenCountedIsShown(t *testing.T) {
	flag := flags.Bool("new", false)
	client := started(t, `{"flags": {"new": {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on"}}}`, flag)
	flag.On(client.Pin(t.Context(), flags.Subject{}))
	flag.On(t.Context())
	_, body := call{method: "GET"}.do(t, served(t, client, console.Config{}, nil))
	require.Contains(t, oneLine(body), `{"key":"new","type":"boolean","declared":true,"defined":true,"answers":[{"variant":"on","reason":"STATIC","count":1}],"unpinned":1}`)
}

// A client that has not started, with a source that is refused later, is still shown.
func TestAClientWithoutASet(t *testing.T) {
	client := flags.New(flags.Static("{"), flags.Config{Logger: slog.New(slog.DiscardHandler)}, flags.Bool("new", false))
	server := served(t, client, console.Config{}, nil)
	_, body := call{method: "GET"}.do(t, server)
	require.Equal(t, `{"version":"","origin":"none","stale":false,"frozen":false,"writable":false,"flags":[{"key":"new","type":"boolean","declared":true,"defined":false,"problem":"PROVIDER_NOT_READY"}]}`, oneLine(body))
	require.NoError(t, client.Start(t.Context()))
	require.NoError(t, client.Freeze(t.Context()))
	_, body = call{method: "GET"}.do(t, server)
	require.Contains(t, oneLine(body), `"frozen":true,"writable":false,"errors":["flags: load source: refused: `)
}
