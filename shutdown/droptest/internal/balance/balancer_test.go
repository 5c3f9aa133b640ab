package balance_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/shutdown/droptest/internal/balance"
	"github.com/handover-go/handover/shutdown/droptest/internal/once"
	"github.com/handover-go/handover/shutdown/droptest/internal/wire"
)

// place is a balancer that serves, with one client.
type place struct {
	*balance.Balancer
	t       *testing.T
	ctx     context.Context
	address string
	client  *once.Client
}

func open(t *testing.T, cfg balance.Config) *place {
	t.Helper()
	cfg.Poll, cfg.ReadyPath = 2*time.Millisecond, "/readyz"
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	wires := &wire.Set{}
	p := &place{Balancer: balance.New(cfg, wires), t: t, ctx: ctx, address: ln.Addr().String()}
	p.client = once.New(func(ctx context.Context) (*wire.Wire, error) { return wires.Dial(ctx, p.address, 0) })
	p.Start(ctx, ln)
	t.Cleanup(func() {
		cancel()
		wires.Close()
		p.Wait()
	})
	return p
}

// process is a server that answers with its name.
type process struct {
	*httptest.Server
	unready atomic.Bool
}

func serve(t *testing.T, name string) *process {
	t.Helper()
	p := &process{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/readyz":
			if p.unready.Load() {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		case "/cut":
			conn, _, _ := w.(http.Hijacker).Hijack()
			_ = conn.Close()
		case "/echo":
			w.Header().Set("X-Said", r.Header.Get("X-Say"))
			w.Header().Set("Keep-Alive", "timeout=5")
			w.WriteHeader(http.StatusTeapot)
			_, _ = io.Copy(w, r.Body)
		default:
			_, _ = io.WriteString(w, name)
		}
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *process) target(name string) balance.Target {
	address := p.Listener.Addr().String()
	return balance.Target{Name: name, API: address, Probes: address}
}

// in starts a process that is in rotation.
func (p *place) in(name string) (*process, *balance.Endpoint) {
	p.t.Helper()
	server := serve(p.t, name)
	return server, p.join(server.target(name))
}

func (p *place) join(target balance.Target) *balance.Endpoint {
	p.t.Helper()
	e := p.Add(p.ctx, target)
	<-e.Joined()
	return e
}

func (p *place) request(method, path, body string) *http.Request {
	p.t.Helper()
	r, err := http.NewRequest(method, "http://"+p.address+path, strings.NewReader(body))
	require.NoError(p.t, err)
	return r
}

// get is where a request went, and who answered; nobody is a Drop or a 502.
func (p *place) get(path string, fresh bool) (who string, to balance.Route) {
	p.t.Helper()
	r := p.request(http.MethodGet, path, "")
	r.Close = fresh
	answer, drop := p.client.Exchange(p.t.Context(), r)
	switch {
	case drop != nil:
		require.Equal(p.t, "new: reset", drop.Kind(), "what a client of layer 4 sees")
		return "nobody", p.Route(drop.Local, nil)
	case answer.Status == http.StatusBadGateway:
		return "nobody", p.Route(answer.Local, answer.Header)
	}
	return string(answer.Body), p.Route(answer.Local, answer.Header)
}

// until repeats a request on its own connection until n in a row were answered so.
func (p *place) until(who string, n int) {
	p.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for inARow := 0; inARow < n; {
		if got, _ := p.get("/", true); got == who {
			inARow++
			continue
		}
		inARow = 0
		require.True(p.t, time.Now().Before(deadline), "not answered by %s", who)
	}
}

func kinds(t *testing.T, test func(t *testing.T, proxy bool)) {
	t.Helper()
	for name, proxy := range map[string]bool{"layer 4": false, "proxy": true} {
		t.Run(name, func(t *testing.T) { test(t, proxy) })
	}
}

func TestNewConnectionsAreSpread(t *testing.T) {
	kinds(t, func(t *testing.T, proxy bool) {
		p := open(t, balance.Config{Proxy: proxy})
		p.in("a")
		p.in("b")
		counts := map[string]int{}
		for range 10 {
			who, to := p.get("/", true)
			require.Equal(t, balance.Route{Process: who}, to)
			counts[who]++
		}
		require.Equal(t, map[string]int{"a": 5, "b": 5}, counts)
	})
}

func TestAKeptConnectionStaysWhereItIsAtLayer4(t *testing.T) {
	p := open(t, balance.Config{})
	_, a := p.in("a")
	who, _ := p.get("/", false)
	require.Equal(t, "a", who)
	p.in("b")
	p.Told(a)
	p.until("b", 2) // a is out of rotation
	for range 3 {
		who, to := p.get("/", false)
		require.Equal(t, "a", who)
		require.Equal(t, balance.Route{Process: "a"}, to)
	}
}

func TestAProxySpreadsTheRequestsOfOneConnection(t *testing.T) {
	p := open(t, balance.Config{Proxy: true})
	p.in("a")
	p.in("b")
	counts := map[string]int{}
	for range 10 {
		who, _ := p.get("/", false)
		counts[who]++
	}
	require.Equal(t, map[string]int{"a": 5, "b": 5}, counts)
}

func TestWhyNobodyAnswered(t *testing.T) {
	gone := func(t *testing.T, p *place) { // it is ready, and nobody listens at its API
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		require.NoError(t, ln.Close())
		target := serve(t, "a").target("a")
		target.API = ln.Addr().String()
		p.join(target)
	}
	tests := map[string]struct {
		proxy bool
		begin func(*testing.T, *place)
		want  balance.Route
	}{
		"layer 4, nobody in rotation": {false, func(*testing.T, *place) {}, balance.Route{Refused: "no endpoint"}},
		"proxy, nobody in rotation":   {true, func(*testing.T, *place) {}, balance.Route{Refused: "no endpoint"}},
		"layer 4, nobody listens":     {false, gone, balance.Route{Process: "a", Refused: "refused"}},
		"proxy, nobody listens":       {true, gone, balance.Route{Process: "a", Refused: "new refused"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := open(t, balance.Config{Proxy: tt.proxy})
			tt.begin(t, p)
			who, to := p.get("/", true)
			require.Equal(t, "nobody", who)
			require.Equal(t, tt.want, to)
		})
	}
}

func TestAProxySaysHowItsOwnConnectionFailed(t *testing.T) {
	p := open(t, balance.Config{Proxy: true})
	p.in("a")
	_, to := p.get("/cut", true)
	require.Equal(t, balance.Route{Process: "a", Refused: "new eof"}, to)
	_, to = p.get("/", true)
	require.Equal(t, balance.Route{Process: "a"}, to)
	_, to = p.get("/cut", true)
	require.Equal(t, balance.Route{Process: "a", Refused: "reused eof"}, to, "on the connection of the second")
}

func TestAProxyHandsOnWhatIsNotOfOneConnection(t *testing.T) {
	p := open(t, balance.Config{Proxy: true})
	p.in("a")
	r := p.request(http.MethodPost, "/echo", "a body")
	r.Header.Set("X-Say", "hello")
	answer, drop := p.client.Exchange(t.Context(), r)
	require.Nil(t, drop)
	require.Equal(t, http.StatusTeapot, answer.Status)
	require.Equal(t, "a body", string(answer.Body))
	require.Equal(t, "hello", answer.Header.Get("X-Said"))
	require.Empty(t, answer.Header.Get("Keep-Alive"))
}

func TestAnEndpointLeavesAndJoinsByItsOwnWord(t *testing.T) {
	p := open(t, balance.Config{})
	a, _ := p.in("a")
	a.unready.Store(true)
	p.until("nobody", 1)
	a.unready.Store(false)
	p.until("a", 1)
}

func TestARoundTripToAnEndpoint(t *testing.T) {
	kinds(t, func(t *testing.T, proxy bool) {
		const rtt = 20 * time.Millisecond
		p := open(t, balance.Config{Proxy: proxy, RTT: rtt})
		p.in("a")
		begin := time.Now()
		p.get("/", false)
		require.GreaterOrEqual(t, time.Since(begin), 2*rtt, "one to connect, one for the request")
	})
}
