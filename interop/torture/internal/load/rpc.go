package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/stats"

	"github.com/handover-go/handover/interop/torture/internal/app"
)

// rpcPool spreads calls over some gRPC connections. gRPC sends again what was
// provably not processed, and nothing else: retries are off.
type rpcPool struct {
	conns []*grpc.ClientConn
	err   error
}

func newRPC(cfg Config) *rpcPool {
	p := &rpcPool{}
	for range widely {
		conn, err := grpc.NewClient("passthrough:///torture",
			grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return cfg.Dial(ctx, RPC) }),
			grpc.WithDisableRetry(),
			grpc.WithStatsHandler(replays{cfg}),
		)
		if err != nil {
			p.err = err
			return p
		}
		p.conns = append(p.conns, conn)
	}
	return p
}

func (p *rpcPool) close() {
	for _, conn := range p.conns {
		_ = conn.Close() // of a client that is done
	}
}

func (p *rpcPool) any() *grpc.ClientConn { return p.conns[rand.IntN(len(p.conns))] }

// replays counts attempts that gRPC repeats by itself.
type replays struct{ Config }

type methodKey struct{}

func (r replays) TagRPC(ctx context.Context, info *stats.RPCTagInfo) context.Context {
	return context.WithValue(ctx, methodKey{}, info.FullMethodName)
}

func (r replays) HandleRPC(ctx context.Context, s stats.RPCStats) {
	if begin, ok := s.(*stats.Begin); ok && begin.IsTransparentRetryAttempt {
		protocol := "gRPC unary"
		switch ctx.Value(methodKey{}) {
		case method("Count"):
			protocol = "gRPC stream"
		case method("Talk"):
			protocol = "gRPC bidi"
		}
		r.Tally.Unsent(protocol)
	}
}

func (replays) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (replays) HandleConn(context.Context, stats.ConnStats)                       {}

func method(name string) string { return "/" + app.RPCName + "/" + name }

func (p *rpcPool) echo(ctx context.Context) error {
	if p.err != nil {
		return p.err
	}
	in, out := &app.Message{Value: fmt.Sprint(rand.Uint64())}, new(app.Message)
	if err := p.any().Invoke(ctx, method("Echo"), in, out); err != nil {
		return err
	}
	if in.Value != out.Value {
		return fmt.Errorf("another answer: %.40q", out.Value)
	}
	return nil
}

// open begins a stream, and reports with its tally when it cannot.
func (l *load) open(ctx context.Context, protocol, name string) grpc.ClientStream {
	l.Tally.Request(protocol)
	desc := &grpc.StreamDesc{ServerStreams: true, ClientStreams: name == "Talk"}
	stream, err := l.rpc.any().NewStream(ctx, desc, method(name))
	if err == nil && name == "Count" {
		if err = stream.SendMsg(new(app.Message)); errors.Is(err, io.EOF) {
			err = stream.RecvMsg(new(app.Message)) // says why
		}
		if err == nil {
			err = stream.CloseSend()
		}
	}
	if err != nil {
		if ctx.Err() == nil {
			l.Tally.Lost(protocol, cause(err))
		}
		return nil
	}
	return stream
}

// count is a server stream.
func (l *load) count(ctx context.Context, protocol string) bool {
	if l.rpc.err != nil {
		return false
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream := l.open(ctx, protocol, "Count")
	if stream == nil {
		return false
	}
	sequence := numbered{load: l, protocol: protocol}
	for {
		message := new(app.Message)
		if err := stream.RecvMsg(message); err != nil {
			if sequence.count == 0 && ctx.Err() == nil {
				l.Tally.Lost(protocol, cause(err)) // it has not begun
				return false
			}
			sequence.end(ctx, err)
			return true
		}
		if !sequence.next(message.Value) {
			return true
		}
	}
}

// talk is a stream in both directions.
func (l *load) talk(ctx context.Context, protocol string) bool {
	if l.rpc.err != nil {
		return false
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream := l.open(ctx, protocol, "Talk")
	if stream == nil {
		return false
	}
	answers, end := make(chan string), make(chan error, 1)
	read := func() {
		for {
			message := new(app.Message)
			if err := stream.RecvMsg(message); err != nil {
				end <- err
				return
			}
			select {
			case answers <- message.Value:
			case <-ctx.Done():
				return
			}
		}
	}
	go read()
	return l.converse(ctx, conversation{
		protocol: protocol, answers: answers, end: end, lazy: true,
		send:   func(message string) error { return stream.SendMsg(&app.Message{Value: message}) },
		proper: func(err error) bool { return errors.Is(err, io.EOF) },
	})
}
