package systemd_test

import (
	"context"
	"net"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/shutdown/systemd"
)

// diary is systemd's end of NOTIFY_SOCKET.
type diary struct {
	*net.UnixConn
	t *testing.T
}

func newDiary(t *testing.T, address string) *diary {
	t.Helper()
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	t.Setenv("NOTIFY_SOCKET", address)
	return &diary{c, t}
}

// entries are what has been said since the last call. It does not wait, so that
// it also works where time is virtual.
func (d *diary) entries() []string {
	d.t.Helper()
	raw, err := d.SyscallConn()
	require.NoError(d.t, err)
	var all []string
	require.NoError(d.t, raw.Control(func(fd uintptr) {
		for b := make([]byte, 4096); ; {
			n, _, err := syscall.Recvfrom(int(fd), b, syscall.MSG_DONTWAIT)
			if err != nil {
				return
			}
			all = append(all, string(b[:n]))
		}
	}))
	return all
}

func TestSystemdIsTold(t *testing.T) {
	ready, stopping := (*systemd.Unit).Ready, (*systemd.Unit).Stopping
	type call = func(*systemd.Unit, context.Context) error

	for name, tc := range map[string]struct {
		cfg   systemd.Config
		calls []call
		want  []string
	}{
		"that the program is ready, and stopping, and that it needs half a minute for that": {
			calls: []call{ready, stopping},
			want:  []string{"READY=1", "STOPPING=1\nEXTEND_TIMEOUT_USEC=30000000"},
		},
		"the grace period": {
			cfg:   systemd.Config{GracePeriod: 2500 * time.Millisecond},
			calls: []call{stopping},
			want:  []string{"STOPPING=1\nEXTEND_TIMEOUT_USEC=2500000"},
		},
		"nothing of time where the unit alone has to say": {
			cfg:   systemd.Config{GracePeriod: -1},
			calls: []call{stopping},
			want:  []string{"STOPPING=1"},
		},
		"twice, if the program does": {
			cfg:   systemd.Config{GracePeriod: -1},
			calls: []call{stopping, stopping},
			want:  []string{"STOPPING=1", "STOPPING=1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDiary(t, filepath.Join(t.TempDir(), "notify"))
			u := systemd.New(tc.cfg)
			for _, call := range tc.calls {
				require.NoError(t, call(u, t.Context()))
			}
			require.Equal(t, tc.want, d.entries())
		})
	}
}

func TestAnAbstractSocketIsTold(t *testing.T) {
	d := newDiary(t, "@handover-"+filepath.Base(t.TempDir())+t.Name())
	require.NoError(t, systemd.New(systemd.Config{}).Ready(t.Context()))
	require.Equal(t, []string{"READY=1"}, d.entries())
}

func TestWithoutSystemdEveryCallDoesNothing(t *testing.T) {
	u := systemd.New(systemd.Config{})
	require.NoError(t, u.Ready(t.Context()))
	require.NoError(t, u.Stopping(t.Context()))
	l, err := u.Listener("api")
	require.NoError(t, err)
	require.True(t, l == nil, "an interface that is nil, or shutdown.Config would use it")
}

// A Run that returns early ends the program.
func TestWatchLastsAlsoWhereThereIsNothingToWatch(t *testing.T) {
	u := systemd.New(systemd.Config{})
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		watched := make(chan error, 1)
		go func() { watched <- u.Watch(ctx) }()
		synctest.Wait()
		require.Empty(t, watched)
		end()
		require.NoError(t, <-watched)
	})
}

func TestAnEnvironmentThatContradictsItselfIsRefusedAtTheStart(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "vsock:2:1234")
	t.Setenv("WATCHDOG_USEC", "soon")
	u := systemd.New(systemd.Config{})

	err := u.Ready(t.Context())
	require.ErrorContains(t, err, `systemd: ready: NOTIFY_SOCKET is "vsock:2:1234"`)
	require.ErrorContains(t, err, `WATCHDOG_USEC is "soon"`)
	require.ErrorContains(t, u.Watch(t.Context()), `systemd: watch: WATCHDOG_USEC is "soon"`)
	require.ErrorContains(t, u.Stopping(t.Context()), `systemd: stopping: NOTIFY_SOCKET is "vsock:2:1234"`)
}

func TestASystemdThatCannotBeReachedIsAnError(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "nobody"))
	err := systemd.New(systemd.Config{}).Ready(t.Context())
	require.ErrorIs(t, err, syscall.ENOENT)
	require.ErrorContains(t, err, "systemd: ready: dial unixgram ")
}

// The queue of a socket holds a few datagrams; who sends more waits for the reader.
func TestASystemdThatDoesNotReadIsWaitedForUntilTheContextEnds(t *testing.T) {
	newDiary(t, filepath.Join(t.TempDir(), "notify"))
	u := systemd.New(systemd.Config{})
	ctx, end := context.WithTimeout(t.Context(), 300*time.Millisecond) // real: it waits in the kernel
	defer end()
	var err error
	for err == nil {
		err = u.Ready(ctx)
	}
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "systemd: ready: ")
}

func TestASystemdThatDoesNotReadCostsTheStopLittle(t *testing.T) {
	newDiary(t, filepath.Join(t.TempDir(), "notify"))
	u := systemd.New(systemd.Config{})
	var err error
	for err == nil {
		err = u.Stopping(t.Context())
	}
	require.ErrorIs(t, err, context.DeadlineExceeded)
}
