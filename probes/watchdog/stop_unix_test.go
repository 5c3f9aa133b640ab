//go:build unix

package watchdog_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/probes"
	"github.com/handover-go/handover/probes/watchdog"
)

const isStopped = "HANDOVER_TEST_STOPPED"

// A process that is stopped for longer than the limit is alive when it goes on, and
// its loop that is deadlocked is found after that.
func TestAProcessThatIsStopped(t *testing.T) {
	if os.Getenv(isStopped) != "" {
		stopped(t)
		os.Exit(0)
	}
	t.Parallel()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), isStopped+"=1")
	var says strings.Builder
	cmd.Stdout, cmd.Stderr = &says, &says
	require.NoError(t, cmd.Start())

	var status syscall.WaitStatus
	_, err = syscall.Wait4(cmd.Process.Pid, &status, syscall.WUNTRACED, nil)
	require.NoError(t, err)
	require.True(t, status.Stopped(), "it has stopped itself: %s", &says)
	<-time.After(limit + limit/2) // real time: the child is a process
	require.NoError(t, cmd.Process.Signal(syscall.SIGCONT))
	require.NoError(t, cmd.Wait(), "%s", &says)
	require.Equal(t, []string{
		"before the stop: alive",
		"after it, with no beat within the limit: alive",
		"beaten again: alive",
		`deadlocked: {"status":"fail","checks":{"loop":{"status":"fail","reason":"late"}}}`,
		`level=INFO msg="probes: check passes"`,
		`level=WARN msg="probes: check fails" reason=late`,
		`level=ERROR msg="probes: liveness fails: if it stays so, this instance will be restarted"`,
	}, strings.Split(strings.TrimSpace(says.String()), "\n"))
}

// stopped is that process.
func stopped(t *testing.T) {
	dog := watchdog.New(watchdog.Config{})
	loop := dog.Heartbeat("loop", limit)
	var log strings.Builder // of the set: any failure would be in it, seen from here or not
	health := probes.New(probes.Config{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: reasons}))})
	check, runs := loop.Check(), make(chan struct{})
	judge := check.Run
	check.Run = func(ctx context.Context) error {
		select {
		case runs <- struct{}{}:
		default: // nobody waits for it
		}
		return judge(ctx)
	}
	check.Interval, check.MaxAge = time.Millisecond, time.Hour
	require.NoError(t, health.Add(check))
	stopHealth, stopDog := background(t.Context(), t, health.Run), background(t.Context(), t, dog.Run)

	<-runs
	waitForATick(dog)
	loop.Beat()
	beaten := time.Now()
	fmt.Println("before the stop:", verdict(loop.Check()))
	require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGSTOP))
	for time.Since(beaten) < limit { // it may take some instructions to reach this thread
	}
	waitForATick(dog) // so that what the stop counts for is counted
	fmt.Println("after it, with no beat within the limit:", verdict(loop.Check()))
	loop.Beat()
	for range 3 {
		<-runs
	}
	fmt.Println("beaten again:", verdict(loop.Check()))

	deadlock(loop)
	for strings.Contains(livez(health), `"status":"pass"`) {
		<-runs
	}
	fmt.Print("deadlocked: ", livez(health))
	stopHealth()
	stopDog()
	fmt.Print(&log)
}

// deadlock has a loop that beats lock in one order, while somebody else locks in
// the other. They stay so.
func deadlock(loop *watchdog.Heartbeat) {
	var a, b sync.Mutex
	var both sync.WaitGroup
	both.Add(2)
	lock := func(first, second *sync.Mutex) {
		first.Lock()
		both.Done()
		both.Wait()
		second.Lock()
	}
	go lock(&b, &a)
	go func() {
		for range 1000 {
			loop.Beat()
		}
		lock(&a, &b)
	}()
}

func reasons(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.LevelKey || a.Key == slog.MessageKey || a.Key == "reason" {
		return a
	}
	return slog.Attr{}
}
