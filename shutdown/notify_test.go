package shutdown_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/internal/haste"
	"github.com/handover-go/handover/shutdown"
)

// notifyChild is the process that the tests send signals to: it says what it
// sees, and ends when its standard input does. It gives no signal its default
// action back, since one that was sent may still be on its way.
func notifyChild() {
	seen := make(chan os.Signal, 10)
	if os.Getenv("HANDOVER_TEST_NOTIFY") == "alone" {
		signal.Notify(seen, syscall.SIGTERM)
	} else {
		signal.Notify(seen, os.Interrupt, syscall.SIGTERM) // beside Notify, to tell what has arrived
	}
	ctx, _ := shutdown.Notify(context.Background())
	fmt.Println("ready")
	<-ctx.Done()
	fmt.Printf("%v, haste %v\n", context.Cause(ctx), haste.Asked(ctx))
	<-seen
	go func() {
		for s := range seen {
			fmt.Println("again:", s)
		}
	}()
	_, _ = io.Copy(io.Discard, os.Stdin)
}

type child struct {
	*exec.Cmd
	t     *testing.T
	stdin io.Closer
	lines *bufio.Scanner

	stderr *strings.Builder // readable once the child has ended
}

func startChild(t *testing.T) *child {
	t.Helper()
	return startChildWith(t, func(*exec.Cmd) {})
}

func startChildWith(t *testing.T, change func(*exec.Cmd)) *child {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), "HANDOVER_TEST_NOTIFY=1")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	change(cmd)
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	c := &child{Cmd: cmd, t: t, stdin: stdin, lines: bufio.NewScanner(stdout), stderr: &stderr}
	require.Equal(t, "ready", c.line())
	return c
}

func (c *child) line() string {
	c.t.Helper()
	require.True(c.t, c.lines.Scan(), "the child has ended")
	return c.lines.Text()
}

func (c *child) signal(s os.Signal) {
	c.t.Helper()
	require.NoError(c.t, c.Process.Signal(s))
}

// wait returns how the child ended: "exit status 0" or "signal: interrupt".
func (c *child) wait() string {
	_ = c.stdin.Close()
	_ = c.Wait()
	return c.ProcessState.String()
}

// dies waits for the child to end by itself, and requires that it says why.
func (c *child) dies() string {
	c.t.Helper()
	for c.lines.Scan() { // it may still say what has come
	}
	_ = c.Wait()
	require.Contains(c.t, c.stderr.String(), "shutdown: interrupted while stopping: killed before everything was handed over\n")
	return c.ProcessState.String()
}

func TestTheFirstSignalEndsTheContextAndIsItsCause(t *testing.T) {
	for name, tc := range map[string]struct {
		signal os.Signal
		says   string
	}{
		"SIGTERM is a supervisor":             {syscall.SIGTERM, "terminated signal received, haste false"},
		"SIGINT is a person, who is in haste": {os.Interrupt, "interrupt signal received, haste true"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := startChild(t)
			c.signal(tc.signal)
			require.Equal(t, tc.says, c.line())
			require.Equal(t, "exit status 0", c.wait())
		})
	}
}

func TestARepeatedSIGTERMIsIgnored(t *testing.T) {
	t.Parallel()
	c := startChild(t)
	c.signal(syscall.SIGTERM)
	c.line()
	<-time.After(1100 * time.Millisecond) // a real second: the child is a process
	for range 3 {
		c.signal(syscall.SIGTERM)
		require.Equal(t, "again: terminated", c.line())
	}
	require.Equal(t, "exit status 0", c.wait())
}

func TestTheSameCtrlCTwiceIsOne(t *testing.T) {
	t.Parallel()
	c := startChild(t)
	c.signal(os.Interrupt)
	c.line()
	c.signal(os.Interrupt)
	require.Equal(t, "again: interrupt", c.line())
	require.Equal(t, "exit status 0", c.wait())
}

func TestALaterCtrlCKillsAtOnce(t *testing.T) {
	t.Parallel()
	c := startChild(t)
	c.signal(syscall.SIGTERM)
	c.line()
	<-time.After(1100 * time.Millisecond) // a real second: the child is a process
	c.signal(os.Interrupt)
	require.Equal(t, "signal: interrupt", c.dies())
}

// A shell without job control ignores SIGINT for what it runs in the background.
func TestASIGINTThatIsIgnoredStaysIgnored(t *testing.T) {
	t.Parallel()
	c := startChildWith(t, func(cmd *exec.Cmd) {
		cmd.Args = []string{"sh", "-c", `trap "" INT; exec "$0"`, cmd.Path}
		cmd.Path = "/bin/sh"
		cmd.Env = append(cmd.Env, "HANDOVER_TEST_NOTIFY=alone")
	})
	c.signal(os.Interrupt)
	c.signal(syscall.SIGTERM)
	require.Equal(t, "terminated signal received, haste false", c.line())
	require.Equal(t, "exit status 0", c.wait())
}

func TestSIGQUITIsUntouched(t *testing.T) {
	t.Parallel()
	c := startChild(t)
	c.signal(syscall.SIGQUIT)
	require.False(t, c.lines.Scan())
	_ = c.Wait()
	require.Equal(t, "exit status 2", c.ProcessState.String()) // the Go runtime's, after printing all stacks
}

func TestStopIsLegalTwiceAndEndsTheContext(t *testing.T) {
	ctx, stop := shutdown.Notify(t.Context())
	require.NoError(t, ctx.Err())
	stop()
	stop()
	require.ErrorIs(t, context.Cause(ctx), context.Canceled)
}
