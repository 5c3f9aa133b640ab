//go:build unix

package fleet_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/examples/rollout/internal/fleet"
)

// kind says that this binary is the program, and which.
const kind = "FLEET_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if kind := os.Getenv(kind); kind != "" {
		os.Exit(serve(kind))
	}
	goleak.VerifyTestMain(m)
}

// serve is a program that is ready, one that never is, or one that ends by itself.
func serve(kind string) int {
	flag.String("listen", "", "")
	flag.String("version", "", "")
	admin := flag.String("admin", "", "")
	flag.Parse()
	status := http.StatusOK
	switch kind {
	case "never":
		status = http.StatusServiceUnavailable
	case "broken":
		fmt.Fprintln(os.Stderr, "no such table")
		return 3
	}
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM)
	go func() {
		_ = http.ListenAndServe(*admin, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	}()
	<-told
	return 0
}

func started(t *testing.T, is string) (*fleet.Fleet, *fleet.Process) {
	t.Helper()
	f := fleet.New(os.Args[0])
	t.Cleanup(f.End)
	p, err := f.Start(fleet.Release{Version: "v1", Env: []string{kind + "=" + is}})
	require.NoError(t, err)
	require.Equal(t, "v1-1", p.Name)
	return f, p
}

func TestAProcessIsReadyAndEndsWhenItIsTold(t *testing.T) {
	f, p := started(t, "ready")
	require.NoError(t, p.Ready(t.Context()))
	p.Terminate()
	p.Terminate() // once more is nothing
	<-p.Exited
	status, took := p.State()
	require.Equal(t, "exit status 0", status)
	require.Positive(t, took)
	require.Empty(t, f.Lost())
	p.Kill() // neither is this
}

func TestAProcessThatIsNeverReady(t *testing.T) {
	f, p := started(t, "never")
	late := errors.New("too late")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 200*time.Millisecond, late)
	defer cancel()
	require.ErrorIs(t, p.Ready(ctx), late)
	f.End()
	require.ErrorIs(t, syscall.Kill(p.PID, 0), syscall.ESRCH)
	f2 := fleet.New(os.Args[0])
	f2.End() // of one that has started nothing
}

func TestAProcessThatEndsByItself(t *testing.T) {
	f, p := started(t, "broken")
	require.ErrorContains(t, p.Ready(t.Context()), "v1-1 has ended before it was ready; its last output:\nno such table")
	require.Same(t, p, <-f.Lost())
}

func TestAProgramThatIsNotThere(t *testing.T) {
	f := fleet.New("/nowhere")
	t.Cleanup(f.End)
	_, err := f.Start(fleet.Release{Version: "v1"})
	require.ErrorIs(t, err, os.ErrNotExist)
}
