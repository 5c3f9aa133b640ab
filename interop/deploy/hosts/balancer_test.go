package hosts_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/interop/deploy/snippettest"
)

// nginxSays has nginx read the configuration, with one of the two files that choose a
// fleet. What needs root or a port of the machine is moved.
func nginxSays(t *testing.T, text, choice string) (said string, ok bool) {
	t.Helper()
	nginx, dir := program(t, "nginx", true), t.TempDir()
	for from, to := range map[string]string{
		"pid /run/nginx.pid;": "pid " + dir + "/nginx.pid;",
		"listen 80;":          "listen unix:" + dir + "/front.sock;",
		"http {":              "http { access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;",
	} {
		text = snippettest.Edit(t, text, from, to)
	}
	write(t, filepath.Join(dir, "nginx.conf"), text)
	write(t, filepath.Join(dir, "live.conf"), choice)
	return run(t, nginx, "-t", "-p", dir, "-e", "stderr", "-c", filepath.Join(dir, "nginx.conf"))
}

func write(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

func TestNginxReadsIt(t *testing.T) {
	text := snippettest.Read(t, "nginx/nginx.conf")
	for _, choice := range []string{"nginx/live.conf", "nginx/canary.conf"} {
		said, ok := nginxSays(t, text, snippettest.Read(t, choice))
		require.True(t, ok, said)
		require.NotContains(t, said, "[warn]")
	}
	said, ok := nginxSays(t, text, `map "" $another { default blue; }`)
	require.False(t, ok)
	require.Contains(t, said, `unknown "fleet" variable`)
}

func haproxySays(t *testing.T, text string) (said string, ok bool) {
	t.Helper()
	haproxy, file := program(t, "haproxy", true), filepath.Join(t.TempDir(), "haproxy.cfg")
	write(t, file, text)
	return run(t, haproxy, "-c", "-f", file)
}

func TestHAProxyReadsIt(t *testing.T) {
	text := snippettest.Read(t, "haproxy/haproxy.cfg")
	said, ok := haproxySays(t, text)
	require.True(t, ok, said)
	require.NotContains(t, said, "WARNING")
	said, ok = haproxySays(t, snippettest.Edit(t, text, "retry-on conn-failure", "retry-on conn-failed"))
	require.False(t, ok)
	require.Contains(t, said, "retry-on")
}

// number finds the one number of a pattern.
func number(t *testing.T, text, pattern string) int {
	t.Helper()
	match := regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1)
	require.Len(t, match, 1, pattern)
	n, err := strconv.Atoi(match[0][1])
	require.NoError(t, err)
	return n
}

func TestHAProxySeesTheDrain(t *testing.T) {
	text, times := snippettest.Read(t, "haproxy/haproxy.cfg"), snippettest.Observe(t)
	seconds := func(pattern string) time.Duration { return time.Duration(number(t, text, pattern)) * time.Second }
	fall := number(t, text, `(?m)^\tdefault-server .* fall (\d+) `)
	require.LessOrEqual(t, fall, times.Threshold, "it is told as often as it needs")
	require.LessOrEqual(t, seconds(`(?m)^\tdefault-server .* inter (\d+)s `)*time.Duration(fall), times.DelayMax,
		"the program waits for as long as it needs")
	require.Equal(t, times.Answer, seconds(`(?m)^\ttimeout check (\d+)s `))
	require.Equal(t, times.Budget, seconds(`(?m)^\thard-stop-after (\d+)s `))
	require.Contains(t, text, fmt.Sprintf("the %.0f s of\n\t# probes.Config.DelayMax", times.DelayMax.Seconds()))
	require.Contains(t, text, fmt.Sprintf("said so %d times\n\t# (probes.Config.Threshold)", times.Threshold))
	require.Contains(t, text, "option httpchk GET /readyz\n")
}

func TestNginxGivesTheOldWorkersTheTimeOfADrain(t *testing.T) {
	text := snippettest.Read(t, "nginx/nginx.conf")
	require.Equal(t, snippettest.Observe(t).Budget, time.Duration(number(t, text, `(?m)^worker_shutdown_timeout (\d+)s;`))*time.Second)
}

func TestTheFirstStep(t *testing.T) {
	require.Equal(t, 5, number(t, snippettest.Read(t, "nginx/canary.conf"), `(?m)^\t(\d+)% green;`))
	require.Contains(t, snippettest.Read(t, "haproxy/haproxy.cfg"), "# Canary: 5, 20, 50, 100 for green1, and 95, 80, 50, 0 for blue1.")
}

func TestEachNumberHasItsReason(t *testing.T) {
	names := []string{"compose/compose.yaml"}
	for _, pattern := range []string{"nginx/*", "haproxy/*", "systemd/*"} {
		names = append(names, snippettest.Names(t, pattern)...)
	}
	for _, name := range names {
		require.Empty(t, snippettest.Unexplained(snippettest.Read(t, name)), name)
	}
}
