package load

import (
	"context"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/handover-go/handover/interop/torture/internal/tally"
)

// Port is one of the entrances of a balancer.
type Port string

// The entrances: HTTP1 takes HTTP/1, HTTP2 the same service with HTTP/2, RPC gRPC.
const (
	HTTP1 Port = "http/1"
	HTTP2 Port = "http/2"
	RPC   Port = "grpc"
)

// Config is the load. All of it is needed.
type Config struct {
	Dial      func(context.Context, Port) (net.Conn, error)
	TLS       bool     // of HTTP1 and HTTP2
	KeepAlive bool     // HTTP/1 connections are used again
	Rate      int      // plain requests per second, of all protocols together
	Streams   int      // long-lived clients of each streaming protocol
	Protocols []string // of Protocols()
	Tally     *tally.Tally
}

const (
	// fresh is the share of plain HTTP requests that bring their own connection.
	fresh = 0.3
	// limit is the time that a plain request has.
	limit = 15 * time.Second
)

// plain are protocols of requests, with their shares of the rate.
func plain() map[string]int {
	return map[string]int{
		"GET": 35, "POST": 20, "slow": 3, "upload": 2,
		"h2 GET": 15, "h2 POST": 10, "h2 slow": 2, "h2 upload": 1,
		"gRPC unary": 12,
	}
}

// Protocols lists all, in the order of the table.
func Protocols() []string {
	return []string{
		"GET", "POST", "slow", "upload", "SSE", "WebSocket",
		"h2 GET", "h2 POST", "h2 slow", "h2 upload", "h2 SSE",
		"gRPC unary", "gRPC stream", "gRPC bidi",
	}
}

// PortOf is the entrance that a protocol needs.
func PortOf(protocol string) Port {
	switch protocol[:2] {
	case "h2":
		return HTTP2
	case "gR":
		return RPC
	}
	return HTTP1
}

// Run sends until stop is closed, and returns when every plain request has its
// answer and every stream has ended. When ctx ends first, all is broken off.
func Run(ctx context.Context, stop <-chan struct{}, cfg Config) {
	l := &load{
		Config: cfg,
		http1:  newPool(cfg, HTTP1),
		http2:  newPool(cfg, HTTP2),
		rpc:    newRPC(cfg),
	}
	defer l.rpc.close()
	defer l.http1.close()
	defer l.http2.close()

	streams, cancel := context.WithCancel(ctx)
	var open sync.WaitGroup
	for _, protocol := range cfg.Protocols {
		if stream := l.stream(protocol); stream != nil {
			for range cfg.Streams {
				open.Go(func() { repeat(streams, stream) })
			}
		}
	}
	l.send(ctx, stop)
	cancel()
	open.Wait()
}

type load struct {
	Config
	http1, http2 *pool
	rpc          *rpcPool
}

// send is the open loop.
func (l *load) send(ctx context.Context, stop <-chan struct{}) {
	shares, total := plain(), 0
	var mix []string
	for _, protocol := range l.Protocols {
		if share := shares[protocol]; share > 0 {
			mix = append(mix, slices.Repeat([]string{protocol}, share)...)
			total += share
		}
	}
	if total == 0 {
		wait(ctx, stop)
		return
	}
	var inFlight sync.WaitGroup
	defer inFlight.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for due := time.Now(); ; {
		due = due.Add(time.Duration(rand.ExpFloat64() * float64(time.Second) / float64(l.Rate)))
		timer.Reset(time.Until(due))
		select {
		case <-timer.C:
		case <-stop:
			return
		case <-ctx.Done():
			return
		}
		inFlight.Go(func() { l.request(ctx, mix[rand.IntN(len(mix))]) })
	}
}

func wait(ctx context.Context, stop <-chan struct{}) {
	select {
	case <-stop:
	case <-ctx.Done():
	}
}

// request sends one, and once more for as long as it was provably not processed.
func (l *load) request(ctx context.Context, protocol string) {
	timed, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		l.Tally.Request(protocol)
		err := l.attempt(timed, protocol)
		switch {
		case err == nil || ctx.Err() != nil:
			return
		case isUnsent(err) && timed.Err() == nil:
			l.Tally.Unsent(protocol)
		default:
			l.Tally.Lost(protocol, cause(err))
			return
		}
	}
}

func (l *load) attempt(ctx context.Context, protocol string) error {
	switch PortOf(protocol) {
	case RPC:
		return l.rpc.echo(ctx)
	case HTTP2:
		return l.http2.exchange(ctx, protocol[len("h2 "):])
	default:
		return l.http1.exchange(ctx, protocol)
	}
}

// A stream runs until it is told to end, or fails. It reports whether it has
// begun.
type stream func(context.Context) (begun bool)

func (l *load) stream(protocol string) stream {
	switch protocol {
	case "SSE":
		return func(ctx context.Context) bool { return l.events(ctx, protocol, l.http1) }
	case "h2 SSE":
		return func(ctx context.Context) bool { return l.events(ctx, protocol, l.http2) }
	case "WebSocket":
		return func(ctx context.Context) bool { return l.webSocket(ctx, protocol) }
	case "gRPC stream":
		return func(ctx context.Context) bool { return l.count(ctx, protocol) }
	case "gRPC bidi":
		return func(ctx context.Context) bool { return l.talk(ctx, protocol) }
	}
	return nil
}

// repeat begins again at once, and after a moment when it could not begin.
func repeat(ctx context.Context, stream stream) {
	for ctx.Err() == nil {
		if !stream(ctx) {
			select {
			case <-time.After(200 * time.Millisecond):
			case <-ctx.Done():
			}
		}
	}
}
