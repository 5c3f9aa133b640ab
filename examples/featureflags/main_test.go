//go:build unix

package main_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// program is the service as a user builds it.
var program string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "featureflags")
	if err != nil {
		panic(err)
	}
	program = filepath.Join(dir, "featureflags")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		panic(fmt.Sprintf("%v: %s", err, out))
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(dir)
		os.Exit(code)
	}))
}

const (
	newOne = "the new checkout\n"
	oldOne = "the old checkout\n"

	theFlag = "new-checkout-flow"
	tooLong = 10 * time.Second // the interval is 30 s: what is seen before was noticed
)

// service is a process of it.
type service struct {
	*exec.Cmd
	file       string
	api, admin string
	log        bytes.Buffer // to be read when the process has ended
}

// start returns when the service is ready.
func start(t *testing.T) *service {
	t.Helper()
	s := &service{file: filepath.Join(t.TempDir(), "flags.json")}
	s.api, s.admin = freePorts(t)
	s.Cmd = exec.Command(program, "-file", s.file, "-addr", s.api, "-admin", s.admin)
	s.Stderr = &s.log
	require.NoError(t, s.Start())
	t.Cleanup(func() {
		if s.ProcessState == nil {
			_ = s.Process.Kill()
			_ = s.Wait()
		}
		if t.Failed() {
			t.Log(s.log.String())
		}
	})
	s.await(t, "it is ready", func() bool { return s.ready() == http.StatusOK })
	return s
}

// freePorts were free a moment ago.
func freePorts(t *testing.T) (api, admin string) {
	t.Helper()
	var addrs []string
	for range 2 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer func() { require.NoError(t, l.Close()) }()
		addrs = append(addrs, l.Addr().String())
	}
	return addrs[0], addrs[1]
}

// await asks until it is so.
func (s *service) await(t *testing.T, what string, isSo func() bool) {
	t.Helper()
	for began := time.Now(); !isSo(); {
		require.Less(t, time.Since(began), tooLong, what)
	}
}

// do returns the status and the body; 0 while nobody listens. Redirects are not followed.
func do(method, address string, form url.Values, headers ...string) (int, string) {
	ctx, cancel := context.WithTimeout(context.Background(), tooLong)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, "http://"+address, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, err.Error()
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(r)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, string(body)
}

func (s *service) ready() int {
	status, _ := do(http.MethodGet, s.admin+"/readyz", nil)
	return status
}

// checkout is what a user gets.
func (s *service) checkout(user string) string {
	_, body := do(http.MethodGet, s.api+"/checkout", nil, "User: "+user)
	return body
}

// page is what a person sees.
func (s *service) page() string {
	_, body := do(http.MethodGet, s.admin+"/flags/", nil, "Accept: text/html")
	return body
}

// press sends a form of the page.
func (s *service) press(t *testing.T, form string, fields url.Values) {
	t.Helper()
	status, body := do(http.MethodPost, s.admin+"/flags/"+form, fields, "Accept: text/html")
	require.Equal(t, http.StatusSeeOther, status, body)
}

// rolloutTo changes the share of the users that get the new checkout.
func (s *service) rolloutTo(t *testing.T, percent int) {
	t.Helper()
	now, err := os.ReadFile(s.file)
	require.NoError(t, err)
	start := bytes.Index(now, []byte(`{ "fractional"`))
	require.Positive(t, start)
	end := start + bytes.IndexByte(now[start:], '}') + 1
	rollout := fmt.Sprintf(`{ "fractional": [["on", %d], ["off", %d]] }`, percent, 100-percent)
	s.write(t, string(now[:start])+rollout+string(now[end:]))
}

func (s *service) write(t *testing.T, definitions string) {
	t.Helper()
	require.NoError(t, os.WriteFile(s.file+".tmp", []byte(definitions), 0o600))
	require.NoError(t, os.Rename(s.file+".tmp", s.file))
}

func TestTheRolloutChangesWhileTheServiceRuns(t *testing.T) {
	s := start(t)
	require.Equal(t, newOne, s.checkout("ada"), "by the file that it has made")
	require.Equal(t, oldOne, s.checkout("bob"))

	s.rolloutTo(t, 0)
	s.await(t, "0 %", func() bool { return s.checkout("ada") == oldOne })
	s.rolloutTo(t, 100)
	s.await(t, "100 %", func() bool { return s.checkout("bob") == newOne })
}

func TestAPersonKillsTheFlagAndTakesItBack(t *testing.T) {
	s := start(t)
	s.press(t, "kill", url.Values{"flag": {theFlag}, "why": {"errors in payments"}, "who": {"eve"}})
	require.Equal(t, oldOne, s.checkout("ada"), "from the very next request on")
	require.Contains(t, s.page(), "errors in payments (eve from 127.0.0.1:")
	s.press(t, "unkill", url.Values{"flag": {theFlag}, "who": {"eve"}})
	require.Equal(t, newOne, s.checkout("ada"))
	require.NotContains(t, s.page(), "errors in payments")
}

func TestAFileThatIsBrokenChangesNothing(t *testing.T) {
	s := start(t)
	whole, err := os.ReadFile(s.file)
	require.NoError(t, err)
	for name, broken := range map[string]string{
		"half of it":                       string(whole[:len(whole)/2]),
		"a rollout to a variant of no set": strings.Replace(string(whole), `["on", 20]`, `["onn", 20]`, 1),
	} {
		s.write(t, broken)
		s.await(t, name, func() bool { return strings.Contains(s.page(), "refused") })
		require.Equal(t, newOne, s.checkout("ada"), name)
		require.Equal(t, oldOne, s.checkout("bob"), name)
		require.Equal(t, http.StatusOK, s.ready(), name)

		s.write(t, string(whole))
		s.await(t, name+" was mended", func() bool { return !strings.Contains(s.page(), "refused") })
	}
}

func TestASignalStopsItInOrder(t *testing.T) {
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		t.Run(signal.String(), func(t *testing.T) {
			s := start(t)
			require.NoError(t, s.Process.Signal(signal))
			require.NoError(t, s.Wait()) // exit status 0
			require.Contains(t, s.log.String(), "flags: frozen")
			require.NotContains(t, s.log.String(), "WARN")
		})
	}
}

func TestWhatCannotStartSaysWhy(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, taken.Close()) }()
	api, _ := freePorts(t)
	nowhere := filepath.Join(t.TempDir(), "nowhere", "flags.json")

	for name, tc := range map[string]struct {
		args []string
		exit int
		says string
	}{
		"a second copy":              {[]string{"-addr", api, "-admin", taken.Addr().String()}, 1, "start admin: shutdown: listen tcp " + taken.Addr().String() + ": bind: address already in use"},
		"a directory that is not":    {[]string{"-file", nowhere}, 1, "open " + nowhere + ": no such file or directory"},
		"an unknown flag":            {[]string{"-port", "80"}, 2, "flag provided but not defined: -port"},
		"a file that is no argument": {[]string{"my.json"}, 2, `unexpected argument "my.json": only flags are understood, as in -file my.json`},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), program, tc.args...)
			cmd.Dir = t.TempDir()
			out, err := cmd.CombinedOutput()
			require.Error(t, err)
			require.Equal(t, tc.exit, cmd.ProcessState.ExitCode(), "%s", out)
			require.Contains(t, string(out), tc.says)
			require.NotContains(t, string(out), "panic")
		})
	}
}
