package fleet

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Process is one running copy of a release. Its methods may be called at the same time.
type Process struct {
	Name       string // v1-2: the second process of its fleet, of version v1
	Version    string
	API, Admin string // host:port
	PID        int
	Exited     <-chan struct{} // closed when it has been waited for

	cmd     *exec.Cmd
	words   tail
	started time.Time

	mu     sync.Mutex
	ready  time.Time
	told   time.Time
	ended  time.Time
	status string // empty while it runs
}

// Ready waits until it says so at /readyz.
func (p *Process) Ready(ctx context.Context) error {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Second}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !p.saysReady(ctx, client) {
		select {
		case <-tick.C:
		case <-p.Exited:
			return p.Failed("has ended before it was ready")
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w", p.Name, context.Cause(ctx))
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ready = time.Now()
	return nil
}

func (p *Process) saysReady(ctx context.Context, client *http.Client) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.Admin+"/readyz", http.NoBody)
	if err != nil {
		return false
	}
	answer, err := client.Do(r)
	if err != nil {
		return false
	}
	_ = answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// Terminate sends SIGTERM. One that has ended gets none.
func (p *Process) Terminate() { p.signal(syscall.SIGTERM) }

// Kill sends SIGKILL.
func (p *Process) Kill() { p.signal(syscall.SIGKILL) }

func (p *Process) signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.status != "" {
		return
	}
	if p.told.IsZero() {
		p.told = time.Now()
	}
	_ = p.cmd.Process.Signal(s) // it has just ended, or gets it
}

// wait reports whether it has ended without being told to.
func (p *Process) wait() bool {
	_ = p.cmd.Wait() // its status is kept in cmd.ProcessState
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status, p.ended = p.cmd.ProcessState.String(), time.Now()
	return p.told.IsZero()
}

// State is its status as in "exit status 0", empty while it runs, and the time from the
// first signal to its end.
func (p *Process) State() (status string, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.status != "" && !p.told.IsZero() {
		took = p.ended.Sub(p.told)
	}
	return p.status, took
}

// Life is when it was started, was ready, got its first signal, and ended; zero is never.
func (p *Process) Life() (started, ready, told, ended time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.started, p.ready, p.told, p.ended
}

// Failed is an error with its last words.
func (p *Process) Failed(what string) error {
	return fmt.Errorf("%s %s; its last output:\n%s", p.Name, what, p.words.String())
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

const keptBytes = 4 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, b...)
	t.kept = t.kept[max(0, len(t.kept)-keptBytes):]
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.kept))
}
