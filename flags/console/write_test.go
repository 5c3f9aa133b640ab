package console_test

import (
	"bytes"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/console"
)

const token = "correct-horse-battery"

// far is a listener whose connections say that they are from or to elsewhere.
type far struct {
	net.Listener
	remote, local string
}

type farConn struct {
	net.Conn
	remote, local net.Addr
}

func (c farConn) RemoteAddr() net.Addr { return c.remote }
func (c farConn) LocalAddr() net.Addr  { return c.local }

func (l far) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := farConn{conn, conn.RemoteAddr(), conn.LocalAddr()}
	if l.remote != "" {
		c.remote = net.TCPAddrFromAddrPort(addr(l.remote))
	}
	if l.local != "" {
		c.local = net.TCPAddrFromAddrPort(addr(l.local))
	}
	return c, nil
}

func TestWhoMayKill(t *testing.T) {
	open, secret := console.Config{Writable: true}, console.Config{Writable: true, Token: token}
	from := func(remote, local string) func(*httptest.Server) {
		return func(s *httptest.Server) { s.Listener = far{s.Listener, remote, local} }
	}
	away := from("192.0.2.7:1024", "192.0.2.1:8081")
	const kill = "flag=checkout&why=errors+go+up&who=anna"
	const local = "without Config.Token, writes come from the machine itself; but "
	const missing = "the token is missing: send it as Authorization: Bearer, or in the field access_token"
	const cross = "the request comes from a page of another site: open this one and use its own"
	tests := map[string]struct {
		cfg    console.Config
		at     func(*httptest.Server)
		header map[string]string
		body   string
		code   int
		err    string
	}{
		"nobody, by default":               {code: 403, err: "this console is read-only: set Config.Writable, or disable the flag in the source"},
		"nobody, with a token":             {cfg: console.Config{Token: token}, header: map[string]string{"Authorization": "Bearer " + token}, code: 403, err: "this console is read-only: set Config.Writable, or disable the flag in the source"},
		"who is on the machine":            {cfg: open, code: 200},
		"who asks for localhost":           {cfg: open, header: map[string]string{"Host": "localhost:8081"}, code: 200},
		"who asks for IPv6":                {cfg: open, header: map[string]string{"Host": "[::1]"}, code: 200},
		"who comes by IPv6":                {cfg: open, at: from("[::1]:1024", "[::1]:8081"), code: 200},
		"who comes by IPv4 within IPv6":    {cfg: open, at: from("[::ffff:127.0.0.1]:1024", "[::ffff:127.0.0.1]:8081"), code: 200},
		"not who is elsewhere":             {cfg: open, at: away, code: 403, err: local + `this one comes from "192.0.2.7:1024"`},
		"not who says that he is here":     {cfg: open, at: away, header: map[string]string{"X-Forwarded-For": "127.0.0.1", "X-Real-Ip": "127.0.0.1"}, code: 403, err: local + `this one comes from "192.0.2.7:1024"`},
		"not at another address":           {cfg: open, at: from("", "192.0.2.1:8081"), code: 403, err: local + "this one came in at another address than a loopback one"},
		"not through a proxy":              {cfg: open, header: map[string]string{"X-Forwarded-For": "192.0.2.7"}, code: 403, err: local + "this one comes through a proxy, by its header X-Forwarded-For"},
		"not through another one":          {cfg: open, header: map[string]string{"Via": "1.1 varnish"}, code: 403, err: local + "this one comes through a proxy, by its header Via"},
		"not by a name that is rebound":    {cfg: open, header: map[string]string{"Host": "evil.example:8081", "Sec-Fetch-Site": "same-origin"}, code: 403, err: local + `this one is for "evil.example:8081": use localhost`},
		"not by a name that looks like it": {cfg: open, header: map[string]string{"Host": "127.0.0.1.evil.example"}, code: 403, err: local + `this one is for "127.0.0.1.evil.example": use localhost`},
		"its own page":                     {cfg: open, header: map[string]string{"Host": "localhost", "Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}, code: 200},
		"not a page of another site":       {cfg: open, header: map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, code: 403, err: cross},
		"not one of an older browser":      {cfg: open, header: map[string]string{"Origin": "https://evil.example"}, code: 403, err: cross},
		"not a page of nowhere":            {cfg: open, header: map[string]string{"Origin": "null"}, code: 403, err: cross},
		"not even with the token":          {cfg: secret, header: map[string]string{"Sec-Fetch-Site": "same-site", "Authorization": "Bearer " + token}, code: 403, err: cross},

		"not without the token":             {cfg: secret, code: 401, err: missing},
		"not with another":                  {cfg: secret, header: map[string]string{"Authorization": "Bearer " + token + "!"}, code: 401, err: "the token is another one"},
		"not with the beginning of it":      {cfg: secret, header: map[string]string{"Authorization": "Bearer " + token[:16]}, code: 401, err: "the token is another one"},
		"not with none at all":              {cfg: secret, header: map[string]string{"Authorization": "Bearer "}, code: 401, err: missing},
		"not by another scheme":             {cfg: secret, header: map[string]string{"Authorization": "Basic " + token}, code: 401, err: missing},
		"not with a wrong one in the form":  {cfg: secret, body: kill + "&access_token=x", code: 401, err: "the token is another one"},
		"who has the token":                 {cfg: secret, header: map[string]string{"Authorization": "Bearer " + token}, code: 200},
		"who has it, from elsewhere":        {cfg: secret, at: away, header: map[string]string{"authorization": "bearer " + token, "Host": "ops.example", "X-Forwarded-For": "192.0.2.9"}, code: 200},
		"who has it in the form":            {cfg: secret, body: kill + "&access_token=" + token, code: 200},
		"who has it in the body":            {cfg: secret, body: `{"flag": "checkout", "why": "errors go up", "who": "anna", "access_token": "` + token + `"}`, code: 200},
		"who has it behind a proxy's basic": {cfg: secret, body: kill + "&access_token=" + token, header: map[string]string{"Authorization": "Basic YTpi"}, code: 200},
		"and nobody is told more than that": {cfg: secret, body: `{"flag": "no`, code: 401, err: missing},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			flag := flags.Bool("checkout", false)
			client := flags.New(flags.Static(definitions), flags.Config{Logger: slog.New(slog.DiscardHandler)}, flag)
			require.NoError(t, client.Start(t.Context()))
			ctx := client.Pin(t.Context(), flags.Subject{Key: "anna"})
			require.True(t, flag.On(ctx))
			if test.body == "" {
				test.body = kill
			}
			response, body := call{"POST", "kill", test.header, test.body}.do(t, served(t, client, test.cfg, test.at))
			require.Equal(t, test.code, response.code, body)
			require.Equal(t, test.code != 200, flag.On(ctx))
			require.Equal(t, test.code == 401, response.header.Get("WWW-Authenticate") != "")
			require.NotContains(t, body, token)
			if test.code == 200 {
				require.Regexp(t, `"killed":"errors go up \(anna from (HERE|\S+:1024)\)"`, oneLine(body))
				return
			}
			require.Equal(t, `{"error":"`+strings.ReplaceAll(test.err, `"`, `\"`)+`"}`, oneLine(body))
		})
	}
}

func TestAKillFromItsBeginningToItsEnd(t *testing.T) {
	client := started(t, definitions)
	var log bytes.Buffer
	server := served(t, client, console.Config{Writable: true, Logger: slog.New(slog.NewTextHandler(&log, nil))}, nil)
	killed := func() (diary []string) {
		for _, f := range client.Report().Flags {
			if f.Killed != "" {
				diary = append(diary, f.Key+": "+oneLine(f.Killed))
			}
		}
		return diary
	}
	for _, step := range []struct {
		path, body string
		code       int
		want       string // in the body
		killed     []string
	}{
		{"kill", "flag=checkout", 400, "why is missing: say why the flag is killed", nil},
		{"kill", "flag=checkout&why=+%0A+", 400, "why is missing", nil},
		{"kill", "flag=checkuot&why=x", 404, `"near":["checkout"]`, nil},
		{"kill", "why=x", 400, "flag is missing", nil},
		{"kill", "flag=checkout&why=x&subject=anna", 400, "subject is no field: there are flag, who, access_token, why", nil},
		{"kill", "flag=checkout&why=" + strings.Repeat("x", 501), 400, "longer than 500 bytes", nil},
		{"unkill", "flag=checkout", 409, "nothing to take back: checkout is not killed", nil},
		{"kill", "flag=checkout&why=errors%0A+level%3DINFO", 200, `"default":true,"reason":"DISABLED","rule":"killed"`, []string{"checkout: errors level=INFO (from HERE)"}},
		{"kill", `{"flag": "missing", "why": "just in case", "who": "ben"}`, 200, `"killed":"just in case (ben from HERE)"`, []string{"checkout: errors level=INFO (from HERE)", "missing: just in case (ben from HERE)"}},
		{"kill", "flag=checkout&why=slow", 200, `"killed":"slow (from HERE)"`, []string{"checkout: slow (from HERE)", "missing: just in case (ben from HERE)"}},
		{"unkill", "flag=checkout&why=x", 400, "why is no field: there are flag, who, access_token", []string{"checkout: slow (from HERE)", "missing: just in case (ben from HERE)"}},
		{"unkill", "flag=checkout&who=anna", 200, `"no_key":true`, []string{"missing: just in case (ben from HERE)"}},
		{"unkill", `{"flag": "missing"}`, 200, `"code":"FLAG_NOT_FOUND"`, nil},
	} {
		response, body := call{"POST", step.path, nil, step.body}.do(t, server)
		require.Contains(t, oneLine(body), step.want, step.body)
		require.Equal(t, step.code, response.code)
		require.Equal(t, step.killed, killed())
	}
	_, _ = call{"POST", "kill", map[string]string{"Origin": "https://evil.example"}, "flag=checkout&why=x"}.do(t, server)
	diary := regexp.MustCompile(`time=\S+ `).ReplaceAllString("\n"+oneLine(log.String()), "")
	require.Equal(t, `
level=WARN msg="console: kill taken back" flag=checkout who="anna from HERE"
level=WARN msg="console: kill taken back" flag=missing who="from HERE"
level=WARN msg="console: write refused" path=/kill from=HERE err="the request comes from a page of another site: open this one and use its own"`, diary)
}

// A connection that is no TCP has no address that says where it is from.
func TestWithoutAddressesNobodyKills(t *testing.T) {
	c, err := console.New(started(t, definitions), console.Config{Writable: true, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	for _, remote := range []string{"", "@", "127.0.0.1:80"} {
		r := httptest.NewRequest(http.MethodPost, "http://localhost/kill", strings.NewReader("flag=checkout&why=x"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.RemoteAddr = remote
		w := httptest.NewRecorder()
		c.ServeHTTP(w, r)
		require.Equal(t, 403, w.Code)
	}
}

func TestAConfigThatIsWrong(t *testing.T) {
	client := flags.New(flags.Static(definitions), flags.Config{})
	tests := map[string]struct {
		client *flags.Client
		cfg    console.Config
		err    string
	}{
		"no client":                        {nil, console.Config{}, "console: new: no client: give the one of flags.New"},
		"a token that can be guessed":      {client, console.Config{Token: "fifteen-letters"}, "console: new: Token has 15 bytes: make it 16 or more, at random"},
		"a token with its file's end":      {client, console.Config{Token: token + "\n"}, "console: new: byte 22 of Token is 0xa, which no header carries: use visible ASCII, and trim what was read from a file"},
		"a token that is no ASCII":         {client, console.Config{Token: "zwölfzwölfzwölf"}, "console: new: byte 3 of Token is 0xc3, which no header carries: use visible ASCII, and trim what was read from a file"},
		"all at once":                      {nil, console.Config{Token: "a b"}, "console: new: no client: give the one of flags.New\nconsole: new: Token has 3 bytes: make it 16 or more, at random\nconsole: new: byte 2 of Token is 0x20, which no header carries: use visible ASCII, and trim what was read from a file"},
		"a token that is just long enough": {client, console.Config{Token: "sixteen--letters"}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c, err := console.New(test.client, test.cfg)
			if test.err == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, test.err)
			require.Nil(t, c)
		})
	}
}
