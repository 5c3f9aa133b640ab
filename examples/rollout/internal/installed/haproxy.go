package installed

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/handover-go/handover/examples/rollout/internal/fleet"
	"github.com/handover-go/handover/examples/rollout/internal/front"
)

// slots is how many processes there may be in the life of a HAProxy. None is used again:
// kept connections could lead to who had it before.
const slots = 40

// HAProxy is a carrier that is HAProxy.
type HAProxy struct {
	cfg     Config
	journal *journal
	tool    *fleet.Tool
	used    int            // slots
	slot    map[string]int // by the name of the target
	in      map[string]weights
}

// weights of a target by backend: first, second.
type weights map[string]int

// StartHAProxy runs it in a fleet. Its log is read until ctx ends.
func StartHAProxy(ctx context.Context, f *fleet.Fleet, cfg Config) (*HAProxy, error) {
	program, err := Find("haproxy")
	if err != nil {
		return nil, err
	}
	h := &HAProxy{cfg: cfg, slot: map[string]int{}, in: map[string]weights{}}
	if h.journal, err = newJournal(cfg.Watch); err != nil {
		return nil, err
	}
	h.journal.start(ctx)
	file := filepath.Join(cfg.Dir, "haproxy.cfg")
	if err := os.WriteFile(file, []byte(h.config()), 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(h.file("shares"), []byte("second 0\n"), 0o600); err != nil {
		return nil, err
	}
	if h.tool, err = f.Tool(program, "-db", "-f", file); err != nil {
		return nil, err
	}
	return h, h.await(ctx)
}

func (h *HAProxy) file(name string) string { return filepath.Join(h.cfg.Dir, name) }

// Wait is for the end of the log. The process ends with its fleet.
func (h *HAProxy) Wait() { h.journal.wait() }

// config has two backends. Without a spare, all is the first's. Else the spare version is
// the first, and the other the second: a GET that is for it goes by way of backend spared,
// which begins at the second, and has one more try, at the first. Both have frontends of
// their own, so that each answer is in the log.
func (h *HAProxy) config() string {
	var b strings.Builder
	fmt.Fprintf(&b, `global
	stats socket %[1]s mode 600 level admin
	maxconn 4096
	noreuseport
	log %[2]s format raw local0
defaults
	mode http
	log global
	log-format '{"to":"%%si:%%sp","status":"%%ST","milliseconds":"%%Tr","retries":"%%rc"}'
	retries 0
	no option redispatch
	retry-on none
	http-reuse always
	timeout connect 1s
	timeout client 1h
	timeout server 1h
frontend service
	bind %[3]s
	http-request set-var(txn.second) str(second),map_str_int(%[4]s,0)
	http-request set-var(txn.draw) rand(100),sub(txn.second) # an acl would draw at each look
	acl second var(txn.draw) -m int lt 0
	use_backend spared if second METH_GET
	use_backend second if second
	default_backend first
frontend again_first
	bind unix@%[5]s mode 600
	default_backend first
frontend again_second
	bind unix@%[6]s mode 600
	default_backend second
backend spared
	retries 1
	option redispatch 1
	retry-on conn-failure empty-response junk-response response-timeout 500 502 503 504
	use-server second if TRUE
	server first unix@%[5]s
	server second unix@%[6]s weight 0 # the second try is not for it
`, h.file("admin.sock"), h.journal.address(), h.cfg.Listen, h.file("shares"), h.file("first.sock"), h.file("second.sock"))
	for _, backend := range []string{"first", "second"} {
		fmt.Fprintf(&b, "backend %s\n\tbalance roundrobin\n", backend)
		for i := range slots {
			fmt.Fprintf(&b, "\tserver s%d 127.0.0.1:1 disabled\n", i)
		}
	}
	return b.String()
}

// Apply has who comes in before the shares are changed, and who goes after that: at no time
// is there nobody.
func (h *HAProxy) Apply(ctx context.Context, s front.State) error {
	next, share := split(s)
	var before, after []string
	for _, t := range s.Targets {
		if _, is := h.in[t.Name]; !is {
			if h.used == slots {
				return fmt.Errorf("haproxy has had %d processes", slots)
			}
			h.slot[t.Name] = h.used
			h.used++
			before = append(before, arrives(h.slot[t.Name], t)...)
		}
		for backend, w := range next[t.Name] {
			command := fmt.Sprintf("set server %s/s%d weight %d", backend, h.slot[t.Name], w)
			if w >= h.in[t.Name][backend] {
				before = append(before, command)
			} else {
				after = append(after, command)
			}
		}
	}
	for name := range h.in {
		if _, stays := next[name]; !stays {
			after = append(after, leaves(h.slot[name])...)
		}
	}
	h.in = next
	h.journal.set(s)
	all := append(before, fmt.Sprintf("set map %s second %d", h.file("shares"), share))
	return h.commands(ctx, append(all, after...))
}

// split is what each target has in both backends, and the share of the second in percent.
func split(s front.State) (next map[string]weights, share int) {
	next, all, second := map[string]weights{}, 0, 0
	for name, w := range s.PerTarget() {
		next[name] = weights{"first": w, "second": 0}
	}
	if !s.Sparing() {
		return next, 0
	}
	for _, t := range s.Targets {
		w := next[t.Name]["first"]
		all += w
		if t.Version == s.Spare {
			next[t.Name] = weights{"first": 1, "second": 0}
			continue
		}
		next[t.Name] = weights{"first": 0, "second": w}
		second += w
	}
	return next, 100 * second / all
}

func arrives(slot int, t front.Target) (commands []string) {
	host, port, _ := net.SplitHostPort(t.API) // it is one that we have made
	for _, backend := range []string{"first", "second"} {
		server := fmt.Sprintf("%s/s%d", backend, slot)
		commands = append(commands,
			fmt.Sprintf("set server %s addr %s port %s", server, host, port),
			fmt.Sprintf("set server %s weight 0", server),
			fmt.Sprintf("set server %s state ready", server))
	}
	return commands
}

func leaves(slot int) []string {
	return []string{
		fmt.Sprintf("set server first/s%d state maint", slot),
		fmt.Sprintf("set server second/s%d state maint", slot),
	}
}

// commands are given one after the other, as an answer to several does not say whose it is.
func (h *HAProxy) commands(ctx context.Context, all []string) error {
	for _, command := range all {
		said, err := h.ask(ctx, command)
		if err != nil {
			return fmt.Errorf("haproxy %q: %w", command, err)
		}
		if said != "" && !strings.Contains(said, "changed") && !strings.Contains(said, "no need to change") {
			return fmt.Errorf("haproxy %q: %s", command, said)
		}
	}
	return nil
}

// ask returns what the runtime API answers.
func (h *HAProxy) ask(ctx context.Context, command string) (string, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", h.file("admin.sock"))
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }() // has been read to its end
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	if _, err := fmt.Fprintln(conn, command); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(conn)
	return strings.TrimSpace(string(answer)), err
}

// await is for its runtime API to answer.
func (h *HAProxy) await(ctx context.Context) error {
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		if _, err := h.ask(ctx, "show info"); err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-h.tool.Exited:
			return h.tool.Failed("has ended")
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
