package systemd_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/shutdown/systemd"
)

// records are what has been logged, a line each.
type records struct {
	mu    sync.Mutex
	lines []string
}

func (r *records) Write(line []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, strings.TrimSpace(string(line)))
	return len(line), nil
}

func (r *records) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	lines := r.lines
	r.lines = nil
	return lines
}

// watched runs Watch under a WatchdogSec of 10 s, and returns after each second
// that brought something what it was: beats and records.
func watched(t *testing.T, seconds int, alive func(context.Context) error) []string {
	d := newDiary(t, filepath.Join(t.TempDir(), "notify"))
	t.Setenv("WATCHDOG_USEC", "10000000")
	t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
	var log records
	u := systemd.New(systemd.Config{Alive: alive, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == slog.LevelKey {
				return slog.Attr{}
			}
			return a
		},
	}))})

	var happened []string
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- u.Watch(ctx) }()
		for second := range seconds {
			synctest.Wait()
			for _, entry := range d.entries() {
				happened = append(happened, fmt.Sprintf("%ds %s", second, entry))
			}
			for _, record := range log.take() {
				happened = append(happened, fmt.Sprintf("%ds %s", second, record))
			}
			time.Sleep(time.Second)
		}
		end()
		require.NoError(t, <-done)
	})
	return happened
}

func TestTheWatchdogIsBeatenTwiceWithinItsTime(t *testing.T) {
	require.Equal(t, []string{"0s WATCHDOG=1", "5s WATCHDOG=1", "10s WATCHDOG=1", "15s WATCHDOG=1"}, watched(t, 17, nil))
}

func TestAProgramThatIsNotAliveDoesNotBeat(t *testing.T) {
	began := time.Time{}
	require.Equal(t, []string{
		"0s WATCHDOG=1",
		`5s msg="watchdog not beaten, systemd will kill the process" within=10s err="the loop is stuck"`,
		"8s WATCHDOG=1",
		`8s msg="watchdog beaten again"`,
		"13s WATCHDOG=1",
	}, watched(t, 15, func(context.Context) error {
		if began.IsZero() {
			began = time.Now()
		}
		if in := time.Since(began); in > 4*time.Second && in < 8*time.Second {
			return errors.New("the loop is stuck")
		}
		return nil
	}))
}

func TestAnAnswerThatIsLateIsNone(t *testing.T) {
	for name, alive := range map[string]func(context.Context) error{
		"it honours its context": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		"it does not": func(context.Context) error {
			time.Sleep(3 * time.Second)
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			happened := watched(t, 5, alive)
			require.Len(t, happened, 1)
			require.Contains(t, happened[0], "watchdog not beaten")
			require.Contains(t, happened[0], "deadline exceeded")
		})
	}
}

func TestABeatThatCannotBeSentIsTriedAgain(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "notify")
	tries := 0
	happened := watched(t, 3, func(context.Context) error {
		if tries++; tries == 1 {
			return os.Rename(os.Getenv("NOTIFY_SOCKET"), socket)
		}
		return os.Rename(socket, os.Getenv("NOTIFY_SOCKET"))
	})
	require.Len(t, happened, 3)
	require.Contains(t, happened[0], "0s msg=\"watchdog not beaten")
	require.Contains(t, happened[0], "no such file")
	require.Equal(t, []string{"1s WATCHDOG=1", `1s msg="watchdog beaten again"`}, happened[1:])
}
