//go:build unix

package droptest_test

import (
	"context"
	"errors"
	"net"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/shutdown/droptest"
)

// watched is a configuration that notes every process that was started.
func watched(then func(droptest.Event)) (cfg droptest.Config, pids func() []int) {
	var started []int
	cfg = hurried(droptest.Layer4)
	cfg.Replicas = 2
	cfg.OnEvent = func(e droptest.Event) {
		if e.What == "started" {
			started = append(started, e.Process.PID)
		}
		then(e)
	}
	return cfg, func() []int { return started }
}

func requireGone(t *testing.T, pids []int) {
	t.Helper()
	require.NotEmpty(t, pids)
	for _, pid := range pids {
		require.ErrorIs(t, syscall.Kill(pid, 0), syscall.ESRCH, "process %d is still there", pid)
	}
}

var everyMoment = []string{"started", "ready", "tick", "signalled", "exited"}

func TestTheEndOfTheContextEndsEverything(t *testing.T) {
	t.Parallel()
	errEnough := errors.New("enough")
	for _, moment := range everyMoment {
		t.Run(moment, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			cfg, pids := watched(func(e droptest.Event) {
				if e.What == moment {
					cancel(errEnough)
				}
			})
			result, err := droptest.New(cfg).Roll(ctx, version("v1", release{linger: linger}), version("v2", release{}))
			require.ErrorIs(t, err, errEnough)
			require.ErrorContains(t, err, "droptest: roll v1 to v2: ")
			requireGone(t, pids())
			require.Len(t, result.Processes, len(pids()), "what there was until then")
			require.Zero(t, result.Failed, "requests that were given up are no failures")
			for _, p := range result.Processes {
				require.NotEmpty(t, p.Status)
			}
		})
	}
}

func TestAPanicEndsEverything(t *testing.T) {
	t.Parallel()
	for _, moment := range everyMoment {
		t.Run(moment, func(t *testing.T) {
			t.Parallel()
			cfg, pids := watched(func(e droptest.Event) {
				if e.What == moment {
					panic("the observer is broken")
				}
			})
			require.PanicsWithValue(t, "the observer is broken", func() {
				_, _ = droptest.New(cfg).Roll(t.Context(), version("v1", release{linger: linger}), version("v2", release{}))
			})
			requireGone(t, pids())
		})
	}
}

// As require does, when it is called in Command.
func TestAGoroutineThatExitsEndsEverything(t *testing.T) {
	t.Parallel()
	cfg, pids := watched(func(droptest.Event) {})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = droptest.New(cfg).Roll(t.Context(), version("v1", release{}),
			droptest.Version{Name: "v2", Command: func(droptest.Addresses) *exec.Cmd {
				runtime.Goexit()
				return nil
			}})
	}()
	<-ended
	requireGone(t, pids())
}

func TestADeploymentThatDoesNotCome(t *testing.T) {
	t.Parallel()
	missing := droptest.Version{Name: "v2", Command: func(droptest.Addresses) *exec.Cmd { return exec.Command("/does/not/exist") }}
	nothing := droptest.Version{Name: "v2", Command: func(droptest.Addresses) *exec.Cmd { return nil }}
	good := version("v1", release{linger: linger})
	tests := map[string]struct {
		old, next droptest.Version
		within    time.Duration // to be ready; the default is no matter but where it has to run out
		want      []string
	}{
		"the old version dies at the start": {
			old: version("v1", release{fault: diesAtStart}), next: good,
			want: []string{"droptest: roll v1 to v1: v1-", "ended without being told to: exit status 3", "no database, giving up"},
		},
		"the new version dies at the start": {
			old: good, next: version("v2", release{fault: diesAtStart}),
			want: []string{"v2-3 ended without being told to: exit status 3", "no database, giving up"},
		},
		"the new version is never ready": {
			old: good, next: version("v2", release{fault: neverReady}), within: 3 * time.Second,
			want: []string{"v2-3 is not ready within 3s (http://127.0.0.1:", "/readyz has to answer 200); it wrote nothing"},
		},
		"the old version dies under load": {
			old: version("v1", release{fault: diesLater}), next: good,
			want: []string{"ended without being told to: exit status 4"},
		},
		"there is no such program": {
			old: good, next: missing,
			want: []string{"start v2-3: ", "/does/not/exist", "no such file"},
		},
		"there is no command": {
			old: good, next: nothing,
			want: []string{"start v2-3: Command returned nil: return an *exec.Cmd"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, pids := watched(func(droptest.Event) {})
			cfg.StartTimeout = tt.within
			_, err := droptest.New(cfg).Roll(t.Context(), tt.old, tt.next)
			for _, part := range tt.want {
				require.ErrorContains(t, err, part)
			}
			requireGone(t, pids())
		})
	}
}

func TestAnAddressThatIsTakenIsAnErrorBeforeAnythingStarts(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, ln.Close()) }()
	v := droptest.Version{Name: "v", Command: func(droptest.Addresses) *exec.Cmd {
		t.Error("something was started")
		return nil
	}}
	_, err = droptest.New(droptest.Config{Listen: ln.Addr().String()}).Roll(t.Context(), v, v)
	require.ErrorContains(t, err, "droptest: the balancer cannot listen: ")
	require.ErrorContains(t, err, ln.Addr().String())
	require.ErrorContains(t, err, "choose another Config.Listen")
	require.ErrorIs(t, err, syscall.EADDRINUSE)
}
