package shutdown_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/shutdown"
)

func TestMain(m *testing.M) {
	if os.Getenv("HANDOVER_TEST_NOTIFY") != "" {
		notifyChild()
		os.Exit(0)
	}
	if os.Getenv("HANDOVER_TEST_FILES") != "" {
		filesChild()
		os.Exit(0)
	}
	slog.SetDefault(slog.New(slog.DiscardHandler))
	goleak.VerifyTestMain(m)
}

// running is a Server in its Serve.
type running struct {
	*shutdown.Server
	t      *testing.T
	served chan error
}

func serve(t *testing.T, srv *http.Server, cfg shutdown.Config) *running {
	t.Helper()
	r := &running{Server: shutdown.HTTP(srv, cfg), t: t, served: make(chan error, 1)}
	require.NoError(t, r.Listen(t.Context()))
	ctx := context.WithoutCancel(t.Context())
	go func() { r.served <- r.Serve(ctx) }()
	return r
}

// loopback serves on a free port of this machine.
func loopback(t *testing.T, h http.Handler, cfg shutdown.Config) *running {
	t.Helper()
	return serve(t, &http.Server{Addr: "127.0.0.1:0", Handler: h}, cfg)
}

// client is one connection that replays nothing.
type client struct {
	net.Conn
	t *testing.T
	r *bufio.Reader
}

func newClient(t *testing.T, c net.Conn) *client {
	t.Helper()
	return &client{Conn: c, t: t, r: bufio.NewReader(c)}
}

func (s *running) dial() *client {
	s.t.Helper()
	c, err := new(net.Dialer).DialContext(s.t.Context(), "tcp", s.Addr().String())
	require.NoError(s.t, err)
	return newClient(s.t, c)
}

func (c *client) send(text string) {
	c.t.Helper()
	_, err := io.WriteString(c, text)
	require.NoError(c.t, err)
}

// answer reads a response: "200 hello" or "200 hello, close".
func (c *client) answer() string {
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	said := []string{strings.TrimSpace(resp.Status[:3] + " " + string(body))}
	if resp.Close {
		said = append(said, "close")
	}
	return strings.Join(said, ", ")
}

func (c *client) get(path string) string {
	if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: test\r\n\r\n"); err != nil {
		return err.Error()
	}
	return c.answer()
}

// gone waits for the server to close the connection.
func (c *client) gone() {
	c.t.Helper()
	_, err := c.r.ReadByte()
	require.Error(c.t, err)
	require.NoError(c.t, c.Close())
}

func hello(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }

// diary is what was logged, a line for each record.
type diary struct {
	mu   sync.Mutex
	text strings.Builder
}

func (d *diary) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.Write(p)
}

func (d *diary) logger() *slog.Logger { return slog.New(slog.NewTextHandler(d, nil)) }

func (d *diary) lines() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Split(strings.TrimSpace(d.text.String()), "\n")
}
