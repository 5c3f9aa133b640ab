//go:build unix

package process_test

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/shutdown/droptest/internal/process"
)

// started is a process of a behaviour that says when it runs, and what it writes.
func started(t *testing.T, set *process.Set, b behaviour) (*process.Process, *bufio.Reader) {
	t.Helper()
	near, far, err := os.Pipe()
	require.NoError(t, err)
	t.Cleanup(func() { _ = near.Close() })
	p, err := set.Start("v", command(b, far))
	_ = far.Close()
	require.NoError(t, err)
	output := bufio.NewReader(near)
	line, err := output.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "running\n", line)
	return p, output
}

func requireGone(t *testing.T, p *process.Process) {
	t.Helper()
	require.ErrorIs(t, syscall.Kill(p.PID, 0), syscall.ESRCH, "%s is still there", p.Name)
}

func TestAProcessThatObeysSIGTERM(t *testing.T) {
	set := process.New(1, false)
	defer set.End()
	p, _ := started(t, set, obedient)
	require.Equal(t, process.State{}, p.State())

	require.NoError(t, p.Terminate(time.Hour))
	<-p.Exited
	requireGone(t, p)
	state := p.State()
	require.Positive(t, state.Took)
	state.Took = 0
	require.Equal(t, process.State{Signalled: true, Status: "exit status 0"}, state)
}

func TestAProcessThatIgnoresSIGTERMIsKilledWhenItIsLate(t *testing.T) {
	set := process.New(1, false)
	defer set.End()
	p, _ := started(t, set, stubborn)
	const patience = 50 * time.Millisecond
	require.NoError(t, p.Terminate(patience))
	<-p.Exited
	requireGone(t, p)
	state := p.State()
	require.GreaterOrEqual(t, state.Took, patience)
	state.Took = 0
	require.Equal(t, process.State{Signalled: true, Killed: true, Status: "signal: killed"}, state)
}

func TestTheEndOfASetIsTheEndOfItsProcesses(t *testing.T) {
	set := process.New(2, false)
	untouched, _ := started(t, set, stubborn)
	told, _ := started(t, set, stubborn)
	require.NoError(t, told.Terminate(time.Hour))
	set.End()
	for _, p := range set.All() {
		requireGone(t, p)
	}
	require.Equal(t, process.State{Status: "signal: killed"}, untouched.State())
	require.False(t, told.State().Killed, "it was not late")
}

func TestTheEndOfASetThatHasStartedNothing(*testing.T) {
	process.New(1, false).End()
}

func TestAProcessThatExitsByItself(t *testing.T) {
	set := process.New(1, false)
	defer set.End()
	p, err := set.Start("v", command(broken, nil))
	require.NoError(t, err)
	require.Same(t, p, <-set.Exits())
	<-p.Exited
	require.NoError(t, p.Terminate(time.Hour), "it is too late, and no mistake")
	require.Equal(t, process.State{Status: "exit status 3"}, p.State())
	require.EqualError(t, p.Failed("is broken"), "v-1 is broken; its last output:\nno database, giving up")
}

func TestTheLastOutputIsKept(t *testing.T) {
	set := process.New(2, false)
	defer set.End()
	much, err := set.Start("v", command(verbose, nil))
	require.NoError(t, err)
	<-much.Exited
	text := much.Failed("wrote much").Error()
	require.Less(t, len(text), 5000)
	require.Regexp(t, `^v-1 wrote much; its last output:\n\.+the end$`, text)

	nothing, err := set.Start("v", command(silent, nil))
	require.NoError(t, err)
	require.EqualError(t, nothing.Failed("is silent"), "v-2 is silent; it wrote nothing")
}

func TestAProcessThatCannotBeStarted(t *testing.T) {
	tests := map[string]struct {
		room    int
		command func(process.Addresses) *exec.Cmd
		want    []string
	}{
		"there is no such program": {1, func(process.Addresses) *exec.Cmd { return exec.Command("/does/not/exist") }, []string{"start v-1: ", "/does/not/exist", "no such file"}},
		"there is no command":      {1, func(process.Addresses) *exec.Cmd { return nil }, []string{"start v-1: Command returned nil: return an *exec.Cmd"}},
		"there is no room":         {0, command(obedient, nil), []string{"start v-1: the set has room for 0"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			set := process.New(tt.room, false)
			defer set.End()
			_, err := set.Start("v", tt.command)
			for _, part := range tt.want {
				require.ErrorContains(t, err, part)
			}
			require.Empty(t, set.All())
		})
	}
}

func TestAddressesAreFreeAndGivenOnce(t *testing.T) {
	const processes = 5
	for onePort, want := range map[bool]int{false: 2 * processes, true: processes} {
		set := process.New(processes, onePort)
		given := map[string]bool{}
		for range processes {
			p, err := set.Start("v", func(a process.Addresses) *exec.Cmd {
				for _, address := range []string{a.API, a.Probes} {
					ln, err := net.Listen("tcp", address)
					require.NoError(t, err)
					require.NoError(t, ln.Close())
				}
				return self(broken)
			})
			require.NoError(t, err)
			require.Equal(t, onePort, p.Addresses.API == p.Addresses.Probes)
			given[p.Addresses.API], given[p.Addresses.Probes] = true, true
		}
		set.End()
		require.Len(t, given, want)
		for range processes {
			<-set.Exits()
		}
	}
}
