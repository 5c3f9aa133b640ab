package pgramp_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/guard"
	"github.com/handover-go/handover/flags/pgflags"
	"github.com/handover-go/handover/flags/ramp"
	"github.com/handover-go/handover/flags/ramp/pgramp"
)

// What a process that is an instance is told: the directory of the files by which it is
// ruled, the database, its name, and its steps.
const (
	envInstance = "PGRAMP_TEST_INSTANCE"
	envURL      = "PGRAMP_TEST_URL"
	envID       = "PGRAMP_TEST_ID"
	envSteps    = "PGRAMP_TEST_STEPS"
	envVersion  = "PGRAMP_TEST_VERSION"
)

const (
	ttl  = 900 * time.Millisecond
	tick = 20 * time.Millisecond
	bake = 150 * time.Millisecond
)

// files has a guard that trips when there is a file, and a source that lags while there
// is another one.
type files struct {
	flags.Source
	dir, id string
	mu      sync.Mutex
	last    flags.Document
}

func (f *files) there(name string) bool {
	_, err := os.Stat(filepath.Join(f.dir, f.id+"."+name))
	return err == nil
}

func (f *files) Step() {}

func (f *files) Verdict() guard.Verdict {
	if f.there("trip") {
		return guard.Verdict{State: guard.Tripped, Why: "errors: 9 of 61"}
	}
	return guard.Verdict{State: guard.Passing, Step: 100, Least: 100}
}

func (f *files) Load(ctx context.Context) (flags.Document, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.there("lag") && f.last.JSON != nil {
		return f.last, nil
	}
	document, err := f.Source.Load(ctx)
	if err == nil {
		f.last = document
	}
	return document, err
}

func (f *files) Watch(ctx context.Context, changed func()) error {
	return f.Source.(flags.Watcher).Watch(ctx, changed)
}

// instance is the program. It serves until it is killed.
func instance(dir string) int {
	ctx, id := context.Background(), os.Getenv(envID)
	pool, err := pgxpool.New(ctx, os.Getenv(envURL))
	if err != nil {
		return 1
	}
	rule := &files{Source: pgflags.New(pool, pgflags.Config{}), dir: dir, id: id}
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError + 1}))
	client := flags.New(rule, flags.Config{Logger: logger, Interval: 100 * time.Millisecond, StaleAfter: time.Hour}, newCheckout)
	var steps []float64
	for s := range strings.SplitSeq(os.Getenv(envSteps), ",") {
		step, _ := strconv.ParseFloat(s, 64)
		steps = append(steps, step)
	}
	member := ramp.New(client, pgramp.New(pool, pgramp.Config{}),
		ramp.Config{ID: id, Version: os.Getenv(envVersion), TTL: ttl, Tick: tick, Logger: logger},
		ramp.Plan{Flag: newCheckout, Steps: steps, Bake: bake, Guard: rule})
	if client.Start(ctx) != nil || member.Start(ctx) != nil {
		return 1
	}
	go func() { _ = client.Run(ctx) }()
	go func() { _ = member.Run(ctx) }()
	for range time.Tick(tick) {
		on := 0
		for i := range 1000 {
			if newCheckout.On(client.Pin(ctx, flags.Subject{Key: fmt.Sprint("user-", i)})) {
				on++
			}
		}
		name := filepath.Join(dir, id+".on")
		_ = os.WriteFile(name+".new", []byte(strconv.Itoa(on)), 0o600)
		_ = os.Rename(name+".new", name)
	}
	return 0
}

// fleet are processes, and what rules them.
type fleet struct {
	t         *testing.T
	dir, url  string
	steps     string
	version   string // of the code of those that are started next
	processes map[string]*exec.Cmd
}

func newFleet(t *testing.T, url, steps string) *fleet {
	f := &fleet{t: t, dir: t.TempDir(), url: url, steps: steps, version: "1", processes: map[string]*exec.Cmd{}}
	t.Cleanup(func() {
		for id := range f.processes {
			f.kill(id)
		}
	})
	return f
}

func (f *fleet) start(id string) {
	f.t.Helper()
	p := exec.Command(os.Args[0])
	p.Env = append(os.Environ(), envInstance+"="+f.dir, envURL+"="+f.url, envID+"="+id, envSteps+"="+f.steps, envVersion+"="+f.version)
	p.Stderr = os.Stderr
	require.NoError(f.t, p.Start())
	f.processes[id] = p
}

// kill is kill -9.
func (f *fleet) kill(id string) {
	p := f.processes[id]
	delete(f.processes, id)
	_ = p.Process.Kill()
	_ = p.Wait()
}

func (f *fleet) rule(id, file string) {
	f.t.Helper()
	require.NoError(f.t, os.WriteFile(filepath.Join(f.dir, id+"."+file), nil, 0o600))
}

func (f *fleet) release(id, file string) {
	f.t.Helper()
	require.NoError(f.t, os.Remove(filepath.Join(f.dir, id+"."+file)))
}

// on is how many of 1,000 have the flag on in an instance; -1 if it has not said.
func (f *fleet) on(id string) int {
	text, err := os.ReadFile(filepath.Join(f.dir, id+".on"))
	if err != nil {
		return -1
	}
	n, err := strconv.Atoi(string(text))
	if err != nil {
		return -1
	}
	return n
}

// patience is for a machine that is busy with other things.
const patience = time.Minute

// until waits for something to come true.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	require.Eventually(t, is, patience, 10*time.Millisecond, what)
}
