package shutdown

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// lastMoment is how long Graceful waits for functions that were told to end at
// once. It fits into the moment that package lifecycle leaves after a deadline.
const lastMoment = 150 * time.Millisecond

// Graceful makes one component's Stop of a graceful stop that knows no deadline
// and a hard one, such as a gRPC server's:
//
//	lifecycle.Component{Name: "rpc", Start: rpcListen, Run: rpcServe,
//		Stop: shutdown.Graceful(rpc.GracefulStop, rpc.Stop)}
//
// A gRPC server behind a balancer that learns late is better off with GRPC:
// GracefulStop closes the listener at once.
//
// It calls stop and waits. When ctx ends first it calls kill beside stop, as one
// open stream makes GracefulStop wait for ever and only Stop ends it
// (grpc/grpc-go#2448); the error then wraps ctx's cause. A kill that is nil is not
// called. If stop has still not returned 0.15 s later, as one that waits for a
// handler which ignores its context, the error says so, and its goroutine is left
// behind. A panic of either becomes an error. Both functions are called once at
// most: a second call waits for the first.
//
// Clients with a balancer of their own believe in health, not in endpoints. So
// health goes first, in the last place, beside readiness, whose delay gives them
// the time to leave:
//
//	lifecycle.Component{Name: "rpc health", Stop: lifecycle.Call(rpcHealth.Shutdown)}
//
// A gRPC server that is mounted in an http.Server by its ServeHTTP is drained by
// that server's Shutdown; GracefulStop would close its streams in flight.
func Graceful(stop, kill func()) func(context.Context) error {
	g := &graceful{stop: stop, kill: kill, ended: make(chan struct{})}
	return g.run
}

type graceful struct {
	stop, kill func()
	once       sync.Once
	ended      chan struct{}
	err        error // readable once ended is closed
}

func (g *graceful) run(ctx context.Context) error {
	first := false
	g.once.Do(func() { first = true })
	if first {
		defer close(g.ended)
		g.err = g.end(ctx)
		return g.err
	}
	select {
	case <-g.ended:
		return g.err
	case <-ctx.Done():
	}
	select {
	case <-g.ended: // whatever has become of ctx
		return g.err
	default:
		return fmt.Errorf("shutdown: graceful stop: %w", context.Cause(ctx))
	}
}

func (g *graceful) end(ctx context.Context) error {
	if g.stop == nil {
		return errors.New("shutdown: graceful stop: the function is nil; give Graceful a method value such as server.GracefulStop")
	}
	stopped := guarded(g.stop)
	if ended, err := await(ctx, stopped); ended {
		return failed("", err)
	}
	outcome, killed := "no kill", (<-chan error)(nil)
	if g.kill != nil {
		outcome, killed = "killed", guarded(g.kill)
	}
	over, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastMoment)
	defer cancel()
	ended, stopErr := await(over, stopped)
	if !ended {
		outcome += ", and has not returned"
	}
	var killErr error
	if killed != nil {
		if ended, killErr = await(over, killed); !ended {
			outcome += "; kill has not returned"
		}
	}
	return errors.Join(
		fmt.Errorf("shutdown: graceful stop: %w; %s", context.Cause(ctx), outcome),
		failed("", stopErr), failed("kill: ", killErr))
}

// await reports whether done came before ctx ended, or as it did.
func await(ctx context.Context, done <-chan error) (ended bool, err error) {
	select {
	case err = <-done:
		return true, err
	case <-ctx.Done():
	}
	select {
	case err = <-done:
		return true, err
	default:
		return false, nil
	}
}

// guarded calls f on a goroutine of its own. A panic and runtime.Goexit are f's
// error and nobody else's.
func guarded(f func()) <-chan error {
	done := make(chan error, 1)
	go func() {
		err := errors.New("it called runtime.Goexit")
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("panic: %v", p) // not wrapped: panic(context.Canceled) is still a panic
			}
			done <- err
		}()
		f()
		err = nil
	}()
	return done
}

func failed(who string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("shutdown: graceful stop: %s%w", who, err)
}
