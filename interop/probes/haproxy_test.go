//go:build unix

package probes_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/probes"
	"github.com/handover-go/handover/probes/dialect"
)

// instance is a program with one set, whose pages say its name.
type instance struct {
	*httptest.Server
	set *probes.Set
}

func start(t *testing.T, name string) instance {
	t.Helper()
	set := probes.New(probes.Config{Logger: slog.New(slog.DiscardHandler), Delay: -1, DelayMax: time.Minute})
	mux := http.NewServeMux()
	mux.Handle("/readyz/haproxy", dialect.HAProxy(set))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, name) })
	i := instance{httptest.NewServer(mux), set}
	t.Cleanup(i.Close)
	return i
}

// asked is how often the instance has told HAProxy yes or no.
func (i instance) asked(ok bool) int64 {
	for _, a := range i.set.Report().Asked {
		if a.Agent == "haproxy" && a.Kind == probes.Readiness && a.OK == ok {
			return a.N
		}
	}
	return 0
}

// haproxy is one with the backends shop, whose sessions are bound by a cookie, and
// patient, which needs a million failures to take a server for dead.
type haproxy struct{ dir string }

func (h haproxy) socket(name string) string { return filepath.Join(h.dir, name+".sock") }

const config = `global
	stats socket %[1]s mode 600 level admin
defaults
	mode http
	timeout connect 1s
	timeout client 10s
	timeout server 10s
	timeout check 5s
	option httpchk GET /readyz/haproxy
	http-check disable-on-404
	retries 1
	option redispatch
frontend front
	bind unix@%[2]s
	default_backend shop
backend shop
	balance roundrobin
	cookie bound
	server old %[3]s cookie old check inter 100ms fall 3 rise 2
	server other %[4]s cookie other check inter 1s fall 3 rise 2
backend patient
	server old %[3]s check inter 100ms fall 1000000 rise 2
`

func startHAProxy(t *testing.T, old, other instance) haproxy {
	t.Helper()
	path, err := exec.LookPath("haproxy")
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/haproxy")
	}
	if err != nil && os.Getenv("CI") != "true" {
		t.Skip("haproxy is not installed; `make haproxy` installs it")
	}
	require.NoError(t, err)
	h := haproxy{t.TempDir()}
	file := filepath.Join(h.dir, "haproxy.cfg")
	text := fmt.Sprintf(config, h.socket("admin"), h.socket("front"), old.Listener.Addr(), other.Listener.Addr())
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))

	var output bytes.Buffer
	// It is killed with its shell's group when the pipe ends, as it does with this test.
	cmd := exec.Command("/bin/sh", "-c", `(read _ <&3; kill -9 0) >/dev/null 2>&1 & exec "$0" "$@" 3<&-`, path, "-db", "-f", file)
	watched, alive, err := os.Pipe()
	require.NoError(t, err)
	cmd.ExtraFiles, cmd.SysProcAttr = []*os.File{watched}, &syscall.SysProcAttr{Setpgid: true}
	cmd.Stdout, cmd.Stderr = &output, &output
	require.NoError(t, cmd.Start())
	require.NoError(t, watched.Close())
	t.Cleanup(func() {
		require.NoError(t, alive.Close())
		_ = cmd.Wait() // it was killed
		if t.Failed() {
			t.Log(output.String())
		}
	})
	h.await(t, "it answers", func() bool { return h.states() != nil })
	return h
}

func (h haproxy) await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	require.Eventually(t, holds, 20*time.Second, 5*time.Millisecond, what)
}

// states are those of its statistics, by backend and server: "UP", "NOLB", "DOWN". Nil
// if it does not answer.
func (h haproxy) states() map[string]string {
	conn, err := net.DialTimeout("unix", h.socket("admin"), time.Second)
	if err != nil {
		return nil
	}
	defer func() { _ = conn.Close() }() // has been read to its end
	if _, err := fmt.Fprintln(conn, "show stat"); err != nil {
		return nil
	}
	rows := csv.NewReader(conn)
	rows.FieldsPerRecord = -1
	all, err := rows.ReadAll()
	if err != nil || len(all) == 0 {
		return nil
	}
	states := map[string]string{}
	for _, row := range all[1:] {
		const backend, server, status = 0, 1, 17
		state, _, _ := strings.Cut(row[status], " ") // "UP 2/3" on its way down
		states[row[backend]+"/"+row[server]] = state
	}
	return states
}

func (h haproxy) awaitState(t *testing.T, server, state string) {
	t.Helper()
	h.await(t, server+" is "+state, func() bool { return h.states()[server] == state })
}

// serves says which instances answer eight requests of a session, or of none.
func (h haproxy) serves(t *testing.T, session string) map[string]bool {
	t.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", h.socket("front"))
	}}
	defer transport.CloseIdleConnections()
	names := map[string]bool{}
	for range 8 {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://shop/", nil)
		require.NoError(t, err)
		if session != "" {
			r.AddCookie(&http.Cookie{Name: "bound", Value: session})
		}
		response, err := transport.RoundTrip(r)
		require.NoError(t, err)
		name, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusOK, response.StatusCode, "%s", name)
		names[string(name)] = true
	}
	return names
}

func TestHAProxy(t *testing.T) {
	old, other := start(t, "old"), start(t, "other")
	maintenance, err := old.set.Toggle("maintenance")
	require.NoError(t, err)
	require.NoError(t, other.set.Ready(t.Context()))
	h := startHAProxy(t, old, other)

	h.awaitState(t, "shop/old", "DOWN")    // it has not started yet: 503
	h.awaitState(t, "patient/old", "DOWN") // what is only presumed to be up has no patience
	require.Equal(t, map[string]bool{"other": true}, h.serves(t, ""))

	require.NoError(t, old.set.Ready(t.Context()))
	h.awaitState(t, "shop/old", "UP")
	h.awaitState(t, "patient/old", "UP")
	require.Equal(t, map[string]bool{"old": true, "other": true}, h.serves(t, ""))

	maintenance.Switch(true) // 503 again, which costs the sessions
	h.awaitState(t, "shop/old", "DOWN")
	require.Equal(t, map[string]bool{"other": true}, h.serves(t, "old"))
	maintenance.Switch(false)
	h.awaitState(t, "shop/old", "UP")
	require.Equal(t, "UP", h.states()["patient/old"], "503 needs as many as fall says")

	told := old.asked(false)
	require.NoError(t, old.set.Drain(t.Context()))
	require.GreaterOrEqual(t, old.asked(false), told+3, "Drain returns when HAProxy has been told")
	h.awaitState(t, "shop/old", "NOLB")
	h.awaitState(t, "patient/old", "NOLB") // 404 needs but one
	require.Equal(t, map[string]bool{"other": true}, h.serves(t, ""), "new sessions")
	require.Equal(t, map[string]bool{"old": true}, h.serves(t, "old"), "those that are bound to it")

	old.Close()
	require.Equal(t, map[string]bool{"other": true}, h.serves(t, "old"), "option redispatch")
	h.awaitState(t, "shop/old", "DOWN")
}

// A signal during the start: 404 must not lift what was down.
func TestHAProxyGivesNothingToWhatDrainsBeforeItWasReady(t *testing.T) {
	old, other := start(t, "old"), start(t, "other")
	require.NoError(t, other.set.Ready(t.Context()))
	h := startHAProxy(t, old, other)
	h.awaitState(t, "shop/old", "DOWN")
	require.NoError(t, old.set.Drain(t.Context()))
	told := old.asked(false)
	h.await(t, "it has asked ten times more", func() bool { return old.asked(false) > told+10 })
	require.Equal(t, "DOWN", h.states()["shop/old"])
	require.Equal(t, map[string]bool{"other": true}, h.serves(t, "old"))
}
