package wire_test

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/shutdown/droptest/internal/wire"
)

const half = 10 * time.Millisecond // what one direction of the wire takes

// laid is a wire between the test and the far end of a pipe, in virtual time.
func laid(t *testing.T, test func(t *testing.T, near *wire.Wire, far net.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		conn, far := net.Pipe()
		var wires wire.Set
		defer func() { _ = far.Close() }()
		defer wires.Close()
		test(t, wires.Add(conn, half), far)
	})
}

func TestBytesTakeHalfARoundTripInEachDirection(t *testing.T) {
	laid(t, func(t *testing.T, near *wire.Wire, far net.Conn) {
		buf := make([]byte, 8)
		begin := time.Now()

		_, err := near.Write([]byte("there"))
		require.NoError(t, err)
		require.Zero(t, time.Since(begin), "writing does not wait")
		n, err := far.Read(buf)
		require.NoError(t, err)
		require.Equal(t, "there", string(buf[:n]))
		require.Equal(t, half, time.Since(begin))

		_, err = far.Write([]byte("and back"))
		require.NoError(t, err)
		_, err = io.ReadFull(near, buf)
		require.NoError(t, err)
		require.Equal(t, "and back", string(buf))
		require.Equal(t, 2*half, time.Since(begin))
	})
}

func TestBytesFollowEachOtherAtTheDistanceTheyWereSent(t *testing.T) {
	laid(t, func(t *testing.T, near *wire.Wire, far net.Conn) {
		begin := time.Now()
		var arrived []time.Duration
		var reading sync.WaitGroup
		reading.Go(func() {
			for range 3 {
				_, err := far.Read(make([]byte, 8))
				if err == nil {
					arrived = append(arrived, time.Since(begin))
				}
			}
		})
		for range 3 {
			_, err := near.Write([]byte("x"))
			require.NoError(t, err)
			time.Sleep(4 * time.Millisecond)
		}
		reading.Wait()
		require.Equal(t, []time.Duration{half, half + 4*time.Millisecond, half + 8*time.Millisecond}, arrived)
	})
}

func TestTheEndTakesAsLongAsBytesDo(t *testing.T) {
	laid(t, func(t *testing.T, near *wire.Wire, far net.Conn) {
		begin := time.Now()
		require.NoError(t, far.Close())
		synctest.Wait()
		require.False(t, near.Dead(), "the end is on its way: this is the race")
		time.Sleep(half)
		require.True(t, near.Dead())
		for range 2 {
			_, err := near.Read(make([]byte, 1))
			require.ErrorIs(t, err, io.EOF)
		}
		require.Equal(t, half, time.Since(begin))
	})
}

func TestHangingUpIsHeardHalfARoundTripLater(t *testing.T) {
	laid(t, func(t *testing.T, near *wire.Wire, far net.Conn) {
		begin := time.Now()
		near.HangUp()
		_, err := far.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
		require.Equal(t, half, time.Since(begin))
		synctest.Wait()
		require.True(t, near.Dead())
		_, err = near.Write([]byte("too late"))
		require.ErrorIs(t, err, net.ErrClosed)
	})
}

func TestBytesThatNobodyAskedForMakeAKeptConnectionDead(t *testing.T) {
	laid(t, func(t *testing.T, near *wire.Wire, far net.Conn) {
		require.False(t, near.Dead())
		_, err := far.Write([]byte("HTTP/1.1 408 Request Timeout\r\n\r\n"))
		require.NoError(t, err)
		time.Sleep(half)
		require.True(t, near.Dead())
	})
}

func TestAWireThatNobodyReadsPushesBack(t *testing.T) {
	laid(t, func(t *testing.T, _ *wire.Wire, far net.Conn) {
		require.NoError(t, far.SetWriteDeadline(time.Now().Add(time.Hour)))
		sent := 0
		for {
			_, err := far.Write([]byte("x"))
			if err != nil {
				require.ErrorContains(t, err, "timeout")
				break
			}
			sent++
		}
		require.Less(t, sent, 100)
	})
}

func TestTheEndOfASetEndsAWaitingReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, far := net.Pipe()
		var wires wire.Set
		near := wires.Add(conn, half)
		failed := make(chan error, 1)
		go func() {
			_, err := near.Read(make([]byte, 1))
			failed <- err
		}()
		synctest.Wait()
		wires.Close()
		require.ErrorIs(t, <-failed, net.ErrClosed)
		_, err := far.Read(make([]byte, 1))
		require.True(t, errors.Is(err, io.EOF))
	})
}

func TestDiallingTakesARoundTrip(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = ln.Close() }()
	var wires wire.Set
	defer wires.Close()
	begin := time.Now()
	near, err := wires.Dial(t.Context(), ln.Addr().String(), half)
	require.NoError(t, err)
	require.GreaterOrEqual(t, time.Since(begin), 2*half)
	require.Nil(t, near.End())

	far, err := ln.Accept()
	require.NoError(t, err)
	defer func() { _ = far.Close() }()
	require.Equal(t, far.RemoteAddr().String(), near.LocalAddr().String())
	near.Reset()
	_, err = far.Read(make([]byte, 1))
	require.ErrorIs(t, err, syscall.ECONNRESET)
}

func TestDiallingThatIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), half/2)
		defer cancel()
		begin := time.Now()
		var wires wire.Set
		_, err := wires.Dial(ctx, "192.0.2.1:1", half)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, half/2, time.Since(begin))
	})
}

func TestAClosedSetOpensNothing(t *testing.T) {
	conn, far := net.Pipe()
	var wires wire.Set
	wires.Close()
	near := wires.Add(conn, 0)
	_, err := near.Write([]byte("x"))
	require.ErrorIs(t, err, net.ErrClosed)
	_, err = far.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
}

func TestForwardingCarriesBytesAndTheEnd(t *testing.T) {
	laid(t, func(t *testing.T, near *wire.Wire, far net.Conn) {
		conn, beyond := net.Pipe()
		var wires wire.Set
		defer wires.Close()
		next := wires.Add(conn, half)
		var forwarding sync.WaitGroup
		defer forwarding.Wait()
		forwarding.Go(func() { near.Forward(next) })

		begin := time.Now()
		_, err := far.Write([]byte("on"))
		require.NoError(t, err)
		require.NoError(t, far.Close())
		all, err := io.ReadAll(beyond)
		require.NoError(t, err)
		require.Equal(t, "on", string(all))
		require.Equal(t, 2*half, time.Since(begin))
	})
}
