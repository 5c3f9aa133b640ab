package droptest

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"net/url"
	"os/exec"
	"time"
)

// Kind is what stands in front of the processes.
type Kind string

const (
	// Layer4 spreads connections: a new one goes to the next process in
	// rotation and stays there, whatever happens to the rotation afterwards.
	// This is kube-proxy, and a network load balancer.
	Layer4 Kind = "layer4"
	// Proxy spreads requests over its own pool of connections to each process.
	// This is nginx, HAProxy, an application load balancer. It tries once.
	Proxy Kind = "proxy"
)

// Addresses are the two host:port pairs that one process has to listen on.
type Addresses struct {
	API    string // gets the load
	Probes string // is asked whether the process is ready
}

// Version is one release of the program under test.
type Version struct {
	// Name is what the program sends as the response header X-Version, by which
	// each version's share of the responses is counted. Required.
	Name string
	// Command makes the command of one process, not yet started. It is called
	// on the goroutine that called Roll, so it may fail a test. The program
	// itself must be the child (not "go run", which forwards no SIGTERM).
	// Output that the command does not direct elsewhere is kept for error
	// messages. A program built with -race sleeps a second at its exit, unless
	// its environment has GORACE=atexit_sleep_ms=0. Required.
	Command func(Addresses) *exec.Cmd
}

// Config says how a deployment is made and what load it is under. The zero
// value is valid.
type Config struct {
	Kind     Kind   // default Layer4
	Listen   string // the balancer's address; default 127.0.0.1:0, a free port
	Replicas int    // processes of each version; default 3

	Lag  time.Duration // from SIGTERM until the balancer sends nothing new; in the wild 0 to 3 s; default 1 s, negative none
	RTT  time.Duration // round trip added between balancer and process; in the wild 0 to 20 ms; default 2 ms, negative none
	Poll time.Duration // between two looks at ReadyPath; one success joins, two failures leave; default 500 ms

	ReadyPath string // default "/readyz"
	OnePort   bool   // the program answers ReadyPath where it has its API: both Addresses are the same

	Rate      int           // requests per second; default 200
	NewShare  float64       // of requests that bring their own connection, up to 1; the rest is half GET, half POST on kept ones; default 1/3, negative none
	SlowEvery int           // one request in so many asks for SlowPath; default 20, negative none
	Path      string        // default "/"
	SlowPath  string        // answered late, as the program decides; default "/slow"
	Timeout   time.Duration // of one request; default 10 s
	Seed      uint64        // of the arrival times and of the mix; default 1

	Warmup       time.Duration // load before the first replacement; default 3 s, negative none
	Settle       time.Duration // between two replacements; default 1 s, negative none
	StartTimeout time.Duration // from the start of a process until it is in rotation; default 30 s
	KillAfter    time.Duration // from SIGTERM to SIGKILL; default 35 s

	// OnEvent is told of progress, on the goroutine that called Roll. nil is fine.
	OnEvent func(Event)
}

func (c Config) withDefaults() Config {
	c.Kind = cmp.Or(c.Kind, Layer4)
	c.Listen = cmp.Or(c.Listen, "127.0.0.1:0")
	c.Replicas = cmp.Or(c.Replicas, 3)
	c.Lag = max(0, cmp.Or(c.Lag, time.Second)) // without one, closing the listener at the signal loses nothing
	c.RTT = max(0, cmp.Or(c.RTT, 2*time.Millisecond))
	c.Poll = cmp.Or(c.Poll, 500*time.Millisecond)
	c.ReadyPath = cmp.Or(c.ReadyPath, "/readyz")
	c.Rate = cmp.Or(c.Rate, 200)
	c.NewShare = max(0, cmp.Or(c.NewShare, 1.0/3))
	c.SlowEvery = max(0, cmp.Or(c.SlowEvery, 20))
	c.Path = cmp.Or(c.Path, "/")
	c.SlowPath = cmp.Or(c.SlowPath, "/slow")
	c.Timeout = cmp.Or(c.Timeout, 10*time.Second)
	c.Seed = cmp.Or(c.Seed, 1)
	c.Warmup = max(0, cmp.Or(c.Warmup, 3*time.Second))
	c.Settle = max(0, cmp.Or(c.Settle, time.Second))
	c.StartTimeout = cmp.Or(c.StartTimeout, 30*time.Second)
	c.KillAfter = cmp.Or(c.KillAfter, 35*time.Second)
	return c
}

// check lists every mistake at once. It is asked after withDefaults.
func (c Config) check() error {
	var mistakes []error
	refuse := func(wrong bool, format string, args ...any) {
		if wrong {
			mistakes = append(mistakes, fmt.Errorf("droptest: Config."+format, args...))
		}
	}
	refuse(c.Kind != Layer4 && c.Kind != Proxy, "Kind is %q: use %q or %q", c.Kind, Layer4, Proxy)
	refuse(c.Replicas < 1, "Replicas is %d: use 1 or more", c.Replicas)
	refuse(c.Poll < 0, "Poll is %v: use 0 for 500ms, or a period", c.Poll)
	refuse(!isPath(c.ReadyPath), "ReadyPath is %q: use one that begins with /", c.ReadyPath)
	refuse(c.Rate < 0, "Rate is %d: use 0 for 200, or requests per second", c.Rate)
	refuse(c.NewShare > 1 || math.IsNaN(c.NewShare), "NewShare is %v: use a share between 0 and 1, negative for none", c.NewShare)
	refuse(!isPath(c.Path), "Path is %q: use one that begins with /", c.Path)
	refuse(!isPath(c.SlowPath), "SlowPath is %q: use one that begins with /", c.SlowPath)
	refuse(c.Timeout < 0, "Timeout is %v: use 0 for 10s, or the time for one request", c.Timeout)
	refuse(c.StartTimeout < 0, "StartTimeout is %v: use 0 for 30s, or the time a process may take to be ready", c.StartTimeout)
	refuse(c.KillAfter < 0, "KillAfter is %v: use 0 for 35s, or the time a process may take to exit", c.KillAfter)
	return errors.Join(mistakes...)
}

func isPath(s string) bool {
	_, err := url.ParseRequestURI(s)
	return err == nil && s[0] == '/'
}

func (v Version) check(which string) error {
	var mistakes []error
	if v.Name == "" {
		mistakes = append(mistakes, fmt.Errorf("droptest: the %s Version has no Name: use what it sends as X-Version", which))
	}
	if v.Command == nil {
		mistakes = append(mistakes, fmt.Errorf("droptest: the %s Version has no Command: use a function that makes its *exec.Cmd", which))
	}
	return errors.Join(mistakes...)
}
