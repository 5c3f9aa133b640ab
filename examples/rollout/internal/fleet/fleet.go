package fleet

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Release is what is deployed.
type Release struct {
	Version string
	Env     []string // over that of this process, as in FLAGS_KILL=search
}

// Fleet starts processes, and ends them. Its methods belong to one goroutine.
type Fleet struct {
	program string
	env     []string
	starts  chan func() // nil before the first
	running sync.WaitGroup
	all     []*Process
	tools   []*Tool
	lost    chan *Process
}

// most is how many processes there may be in the life of a fleet.
const most = 100

// New starts nothing. The program is a file; env is for each release.
func New(program string, env ...string) *Fleet {
	return &Fleet{program: program, env: env, lost: make(chan *Process, most)}
}

// Start runs one more process of a release, on ports of its own.
func (f *Fleet) Start(r Release) (*Process, error) {
	name := fmt.Sprintf("%s-%d", r.Version, len(f.all)+1)
	if len(f.all) == most {
		return nil, fmt.Errorf("start %s: there have been %d", name, most)
	}
	addresses, err := Free(2)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	exited := make(chan struct{})
	p := &Process{Name: name, Version: r.Version, API: addresses[0], Admin: addresses[1], Exited: exited, started: time.Now()}
	p.cmd = exec.Command(f.program, "-listen="+p.API, "-admin="+p.Admin, "-version="+r.Version)
	p.cmd.Env = append(append(inherited(), f.env...), r.Env...)
	p.cmd.Stderr = &p.words
	p.cmd.WaitDelay = time.Second
	isolate(p.cmd, syscall.SIGKILL)
	if err := f.run(p.cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p.PID = p.cmd.Process.Pid
	f.all = append(f.all, p)
	f.running.Go(func() {
		if p.wait() {
			f.lost <- p
		}
		close(exited)
	})
	return p, nil
}

// inherited is the environment without what would make another release of a release.
func inherited() (env []string) {
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if name != "DATABASE_URL" && name != "VERSION" && name != "FLAGS_KILL" {
			env = append(env, v)
		}
	}
	return env
}

// run starts a command on a goroutine that keeps its thread for as long as the fleet
// lives: on Linux a child dies with the thread that created it (prctl(2),
// PR_SET_PDEATHSIG), not with the process.
func (f *Fleet) run(cmd *exec.Cmd) error {
	if f.starts == nil {
		f.starts = make(chan func())
		f.running.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			for start := range f.starts {
				start()
			}
		})
	}
	started := make(chan error)
	f.starts <- func() { started <- cmd.Start() }
	return <-started
}

// Lost gets each process that has ended without being told to.
func (f *Fleet) Lost() <-chan *Process { return f.lost }

// All are the processes that have been started, in this order.
func (f *Fleet) All() []*Process { return f.all }

// End kills what still runs, and waits for it. Nothing is started after that.
func (f *Fleet) End() {
	for _, p := range f.all {
		p.Kill()
	}
	for _, t := range f.tools {
		t.End()
	}
	if f.starts != nil {
		close(f.starts)
		f.starts = nil
	}
	f.running.Wait()
}
