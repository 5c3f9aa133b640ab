package droptest_test

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/shutdown/droptest"
)

const half = 10 * time.Millisecond // what one direction of the wire takes

// laid is a wire between the test and the far end of a pipe, in virtual time.
func laid(t *testing.T, test func(t *testing.T, near *droptest.Wire, far net.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		conn, far := net.Pipe()
		near, stop := droptest.NewWire(conn, half)
		defer func() { _ = far.Close() }()
		defer stop()
		test(t, near, far)
	})
}

func TestBytesTakeHalfARoundTripInEachDirection(t *testing.T) {
	laid(t, func(t *testing.T, near *droptest.Wire, far net.Conn) {
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
	laid(t, func(t *testing.T, near *droptest.Wire, far net.Conn) {
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
	laid(t, func(t *testing.T, near *droptest.Wire, far net.Conn) {
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
	laid(t, func(t *testing.T, near *droptest.Wire, far net.Conn) {
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
	laid(t, func(t *testing.T, near *droptest.Wire, far net.Conn) {
		require.False(t, near.Dead())
		_, err := far.Write([]byte("HTTP/1.1 408 Request Timeout\r\n\r\n"))
		require.NoError(t, err)
		time.Sleep(half)
		require.True(t, near.Dead())
	})
}

func TestAWireThatNobodyReadsPushesBack(t *testing.T) {
	laid(t, func(t *testing.T, _ *droptest.Wire, far net.Conn) {
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

func TestAnAbortedWireEndsAWaitingReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, far := net.Pipe()
		near, stop := droptest.NewWire(conn, half)
		failed := make(chan error, 1)
		go func() {
			_, err := near.Read(make([]byte, 1))
			failed <- err
		}()
		synctest.Wait()
		stop()
		require.ErrorIs(t, <-failed, net.ErrClosed)
		_, err := far.Read(make([]byte, 1))
		require.True(t, errors.Is(err, io.EOF))
	})
}
