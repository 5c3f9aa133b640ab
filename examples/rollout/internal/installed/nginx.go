package installed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/handover-go/handover/examples/rollout/internal/fleet"
	"github.com/handover-go/handover/examples/rollout/internal/front"
)

// Config is what a balancer needs. All of it is required.
type Config struct {
	Listen string // host:port
	Dir    string // of its files, which somebody else removes
	Watch  *front.Watch
}

// Nginx is a carrier that is nginx.
type Nginx struct {
	cfg     Config
	news    string // host:port where it says which state it has
	journal *journal
	tool    *fleet.Tool
	states  int
}

// StartNginx runs it in a fleet. Its log is read until ctx ends.
func StartNginx(ctx context.Context, f *fleet.Fleet, cfg Config) (*Nginx, error) {
	program, err := Find("nginx")
	if err != nil {
		return nil, err
	}
	free, err := fleet.Free(1)
	if err != nil {
		return nil, err
	}
	n := &Nginx{cfg: cfg, news: free[0]}
	if n.journal, err = newJournal(cfg.Watch); err != nil {
		return nil, err
	}
	n.journal.start(ctx)
	if err := n.write(front.State{}); err != nil {
		return nil, err
	}
	if n.tool, err = f.Tool(program, "-p", cfg.Dir, "-c", n.file(), "-e", "stderr"); err != nil {
		return nil, err
	}
	return n, n.await(ctx)
}

func (n *Nginx) file() string { return filepath.Join(n.cfg.Dir, "nginx.conf") }

// Apply reloads, and returns when only workers with the new state accept, which takes a
// fifth of a second.
func (n *Nginx) Apply(ctx context.Context, s front.State) error {
	n.states++
	if err := n.write(s); err != nil {
		return err
	}
	n.journal.set(s)
	n.tool.Signal(syscall.SIGHUP)
	return n.await(ctx)
}

// Wait is for the end of the log. The process ends with its fleet.
func (n *Nginx) Wait() { n.journal.wait() }

// write replaces the file in one go.
func (n *Nginx) write(s front.State) error {
	temporary := n.file() + ".new"
	if err := os.WriteFile(temporary, []byte(n.config(s)), 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, n.file())
}

func (n *Nginx) config(s front.State) string {
	user, spare := "", "off"
	if os.Getuid() == 0 {
		user = "user root; # the files are ours"
	}
	if s.Sparing() { // a POST is not tried again: it may have been done
		spare = "error timeout invalid_header http_500 http_502 http_503 http_504"
	}
	return fmt.Sprintf(`%s
daemon off;
worker_processes 1; # each would have a turn of its own
pid nginx.pid;
events { worker_connections 4096; }
http {
	client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
	log_format answers escape=json '{"to":"$upstream_addr","status":"$upstream_status","seconds":"$upstream_response_time"}';
	access_log syslog:server=%s,nohostname answers;
	proxy_http_version 1.1;
	proxy_set_header Connection "";
	proxy_read_timeout 1h;
	proxy_next_upstream %s;
%s	server { listen %s; location / { proxy_pass http://service; } }
	server { listen %s; access_log off; location / { return 200 "state %d."; } }
}
`, user, n.journal.address(), spare, upstream(s), n.cfg.Listen, n.news, n.states)
}

// upstream has who has a weight, and the spare version in reserve if it has none.
func upstream(s front.State) string {
	var b strings.Builder
	b.WriteString("\tupstream service {\n")
	weights, some := s.PerTarget(), false
	for _, t := range s.Targets {
		switch w := weights[t.Name]; {
		case w > 0:
			fmt.Fprintf(&b, "\t\tserver %s weight=%d max_fails=0;\n", t.API, w)
			some = true
		case s.Sparing() && t.Version == s.Spare:
			fmt.Fprintf(&b, "\t\tserver %s backup max_fails=0;\n", t.API)
		}
	}
	if !some {
		b.WriteString("\t\tserver 127.0.0.1:1 down;\n")
	}
	b.WriteString("\t\tkeepalive 64;\n\t}\n")
	return b.String()
}

// The workers of before go on accepting beside the new ones, for a tenth of a second.
const (
	looks     = 10
	look      = 20 * time.Millisecond
	patience  = 10 * time.Second
	shortTime = time.Second
)

// await asks often enough.
func (n *Nginx) await(ctx context.Context) error {
	late := errors.New("does not take its configuration")
	ctx, cancel := context.WithTimeoutCause(ctx, patience, late)
	defer cancel()
	tick := time.NewTicker(look)
	defer tick.Stop()
	for times := 0; times <= looks; times++ {
		if !n.heard(ctx) {
			times = -1
		}
		select {
		case <-tick.C:
		case <-n.tool.Exited:
			return n.tool.Failed("has ended")
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), late) {
				return n.tool.Failed(late.Error())
			}
			return context.Cause(ctx)
		}
	}
	return nil
}

// heard reports whether a worker with the newest state answers.
func (n *Nginx) heard(ctx context.Context) bool {
	client := &http.Client{Timeout: shortTime, Transport: &http.Transport{
		DisableKeepAlives: true, DialContext: new(net.Dialer).DialContext,
	}}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.news, http.NoBody)
	if err != nil {
		return false
	}
	answer, err := client.Do(r)
	if err != nil {
		return false
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	return err == nil && string(text) == fmt.Sprintf("state %d.", n.states)
}
