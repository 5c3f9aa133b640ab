package browser_test

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

const root = "../.."

// build is a program of the repository, as a user builds it.
func build(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", path, "./examples/"+name)
	cmd.Dir, cmd.Env = root, append(os.Environ(), "GOWORK=off")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return path
}

// reporting starts a program that writes a page; the returned function waits for that,
// and says where it is.
func reporting(t *testing.T, name string, args ...string) (page func() string) {
	t.Helper()
	file, path := filepath.Join(t.TempDir(), name+".html"), build(t, name)
	cmd := exec.CommandContext(t.Context(), path, append(args, "-report", file)...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	require.NoError(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // it has ended, but for a test that has not waited
	return func() string {
		err := <-ended // what it has found is a matter of its own tests
		written, errRead := os.ReadFile(file)
		require.NoError(t, errRead, "%v: %s", err, &said)
		require.Contains(t, string(written), "</html>", "%v: %s", err, &said)
		return "file://" + file
	}
}

func TestReports(t *testing.T) {
	t.Parallel()
	chromium.running(t)
	rollout := reporting(t, "rollout", "-strategy", "rolling", "-service", "small", "-quick")
	canary := reporting(t, "canary", "-quick", "-only", "failing", "-rate", "120")
	for name, page := range map[string]func() string{"rollout": rollout, "canary": canary} {
		t.Run(name, func(t *testing.T) { everywhere(t, page(), "h1", "h2", "tr td", "svg") })
	}
}

// A program is a service that runs, by the addresses that it says.
type program struct {
	api, admin string

	mu   sync.Mutex
	said strings.Builder
}

func (p *program) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.Write(b)
}

var listening = regexp.MustCompile(`listening server=(\w+) addr=(\S+)`)

// addresses are those of its servers, by their names.
func (p *program) addresses() map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	found := map[string]string{}
	for _, match := range listening.FindAllStringSubmatch(p.said.String(), -1) {
		found[match[1]] = "http://" + match[2]
	}
	return found
}

// complete starts examples/complete, with a database of its own.
func complete(t *testing.T) *program {
	t.Helper()
	url, path := pg.Database(t), build(t, "complete")
	command := func(args ...string) *exec.Cmd {
		cmd := exec.CommandContext(context.WithoutCancel(t.Context()), path, args...)
		cmd.Env = append(os.Environ(), "DATABASE_URL="+url)
		return cmd
	}
	out, err := command("-migrate").CombinedOutput()
	require.NoError(t, err, "%s", out)
	p, cmd := &program{}, command("-listen=127.0.0.1:0", "-admin=127.0.0.1:0")
	cmd.Stderr = p
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		require.NoError(t, cmd.Wait(), "%s", &p.said)
	})
	require.Eventually(t, func() bool { return len(p.addresses()) == 2 }, patience, tick, "it listens")
	p.api, p.admin = p.addresses()["api"], p.addresses()["admin"]
	return p
}

// status is that of an answer of its API.
func (p *program) status(t *testing.T, path string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.api+path, http.NoBody)
	require.NoError(t, err)
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	return answer.StatusCode
}

func TestTheAdminPortOfAService(t *testing.T) {
	t.Parallel()
	b, service := open(t), complete(t)
	for name, s := range screens {
		t.Run("a kill by a click, "+name, func(t *testing.T) { killing(t, b, s, service) })
	}
	t.Run("the change of a column", func(t *testing.T) { everywhere(t, service.admin+"/change/", "h1", "tr td") })
}
