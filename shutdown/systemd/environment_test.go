package systemd_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/shutdown/systemd"
)

const self = 4711

// seen is what an environment says to the process self: "tell, watchdog, sockets",
// and the mistakes.
func seen(vars map[string]string) []string {
	notify, watchdog, sockets, mistakes := systemd.Read(func(name string) string { return vars[name] }, self)
	said := []string{"tell " + notify, "watchdog " + watchdog, "sockets " + strings.Join(sockets, " ")}
	for _, err := range mistakes {
		said = append(said, err.Error())
	}
	return said
}

func TestTheEnvironment(t *testing.T) {
	const nobody, never, none = "tell ", "watchdog 0s", "sockets "
	for name, tc := range map[string]struct {
		vars map[string]string
		want []string
	}{
		"by hand": {nil, []string{nobody, never, none}},
		"all that systemd says": {
			map[string]string{
				"NOTIFY_SOCKET": "/run/systemd/notify", "WATCHDOG_USEC": "10000000", "WATCHDOG_PID": "4711",
				"LISTEN_PID": "4711", "LISTEN_FDS": "2", "LISTEN_FDNAMES": "api:admin.socket",
			},
			[]string{"tell /run/systemd/notify", "watchdog 10s", "sockets api admin.socket"},
		},
		"what was meant for the parent": {
			map[string]string{
				"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": "4710", "LISTEN_PID": "4710", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "api",
			},
			[]string{nobody, never, none},
		},
		"mistakes in what was meant for the parent": {
			map[string]string{"WATCHDOG_USEC": "x", "WATCHDOG_PID": "4710", "LISTEN_PID": "4710", "LISTEN_FDS": "x"},
			[]string{nobody, never, none},
		},
		"descriptors for nobody in particular": {map[string]string{"LISTEN_FDS": "1"}, []string{nobody, never, none}},
		"a watchdog for whoever reads it": {
			map[string]string{"WATCHDOG_USEC": "3"},
			[]string{nobody, "watchdog 3µs", none},
		},
		"an abstract socket": {map[string]string{"NOTIFY_SOCKET": "@a"}, []string{"tell @a", never, none}},
		"sockets without names": {
			map[string]string{"LISTEN_PID": "4711", "LISTEN_FDS": "2"},
			[]string{nobody, never, "sockets unknown unknown"},
		},
		"a host's socket, in a virtual machine": {
			map[string]string{"NOTIFY_SOCKET": "vsock:2:1234"},
			[]string{nobody, never, none, `NOTIFY_SOCKET is "vsock:2:1234"; a path or an abstract name (@) is needed, other kinds as vsock are not spoken`},
		},
		"mistakes everywhere": {
			map[string]string{"NOTIFY_SOCKET": "/", "WATCHDOG_USEC": "0", "LISTEN_PID": "4711", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "a:b"},
			[]string{
				nobody, never, none,
				`NOTIFY_SOCKET is "/"; a path or an abstract name (@) is needed, other kinds as vsock are not spoken`,
				`WATCHDOG_USEC is "0"; a number of microseconds above 0 is needed`,
				`LISTEN_FDNAMES has 2 names, "a", "b", but LISTEN_FDS is 1`,
			},
		},
		"numbers that are too large": {
			map[string]string{"WATCHDOG_USEC": "18446744073709551615", "LISTEN_PID": "4711", "LISTEN_FDS": "2147483647"},
			[]string{
				nobody, never, none,
				`WATCHDOG_USEC is "18446744073709551615"; a number of microseconds above 0 is needed`,
				`LISTEN_FDS is "2147483647"; a number of descriptors is needed`,
			},
		},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tc.want, seen(tc.vars)) })
	}
}

func FuzzTheEnvironment(f *testing.F) {
	f.Add("/run/systemd/notify", "10000000", "4711", "4711", "2", "api:admin.socket")
	f.Add("@a", "", "", "", "", "")
	f.Add("vsock:2:1", "-1", "x", "4711", "-1", ":")
	f.Fuzz(func(t *testing.T, socket, usec, watchdogPID, pid, fds, names string) {
		_, watchdog, sockets, mistakes := systemd.Read(func(name string) string {
			return map[string]string{
				"NOTIFY_SOCKET": socket, "WATCHDOG_USEC": usec, "WATCHDOG_PID": watchdogPID,
				"LISTEN_PID": pid, "LISTEN_FDS": fds, "LISTEN_FDNAMES": names,
			}[name]
		}, self)
		require.NotContains(t, watchdog, "-", "a limit that has passed already")
		if len(sockets) > 0 {
			require.Equal(t, strconv.Itoa(self), pid)
			n, err := strconv.Atoi(fds)
			require.NoError(t, err)
			require.Len(t, sockets, n)
			if names != "" {
				require.Equal(t, names, strings.Join(sockets, ":"))
			}
		}
		for _, mistake := range mistakes {
			require.Regexp(t, "^(NOTIFY_SOCKET|WATCHDOG_USEC|LISTEN_FDS|LISTEN_FDNAMES) ", mistake.Error())
		}
	})
}
