package hosts_test

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/interop/deploy/snippettest"
)

// verify has systemd read both units, with a program that exists.
func verify(t *testing.T, service string) (said string, ok bool) {
	t.Helper()
	analyze, dir := program(t, "systemd-analyze", false), t.TempDir()
	unit := filepath.Join(dir, "api.service")
	write(t, unit, snippettest.Edit(t, service, "ExecStart=/usr/bin/api", "ExecStart=/bin/true"))
	socket := filepath.Join(dir, "api.socket")
	write(t, socket, snippettest.Read(t, "systemd/api.socket"))
	return run(t, analyze, "verify", "--man=no", unit, socket)
}

func TestSystemdReadsTheUnits(t *testing.T) {
	service := snippettest.Read(t, "systemd/api.service")
	said, ok := verify(t, service)
	require.True(t, ok, said)
	require.Empty(t, said)
	said, _ = verify(t, snippettest.Edit(t, service, "KillMode=mixed", "KilMode=mixed"))
	require.Contains(t, said, "KilMode")
}

// value is what a unit sets.
func value(t *testing.T, text, key string) string {
	t.Helper()
	var found []string
	for line := range strings.Lines(text) {
		if v, ok := strings.CutPrefix(line, key+"="); ok {
			found = append(found, strings.TrimSpace(v))
		}
	}
	require.Len(t, found, 1, key)
	return found[0]
}

func TestSystemdGrantsTheGracePeriod(t *testing.T) {
	service, times := snippettest.Read(t, "systemd/api.service"), snippettest.Observe(t)
	seconds := func(key string) time.Duration {
		n, err := strconv.Atoi(value(t, service, key))
		require.NoError(t, err)
		return time.Duration(n) * time.Second
	}
	require.Equal(t, times.Grace, seconds("TimeoutStopSec"))
	require.Equal(t, times.Start+times.Grace, seconds("TimeoutStartSec"))
	require.Equal(t, times.Liveness, seconds("WatchdogSec"))
	require.Equal(t, []string{"notify", "mixed"}, []string{value(t, service, "Type"), value(t, service, "KillMode")})

	socket := snippettest.Read(t, "systemd/api.socket")
	require.Equal(t, strconv.Itoa(snippettest.APIPort(t)), value(t, socket, "ListenStream"))
	require.Contains(t, socket, `Listener("`+value(t, socket, "FileDescriptorName")+`")`)
}

func load(t *testing.T, text string) (*types.Project, error) {
	t.Helper()
	return loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir:  t.TempDir(),
		ConfigFiles: []types.ConfigFile{{Filename: "compose.yaml", Content: []byte(text)}},
	})
}

// The loader is that of docker compose, with its schema.
func TestComposeReadsIt(t *testing.T) {
	text := snippettest.Read(t, "compose/compose.yaml")
	project, err := load(t, text)
	require.NoError(t, err)
	api, admin, times := snippettest.APIPort(t), snippettest.AdminPort(t), snippettest.Observe(t)
	for name, above := range map[string]int{"blue": 0, "green": 100} {
		service := project.Services[name]
		require.Equal(t, times.Grace, time.Duration(*service.StopGracePeriod), name)
		published := map[int]string{}
		for _, port := range service.Ports {
			require.Equal(t, "127.0.0.1", port.HostIP)
			published[int(port.Target)] = port.Published
		}
		require.Equal(t, map[int]string{api: strconv.Itoa(api + above), admin: strconv.Itoa(admin + above)}, published, name)
		address := "127.0.0.1:" + published[api]
		require.Contains(t, snippettest.Read(t, "nginx/nginx.conf"), "upstream "+name+" {\n\t\tserver "+address+" ", "what nginx has")
		require.Contains(t, snippettest.Read(t, "haproxy/haproxy.cfg"), "server "+name+"1 "+address+" port "+published[admin]+" ", "what HAProxy has")
	}
	require.Contains(t, text, "--retry "+strconv.Itoa(int(times.Start/time.Second))+" --retry-delay 1 ")

	for from, to := range map[string]string{"stop_grace_period: 30s": "stop_grace: 30s", "init: false": "init: [no]"} {
		_, err := load(t, snippettest.Edit(t, text, from, to))
		require.Error(t, err, to)
	}
}
