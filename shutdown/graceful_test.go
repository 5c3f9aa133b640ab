package shutdown_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/internal/haste"
	"github.com/handover-go/handover/shutdown"
)

func TestGraceful(t *testing.T) {
	takes := func(d time.Duration) func() { return func() { time.Sleep(d) } }
	tests := map[string]struct {
		stop, kill func()
		want       string
		took       time.Duration
	}{
		"a stop that ends in time is not killed": {
			stop: takes(9 * time.Second), kill: func() { panic("killed") }, took: 9 * time.Second,
		},
		"at the deadline it is killed, and both are waited for": {
			stop: takes(10*time.Second + 50*time.Millisecond), kill: takes(100 * time.Millisecond),
			want: "shutdown: graceful stop: context deadline exceeded; killed",
			took: 10*time.Second + 100*time.Millisecond,
		},
		"a stop that kill does not end is left behind": {
			stop: takes(time.Hour), kill: func() {},
			want: "shutdown: graceful stop: context deadline exceeded; killed, and has not returned",
			took: 10*time.Second + 150*time.Millisecond,
		},
		"a kill that does not return is left behind as well": {
			stop: takes(time.Hour), kill: takes(time.Hour),
			want: "shutdown: graceful stop: context deadline exceeded; killed, and has not returned; kill has not returned",
			took: 10*time.Second + 150*time.Millisecond,
		},
		"without kill there is still a deadline": {
			stop: takes(time.Hour),
			want: "shutdown: graceful stop: context deadline exceeded; no kill, and has not returned",
			took: 10*time.Second + 150*time.Millisecond,
		},
		"a stop that panics is an error": {
			stop: func() { panic("boo") }, kill: func() {},
			want: "shutdown: graceful stop: panic: boo",
		},
		"a stop that ends its goroutine is an error": {
			stop: runtime.Goexit, kill: func() {},
			want: "shutdown: graceful stop: it called runtime.Goexit",
		},
		"a kill that panics is an error beside the deadline's": {
			stop: takes(10*time.Second + time.Millisecond), kill: func() { panic("boo") },
			want: "shutdown: graceful stop: context deadline exceeded; killed\nshutdown: graceful stop: kill: panic: boo",
			took: 10*time.Second + time.Millisecond,
		},
		"a stop that panics when it is killed is an error beside the deadline's": {
			stop: func() { time.Sleep(10*time.Second + time.Millisecond); panic("boo") }, kill: func() {},
			want: "shutdown: graceful stop: context deadline exceeded; killed\nshutdown: graceful stop: panic: boo",
			took: 10*time.Second + time.Millisecond,
		},
		"a stop that is nil is a mistake, and told": {
			kill: func() { panic("killed") },
			want: "shutdown: graceful stop: the function is nil; give Graceful a method value such as server.GracefulStop",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				began := time.Now()
				err := shutdown.Graceful(tt.stop, tt.kill)(ctx)
				if tt.want == "" {
					require.NoError(t, err)
				} else {
					require.EqualError(t, err, tt.want)
				}
				require.Equal(t, tt.took, time.Since(began))
				time.Sleep(time.Hour) // for what was left behind
			})
		})
	}
}

// GracefulStop and Stop of a gRPC server wait for each other in this way
// (grpc/grpc-go#2448).
func TestGracefulKillsBesideAndNotAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		streams := make(chan struct{})
		stop := shutdown.Graceful(func() { <-streams }, sync.OnceFunc(func() { close(streams) }))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		err := stop(ctx)
		require.EqualError(t, err, "shutdown: graceful stop: context deadline exceeded; killed")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(began))
	})
}

func TestGracefulWrapsTheCauseOfItsContext(t *testing.T) {
	reason := errors.New("the node is going away")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(reason)
	ended := make(chan struct{})
	err := shutdown.Graceful(func() { <-ended }, func() { close(ended) })(ctx)
	require.ErrorIs(t, err, reason)
	require.EqualError(t, err, "shutdown: graceful stop: the node is going away; killed")
}

func TestGracefulCalledTwiceStopsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		stop := shutdown.Graceful(func() {
			calls++
			time.Sleep(time.Minute)
		}, func() { calls += 100 })

		long, cancelLong := context.WithTimeout(t.Context(), time.Hour)
		defer cancelLong()
		short, cancelShort := context.WithTimeout(t.Context(), time.Second)
		defer cancelShort()

		first := make(chan error)
		go func() { first <- stop(long) }()
		synctest.Wait()
		began := time.Now()
		require.EqualError(t, stop(short), "shutdown: graceful stop: context deadline exceeded", "its own patience is over")
		require.Equal(t, time.Second, time.Since(began))

		require.NoError(t, stop(t.Context()), "waits for the first")
		require.Equal(t, time.Minute, time.Since(began))
		require.NoError(t, <-first)
		require.NoError(t, stop(short), "later")
		require.Equal(t, 1, calls)
	})
}

// What waits here are requests that are served, not a balancer that must be told.
func TestGracefulIsNotHastyAfterCtrlC(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, mark := haste.With(t.Context())
		mark()
		began := time.Now()
		require.NoError(t, shutdown.Graceful(func() { time.Sleep(time.Minute) }, func() { panic("killed") })(ctx))
		require.Equal(t, time.Minute, time.Since(began))
	})
}

// rpcServer behaves as a *grpc.Server with an open stream does.
type rpcServer struct{ streams chan struct{} }

func (s rpcServer) GracefulStop() { <-s.streams }
func (s rpcServer) Stop()         { close(s.streams) }

func ExampleGraceful() {
	rpc := rpcServer{streams: make(chan struct{})} // grpc.NewServer()
	stop := shutdown.Graceful(rpc.GracefulStop, rpc.Stop)

	// The context is the one that a component's Stop is given.
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	fmt.Println(stop(ctx))
	// Output:
	// shutdown: graceful stop: context deadline exceeded; killed
}
