//go:build unix

package balance

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strings"
	"sync"

	"github.com/handover-go/handover/interop/torture/internal/fleet"
	"github.com/handover-go/handover/interop/torture/internal/load"
)

// Balancer is what the clients meet.
type Balancer interface {
	// Start waits until it can be asked.
	Start(ctx context.Context) error
	Add(context.Context, fleet.Addresses) error
	Remove(context.Context, fleet.Addresses) error
	// Dial opens a client's connection.
	Dial(context.Context, load.Port) (net.Conn, error)
	// Stop ends its processes, and waits for them.
	Stop()
}

// Kind is a row's balancer.
type Kind struct {
	Name string
	// Needs is the program that has to be installed; empty: none.
	Needs string
	// Ports are what it can be asked for.
	Ports []load.Port
	// KeepAlive says whether clients may keep HTTP/1 connections to it.
	KeepAlive bool
	// New makes one that keeps its files in dir.
	New func(dir string) Balancer
}

// Transparent reports whether TLS passes through it.
func (k Kind) Transparent() bool { return k.Name == "direct" || strings.HasSuffix(k.Name, "-tcp") }

// Missing is the reason why it cannot be had here; nil if it can.
func (k Kind) Missing() error {
	if k.Needs == "" {
		return nil
	}
	if _, err := program(k.Needs); err != nil {
		return fmt.Errorf("balance: %s is not installed; make %s installs it", k.Needs, k.Needs)
	}
	return nil
}

// Kinds lists all, in the order of the table.
func Kinds() []Kind {
	all := []load.Port{load.HTTP1, load.HTTP2, load.RPC}
	return []Kind{
		{"direct", "", all, true, func(string) Balancer { return &direct{} }},
		{"haproxy", "haproxy", all, true, func(dir string) Balancer { return newHAProxy(dir, "http") }},
		{"haproxy-tcp", "haproxy", all, true, func(dir string) Balancer { return newHAProxy(dir, "tcp") }},
		{"nginx", "nginx", []load.Port{load.HTTP1, load.RPC}, false, func(dir string) Balancer { return newNginxHTTP(dir) }},
		{"nginx-tcp", "nginx", all, true, func(dir string) Balancer { return newNginxTCP(dir) }},
	}
}

// program finds what Debian keeps where only root looks.
func program(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return exec.LookPath("/usr/sbin/" + name)
	}
	return path, nil
}

// entrances are ports of this machine, one for each Port.
type entrances map[load.Port]string

func newEntrances(more ...load.Port) (entrances, error) {
	ports := append([]load.Port{load.HTTP1, load.HTTP2, load.RPC}, more...)
	free, err := fleet.Free(len(ports))
	if err != nil {
		return nil, err
	}
	e := entrances{}
	for i, port := range ports {
		e[port] = free[i]
	}
	return e, nil
}

func (e entrances) Dial(ctx context.Context, port load.Port) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "tcp", e[port])
}

// target is where an endpoint serves what is asked for at a port.
func target(a fleet.Addresses, port load.Port) string {
	if port == load.RPC {
		return a.RPC
	}
	return a.API
}

// direct is a list that every client has.
type direct struct {
	mu   sync.Mutex
	list []fleet.Addresses
	turn int
}

func (*direct) Start(context.Context) error { return nil }
func (*direct) Stop()                       {}

func (d *direct) Add(_ context.Context, a fleet.Addresses) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.list = append(d.list, a)
	return nil
}

func (d *direct) Remove(_ context.Context, a fleet.Addresses) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.list = slices.DeleteFunc(d.list, func(other fleet.Addresses) bool { return other == a })
	return nil
}

func (d *direct) Dial(ctx context.Context, port load.Port) (net.Conn, error) {
	d.mu.Lock()
	if len(d.list) == 0 {
		d.mu.Unlock()
		return nil, fmt.Errorf("balance: no endpoint")
	}
	d.turn++
	a := d.list[d.turn%len(d.list)]
	d.mu.Unlock()
	return new(net.Dialer).DialContext(ctx, "tcp", target(a, port))
}
