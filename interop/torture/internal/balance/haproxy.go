//go:build unix

package balance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/handover-go/handover/interop/torture/internal/fleet"
	"github.com/handover-go/handover/interop/torture/internal/load"
)

// slots is how many endpoints HAProxy knows at most, leaving ones included.
const slots = 8

type haproxy struct {
	entrances
	dir, mode string
	process   *fleet.Process

	mu    sync.Mutex
	taken [slots]fleet.Addresses
}

func newHAProxy(dir, mode string) *haproxy { return &haproxy{dir: dir, mode: mode} }

func (h *haproxy) socket() string { return filepath.Join(h.dir, "admin.sock") }

func (h *haproxy) Start(ctx context.Context) error {
	var err error
	if h.entrances, err = newEntrances(); err != nil {
		return err
	}
	path, err := program("haproxy")
	if err != nil {
		return err
	}
	file := filepath.Join(h.dir, "haproxy.cfg")
	if err := os.WriteFile(file, []byte(h.config()), 0o600); err != nil {
		return err
	}
	h.process, err = fleet.Start(path, "-db", "-f", file)
	if err != nil {
		return err
	}
	return h.process.Await(ctx, func() bool { _, err := h.command("show info"); return err == nil })
}

// config has a server for each slot, all of them in maintenance.
func (h *haproxy) config() string {
	var b strings.Builder
	fmt.Fprintf(&b, `global
	stats socket %s mode 600 level admin
	maxconn 4096
defaults
	mode %s
	retries 0
	no option redispatch
	timeout connect 1s
	timeout client 1h
	timeout server 1h
	timeout tunnel 1h
`, h.socket(), h.mode)
	if h.mode == "http" {
		b.WriteString("\tretry-on none\n\thttp-reuse always\n")
	}
	for _, port := range []load.Port{load.HTTP1, load.HTTP2, load.RPC} {
		name, options := backend(port), ""
		if h.mode == "http" && port != load.HTTP1 {
			options = " proto h2"
		}
		fmt.Fprintf(&b, "frontend front_%s\n\tbind %s%s\n\tdefault_backend %s\n", name, h.entrances[port], options, name)
		fmt.Fprintf(&b, "backend %s\n\tbalance roundrobin\n", name)
		for i := range slots {
			fmt.Fprintf(&b, "\tserver s%d 127.0.0.1:1%s disabled\n", i, options)
		}
	}
	return b.String()
}

func backend(port load.Port) string {
	return map[load.Port]string{load.HTTP1: "http1", load.HTTP2: "http2", load.RPC: "grpc"}[port]
}

func (h *haproxy) Add(_ context.Context, a fleet.Addresses) error {
	return h.change(fleet.Addresses{}, a, func(port load.Port, server string) []string {
		host, number, _ := net.SplitHostPort(target(a, port)) // it is one that we have made
		return []string{
			fmt.Sprintf("set server %s addr %s port %s", server, host, number),
			fmt.Sprintf("set server %s state ready", server),
		}
	})
}

func (h *haproxy) Remove(_ context.Context, a fleet.Addresses) error {
	return h.change(a, fleet.Addresses{}, func(_ load.Port, server string) []string {
		return []string{fmt.Sprintf("set server %s state maint", server)}
	})
}

// change does to all backends what has to be done when a slot is given to
// another.
func (h *haproxy) change(from, to fleet.Addresses, commands func(load.Port, string) []string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range h.taken {
		if h.taken[i] != from {
			continue
		}
		h.taken[i] = to
		for port := range h.entrances {
			for _, command := range commands(port, fmt.Sprintf("%s/s%d", backend(port), i)) {
				if _, err := h.command(command); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return errors.New("balance: haproxy has no slot for this")
}

// command returns what the admin socket answers.
func (h *haproxy) command(command string) (string, error) {
	conn, err := net.DialTimeout("unix", h.socket(), time.Second)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }() // has been read to its end
	if _, err := fmt.Fprintln(conn, command); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(conn)
	said := strings.TrimSpace(string(answer))
	if err == nil && strings.HasPrefix(command, "set") && said != "" && !strings.Contains(said, "changed") && !strings.Contains(said, "no need to change") {
		err = fmt.Errorf("balance: haproxy %q: %s", command, said)
	}
	return said, err
}

func (h *haproxy) Stop() {
	if h.process != nil {
		h.process.Kill()
	}
}
