package pipenet_test

import (
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/internal/pipenet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestADeadlineEndsAcceptAndTheNextOneIsNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := pipenet.Listen(1)
		began := time.Now()
		require.NoError(t, l.SetDeadline(began.Add(time.Second)))
		_, err := l.Accept()
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.Equal(t, time.Second, time.Since(began))

		go func() {
			time.Sleep(time.Second)
			_ = l.SetDeadline(time.Now())
		}()
		require.NoError(t, l.SetDeadline(began.Add(time.Hour)))
		_, err = l.Accept()
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.Equal(t, 2*time.Second, time.Since(began))
		require.NoError(t, l.Close())
	})
}

func TestCloseForgetsWhatNobodyAccepted(t *testing.T) {
	l := pipenet.Listen(1)
	c, err := l.Dial(t.Context())
	require.NoError(t, err)
	require.NoError(t, l.Close())

	_, err = c.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
	_, err = l.Dial(t.Context())
	require.ErrorIs(t, err, net.ErrClosed)
	_, err = l.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
}
