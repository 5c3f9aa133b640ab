package systemd_test

import (
	"log/slog"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain also is what systemd would start: see program.
func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	if name := os.Getenv("HANDOVER_TEST_SYSTEMD"); name != "" {
		program(name)
		os.Exit(0)
	}
	for _, name := range []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		_ = os.Unsetenv(name) // the tests may run under systemd themselves
	}
	goleak.VerifyTestMain(m)
}
