package shutdown_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/internal/haste"
	"github.com/handover-go/handover/shutdown"
)

// On Windows the runtime delivers os.Interrupt for Ctrl-C and Ctrl-Break, and SIGTERM
// for a console that is closed, a log-off and a shutdown; no signal can kill.
func TestWhereNoSignalCanKill(t *testing.T) {
	type event struct {
		after  time.Duration
		signal os.Signal
	}
	const says = "shutdown: interrupted while stopping: killed before everything was handed over\n"
	for name, tc := range map[string]struct {
		events []event
		want   []string
	}{
		"Ctrl-C is a person, who is in haste": {
			[]event{{0, os.Interrupt}},
			[]string{"interrupt signal received, haste true"},
		},
		"a console that is closed is a supervisor": {
			[]event{{0, syscall.SIGTERM}},
			[]string{"terminated signal received, haste false"},
		},
		"closing it while the user logs off is one": {
			[]event{{0, syscall.SIGTERM}, {3 * time.Second, syscall.SIGTERM}},
			[]string{"terminated signal received, haste false"},
		},
		"Ctrl-C and Ctrl-Break within a second are one": {
			[]event{{0, os.Interrupt}, {time.Second, os.Interrupt}},
			[]string{"interrupt signal received, haste true"},
		},
		"a later Ctrl-C exits": {
			[]event{{0, os.Interrupt}, {1001 * time.Millisecond, os.Interrupt}},
			[]string{"interrupt signal received, haste true", says, "tries to die", "exit 130"},
		},
		"a later Ctrl-C exits also where the console was closed": {
			[]event{{0, syscall.SIGTERM}, {1001 * time.Millisecond, os.Interrupt}},
			[]string{"terminated signal received, haste false", says, "tries to die", "exit 130"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var happened []string
				var stderr strings.Builder
				signals := make(chan os.Signal)
				ctx, stop := shutdown.NotifyOn(t.Context(), signals,
					func() { happened = append(happened, stderr.String(), "tries to die") },
					func(status int) { happened = append(happened, fmt.Sprint("exit ", status)) },
					&stderr)
				for i, event := range tc.events {
					time.Sleep(event.after)
					signals <- event.signal
					synctest.Wait()
					if i == 0 {
						happened = append(happened, fmt.Sprintf("%v, haste %v", context.Cause(ctx), haste.Asked(ctx)))
					}
				}
				stop()
				require.Equal(t, tc.want, happened)
			})
		})
	}
}
