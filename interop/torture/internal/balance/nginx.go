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
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/handover-go/handover/interop/torture/internal/fleet"
	"github.com/handover-go/handover/interop/torture/internal/load"
)

// streamModule is a file where the module is not built in, as with Debian.
const streamModule = "/usr/lib/nginx/modules/ngx_stream_module.so"

type nginx struct {
	entrances
	dir      string
	block    func(e entrances, list []fleet.Addresses, news int) string
	question string // to which the answer is the news
	process  *fleet.Process

	mu   sync.Mutex
	list []fleet.Addresses
	news int // how often the list has changed
}

func newNginxHTTP(dir string) *nginx {
	return &nginx{dir: dir, block: httpBlock, question: "GET / HTTP/1.0\r\n\r\n"}
}

func newNginxTCP(dir string) *nginx { return &nginx{dir: dir, block: streamBlock} }

func (n *nginx) file() string { return filepath.Join(n.dir, "nginx.conf") }

func (n *nginx) Start(ctx context.Context) error {
	var err error
	if n.entrances, err = newEntrances(newsPort); err != nil {
		return err
	}
	path, err := program("nginx")
	if err != nil {
		return err
	}
	if err := n.write(); err != nil {
		return err
	}
	n.process, err = fleet.Start(path, "-p", n.dir, "-c", n.file(), "-e", "stderr")
	if err != nil {
		return err
	}
	return n.process.Await(ctx, n.everybodyHeard())
}

// newsPort is where nginx says which version of its list it has.
const newsPort load.Port = "news"

// everybodyHeard asks often enough: after a reload the workers of before go on
// accepting, beside the new ones, for a tenth of a second.
func (n *nginx) everybodyHeard() func() bool {
	times := 0
	return func() bool {
		if !n.heard() {
			times = 0
			return false
		}
		times++
		return times > 10 // looks that are 20 ms apart
	}
}

// heard reports whether a worker with the newest list answers.
func (n *nginx) heard() bool {
	conn, err := net.Dial("tcp", n.entrances[newsPort])
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }() // has been read to its end
	if _, err := fmt.Fprint(conn, n.question); err != nil {
		return false
	}
	answer, err := io.ReadAll(conn)
	return err == nil && strings.HasSuffix(string(answer), fmt.Sprintf("list %d.", n.news))
}

func (n *nginx) write() error {
	var b strings.Builder
	if _, err := os.Stat(streamModule); err == nil {
		fmt.Fprintf(&b, "load_module %s;\n", streamModule)
	}
	if os.Getuid() == 0 {
		b.WriteString("user root;\n") // the files are ours
	}
	fmt.Fprintf(&b, "daemon off;\nworker_processes 1;\npid %s;\n", filepath.Join(n.dir, "nginx.pid"))
	b.WriteString("events { worker_connections 2048; }\n")
	b.WriteString(n.block(n.entrances, n.list, n.news))
	temporary := n.file() + ".new"
	if err := os.WriteFile(temporary, []byte(b.String()), 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, n.file())
}

// httpBlock asks for no reload to be noticed: what is under way stays with the
// old workers.
func httpBlock(e entrances, list []fleet.Addresses, news int) string {
	return fmt.Sprintf(`http {
	access_log off;
	client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
	map $http_upgrade $upgrading { default upgrade; '' ''; }
	proxy_next_upstream off;
	grpc_next_upstream off;
	proxy_http_version 1.1;
	proxy_set_header Upgrade $http_upgrade;
	proxy_set_header Connection $upgrading;
	proxy_request_buffering off;
	proxy_read_timeout 1h;
	grpc_read_timeout 1h;
	client_max_body_size 0;
%s%s	server { listen %s; location / { proxy_pass http://api; } }
	server { listen %s http2; location / { grpc_pass grpc://rpc; } }
	server { listen %s; location / { return 200 "list %d."; } }
}
`, upstream("api", load.HTTP1, list), upstream("rpc", load.RPC, list), e[load.HTTP1], e[load.RPC], e[newsPort], news)
}

// streamBlock is layer 4.
func streamBlock(e entrances, list []fleet.Addresses, news int) string {
	var b strings.Builder
	b.WriteString("stream {\n\tproxy_next_upstream off;\n\tproxy_timeout 1h;\n")
	for _, port := range []load.Port{load.HTTP1, load.HTTP2, load.RPC} {
		b.WriteString(strings.ReplaceAll(upstream(backend(port), port, list), "\t\tkeepalive 64;\n", ""))
		fmt.Fprintf(&b, "\tserver { listen %s; proxy_pass %s; }\n", e[port], backend(port))
	}
	fmt.Fprintf(&b, "\tserver { listen %s; return \"list %d.\"; }\n}\n", e[newsPort], news)
	return b.String()
}

func upstream(name string, port load.Port, list []fleet.Addresses) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\tupstream %s {\n", name)
	for _, a := range list {
		fmt.Fprintf(&b, "\t\tserver %s max_fails=0;\n", target(a, port))
	}
	if len(list) == 0 {
		b.WriteString("\t\tserver 127.0.0.1:1 down;\n")
	}
	b.WriteString("\t\tkeepalive 64;\n\t}\n")
	return b.String()
}

func (n *nginx) Add(ctx context.Context, a fleet.Addresses) error {
	return n.change(ctx, func() { n.list = append(n.list, a) })
}

func (n *nginx) Remove(ctx context.Context, a fleet.Addresses) error {
	return n.change(ctx, func() {
		n.list = slices.DeleteFunc(n.list, func(other fleet.Addresses) bool { return other == a })
	})
}

// change returns when the news has arrived, which takes nginx a fifth of a second.
func (n *nginx) change(ctx context.Context, f func()) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	f()
	n.news++
	if n.process == nil {
		return errors.New("balance: nginx has not been started")
	}
	if err := n.write(); err != nil {
		return err
	}
	if err := n.process.Signal(syscall.SIGHUP); err != nil {
		return err
	}
	return n.process.Await(ctx, n.everybodyHeard())
}

func (n *nginx) Stop() {
	if n.process != nil {
		n.process.Kill()
	}
}
