package systemd_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/shutdown/systemd"
)

// program is what the test binary does when it is started as systemd would start
// it.
func program(name string) {
	switch name {
	case "take":
		take(os.Args[1:])
	case "inherit":
		inherit()
	default:
		serve(name)
	}
}

// take says what Listener returns for each name.
func take(names []string) {
	u := systemd.New(systemd.Config{})
	for _, name := range names {
		switch l, err := u.Listener(name); {
		case err != nil:
			fmt.Println(err)
		case l == nil:
			fmt.Println("nobody passed a socket")
		default:
			fmt.Println(name, "is", l.Addr().Network())
		}
	}
}

// inherit says whether a child process would get the first descriptor.
func inherit() {
	look := func() string {
		out, err := exec.Command("sh", "-c", "test -e /proc/self/fd/3 && echo inherited || echo kept").Output()
		if err != nil {
			return err.Error()
		}
		return strings.TrimSpace(string(out))
	}
	fmt.Println("before:", look())
	systemd.New(systemd.Config{})
	fmt.Println("after:", look())
}

// activated is a process with these descriptors from 3 on. Its LISTEN_PID can only
// be set when it is known, between fork and exec, so a shell does what systemd does.
func activated(t *testing.T, files []*os.File, env ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), "sh", "-c", `LISTEN_PID=${LISTEN_PID:-$$} exec "$0" "$@"`, self)
	cmd.ExtraFiles = files
	// The race detector sleeps for a second before a process exits.
	cmd.Env = append(os.Environ(), append(env, fmt.Sprintf("LISTEN_FDS=%d", len(files)), "GORACE=atexit_sleep_ms=0")...)
	cmd.Stderr = os.Stderr
	return cmd
}

// socket is a descriptor of its own, which the listener does not know of.
func socket(t *testing.T, of interface{ File() (*os.File, error) }) *os.File {
	t.Helper()
	f, err := of.File()
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func tcp(t *testing.T) *net.TCPListener {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func TestASocketIsTakenByItsName(t *testing.T) {
	listener := tcp(t)
	stream := socket(t, listener)
	local, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "api"), Net: "unix"})
	require.NoError(t, err)
	defer func() { _ = local.Close() }()
	unix := socket(t, local)
	packets, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	defer func() { _ = packets.Close() }()
	udp := socket(t, packets)
	dialed, err := net.DialTCP("tcp", nil, listener.Addr().(*net.TCPAddr))
	require.NoError(t, err)
	defer func() { _ = dialed.Close() }()
	connection := socket(t, dialed)

	const fault = "it is no socket that accepts connections: the .socket unit needs ListenStream=, and Accept=no"
	for name, tc := range map[string]struct {
		files []*os.File
		env   []string
		ask   string
		want  []string
	}{
		"two sockets": {
			files: []*os.File{stream, unix}, env: []string{"LISTEN_FDNAMES=api:admin.socket"},
			ask: "admin.socket api", want: []string{"admin.socket is unix", "api is tcp"},
		},
		"a program that is started by hand": {ask: "api", want: []string{"nobody passed a socket"}},
		"sockets that were meant for its parent": {
			files: []*os.File{stream}, env: []string{"LISTEN_FDNAMES=api", "LISTEN_PID=1"},
			ask: "api", want: []string{"nobody passed a socket"},
		},
		"a unit that does not set the name": {
			files: []*os.File{stream, unix}, env: []string{"LISTEN_FDNAMES=api.socket:admin.socket"},
			ask:  "api",
			want: []string{`systemd: listener api: systemd has passed "api.socket", "admin.socket": ask for that, or set FileDescriptorName=api in the .socket unit`},
		},
		"who passes sockets without names": {
			files: []*os.File{stream}, ask: "unknown", want: []string{"unknown is tcp"},
		},
		"a name that two sockets have": {
			files: []*os.File{stream, unix}, env: []string{"LISTEN_FDNAMES=api:api"},
			ask:  "api",
			want: []string{"systemd: listener api: systemd has passed several sockets of this name: give each a .socket unit with a FileDescriptorName= of its own"},
		},
		"a second time": {
			files: []*os.File{stream}, env: []string{"LISTEN_FDNAMES=api"},
			ask: "api api", want: []string{"api is tcp", "systemd: listener api: it was taken before"},
		},
		"names that do not fit": {
			files: []*os.File{stream}, env: []string{"LISTEN_FDNAMES=api:admin"},
			ask: "api", want: []string{`systemd: listener api: LISTEN_FDNAMES has 2 names, "api", "admin", but LISTEN_FDS is 1`},
		},
		"sockets for datagrams": {
			files: []*os.File{udp}, env: []string{"LISTEN_FDNAMES=api"},
			ask: "api", want: []string{"systemd: listener api: " + fault},
		},
		"a connection, since systemd accepts": {
			files: []*os.File{connection}, env: []string{"LISTEN_FDNAMES=connection"},
			ask: "connection", want: []string{"systemd: listener connection: " + fault},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := activated(t, tc.files, append(tc.env, "HANDOVER_TEST_SYSTEMD=take")...)
			cmd.Args = append(cmd.Args, strings.Fields(tc.ask)...)
			out, err := cmd.Output()
			require.NoError(t, err)
			require.Equal(t, tc.want, strings.Split(strings.TrimSpace(string(out)), "\n"))
		})
	}
}

func TestChildrenDoNotInheritTheSockets(t *testing.T) {
	out, err := activated(t, []*os.File{socket(t, tcp(t))}, "HANDOVER_TEST_SYSTEMD=inherit").Output()
	require.NoError(t, err)
	require.Equal(t, "before: inherited\nafter: kept\n", string(out))
}
