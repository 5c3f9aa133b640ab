//go:build unix

package migrate_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/shutdown/droptest"
)

// Each page says that a deployment of its program before loses something, and that one
// of its program after does not. One page at a time: a machine that is too busy to tell the
// balancer of an end in time would lose requests for both sides.
func TestADeploymentLosesRequestsBeforeAndNoneAfter(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer upstream.Close()
	for page, readyPath := range map[string]string{
		"httpserver":   "/readyz",
		"heptioprobes": "/ready",
		"fxhook":       "/readyz",
		"rungroup":     "/readyz",
		"ctrlruntime":  "/readyz",
	} {
		t.Run(page, func(t *testing.T) {
			for side, loses := range map[string]bool{"before": true, "after": false} {
				t.Run(side, func(t *testing.T) {
					t.Parallel()
					program := droptest.Version{Name: side, Command: func(a droptest.Addresses) *exec.Cmd {
						return command(side, page, a, upstream.URL)
					}}
					result, err := droptest.New(droptest.Config{
						Replicas: 1, Rate: 60, Warmup: time.Second, ReadyPath: readyPath, StartTimeout: 2 * time.Minute,
					}).Roll(t.Context(), program, program)
					require.NoError(t, err)
					require.Equal(t, loses, result.Failed > 0, result)
					if !loses {
						require.NoError(t, result.Err())
					}
				})
			}
		})
	}
}

// A request is on its way when the signal comes, and asks the pool after that.
func TestThePoolIsClosedUnderARequestBeforeAndAfterItAfter(t *testing.T) {
	for name, tt := range map[string]struct {
		page string
		want []string // what the client and the process say after the signal, in order
	}{
		"before": {"rungroup", []string{"pool closed", "service: query: the pool is closed"}},
		"after":  {"rungroup", []string{"done", "pool closed"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, name, tt.page, "/readyz", "")
			answer, finish := p.upload(t)
			require.Equal(t, "upload begun", p.line(t))
			require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))

			var diary []string
			if name == "before" {
				diary = append(diary, p.line(t))
			}
			finish()
			diary = append(diary, <-answer)
			if name == "after" {
				diary = append(diary, p.line(t))
			}
			require.Equal(t, tt.want, diary)
			p.endsWell(t)
		})
	}
}

// Hooks that others have registered with fx are called in the place of their component.
func TestHooksOfFxGoOnToBeCalledWhenTheServerIsDone(t *testing.T) {
	p := start(t, "after", "fxhook", "/readyz", "")
	answer, finish := p.upload(t)
	require.Equal(t, "upload begun", p.line(t))
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	finish()
	require.Equal(t, "done", <-answer)
	require.Equal(t, "pool closed", p.line(t))
	p.endsWell(t)
}

// What is checked is asked by each prober before, and by nobody's prober after.
func TestAProbeRunsTheChecksBeforeAndReadsThemAfter(t *testing.T) {
	const probes = 50
	for side, everyProbe := range map[string]bool{"before": true, "after": false} {
		t.Run(side, func(t *testing.T) {
			var asked atomic.Int64
			upstream := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
			defer upstream.Close()
			p := start(t, side, "heptioprobes", "/ready", upstream.URL)
			before := asked.Load()
			for range probes {
				require.Equal(t, http.StatusOK, p.status(t, "/ready"))
			}
			require.Equal(t, everyProbe, asked.Load()-before >= probes)
		})
	}
}

// The upstream has stopped to answer. Before, a prober waits for it; after, it reads.
func TestAProbeWaitsForACheckThatHangsBeforeAndNotAfter(t *testing.T) {
	for side, waits := range map[string]bool{"before": true, "after": false} {
		t.Run(side, func(t *testing.T) {
			var hangs atomic.Bool
			asked, answer := make(chan struct{}, 100), make(chan struct{})
			upstream := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
				if hangs.Load() {
					asked <- struct{}{}
					<-answer
				}
			}))
			defer upstream.Close()
			p := start(t, side, "heptioprobes", "/ready", upstream.URL)
			hangs.Store(true)

			probed := make(chan int, 1)
			go func() { probed <- p.status(t, "/ready") }()
			if !waits {
				require.Equal(t, http.StatusOK, <-probed, "the last verdict holds")
				close(answer)
				return
			}
			<-asked
			require.Empty(t, probed, "nobody but the probe has asked, and it waits")
			close(answer)
			require.Equal(t, http.StatusOK, <-probed)
		})
	}
}

// The text of an error has the address of what failed, and more; it was for everybody.
func TestThePublicReadsTheTextOfErrorsBeforeAndAReasonAfter(t *testing.T) {
	for side, want := range map[string]string{"before": "returned status 500", "after": "error"} {
		t.Run(side, func(t *testing.T) {
			upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusInternalServerError)
			}))
			defer upstream.Close()
			p := launch(t, side, "heptioprobes", upstream.URL)
			p.await(t, func() bool {
				status, body := p.get(t, "http://"+p.at.Probes+"/ready?full=1")
				return status == http.StatusServiceUnavailable && strings.Contains(body, want)
			})
		})
	}
}

type process struct {
	cmd    *exec.Cmd
	at     droptest.Addresses
	lines  *bufio.Reader
	log    *output
	exited chan struct{}
	err    error // of its exit, to be read after that
}

func command(side, page string, at droptest.Addresses, upstream string) *exec.Cmd {
	return exec.Command(filepath.Join(programs, side, page), "-api", at.API, "-admin", at.Probes, "-upstream", upstream)
}

// start returns a process that is ready.
func start(t *testing.T, side, page, readyPath, upstream string) *process {
	t.Helper()
	p := launch(t, side, page, upstream)
	p.await(t, func() bool { return p.status(t, readyPath) == http.StatusOK && p.accepts() })
	return p
}

// launch returns a process that ends with the test at the latest.
func launch(t *testing.T, side, page, upstream string) *process {
	t.Helper()
	p := &process{
		at:  droptest.Addresses{API: free(t), Probes: free(t)},
		log: new(output), exited: make(chan struct{}),
	}
	said, says, err := os.Pipe()
	require.NoError(t, err)
	p.lines = bufio.NewReader(said)
	p.cmd = command(side, page, p.at, upstream)
	p.cmd.Stdout, p.cmd.Stderr = says, p.log
	require.NoError(t, p.cmd.Start())
	require.NoError(t, says.Close())
	go func() {
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.exited
		_ = said.Close()
	})
	return p
}

// endsWell waits for its end.
func (p *process) endsWell(t *testing.T) {
	t.Helper()
	<-p.exited
	require.NoError(t, p.err, p.log)
}

// await asks again and again. It is in another process that it happens, so there is
// nothing else to wait for.
func (p *process) await(t *testing.T, happened func() bool) {
	t.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for !happened() {
		select {
		case <-again.C:
		case <-p.exited:
			require.Fail(t, "it has ended", p.log)
		}
	}
}

// line is the next one that it says.
func (p *process) line(t *testing.T) string {
	t.Helper()
	line, err := p.lines.ReadString('\n')
	require.NoError(t, err, p.log)
	return strings.TrimSpace(line)
}

// upload begins a request; finish ends its body, and then comes the answer.
func (p *process) upload(t *testing.T) (answer <-chan string, finish func()) {
	t.Helper()
	body, end := io.Pipe()
	answers := make(chan string, 1)
	go func() {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+p.at.API+"/upload", body)
		if err != nil {
			answers <- err.Error()
			return
		}
		answers <- do(r)
	}()
	_, err := io.WriteString(end, "the beginning")
	require.NoError(t, err)
	return answers, func() { _ = end.Close() }
}

func do(r *http.Request) string {
	_, body, err := exchange(r)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(body)
}

// exchange has a connection of its own.
func exchange(r *http.Request) (status int, body string, err error) {
	transport := &http.Transport{DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(r)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}

// get returns 0 if nobody answers.
func (p *process) get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, err.Error()
	}
	status, body, _ = exchange(r)
	return status, body
}

func (p *process) status(t *testing.T, path string) int {
	t.Helper()
	status, _ := p.get(t, "http://"+p.at.Probes+path)
	return status
}

func (p *process) accepts() bool {
	c, err := net.Dial("tcp", p.at.API)
	if err != nil {
		return false
	}
	return c.Close() == nil
}

// free is an address that nobody has.
func free(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = ln.Close() }()
	return ln.Addr().String()
}

// output may be read while the process writes.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
