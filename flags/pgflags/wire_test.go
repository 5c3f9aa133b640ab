package pgflags_test

import (
	"bytes"
	"net"
	"net/url"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
)

// wire is a network to the server. When it has fallen silent, what is connected stays
// so, what is new is accepted, and nothing gets through any more.
type wire struct {
	network, address string
	asked            chan struct{} // each time that a listener asks whether it is listened to

	mu        sync.Mutex
	isSilent  bool
	elsewhere bool // LISTEN goes to another session, as with a pooler
	conns     []net.Conn
}

func newWire(t *testing.T, database string) (w *wire, through string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	config, err := pgx.ParseConfig(database)
	require.NoError(t, err)
	w = &wire{asked: make(chan struct{}, 1000)}
	w.network, w.address = pgconn.NetworkAddress(config.Host, config.Port)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() { w.carry(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		w.mu.Lock()
		for _, conn := range w.conns {
			_ = conn.Close()
		}
		w.mu.Unlock()
		all.Wait()
	})
	u := url.URL{Scheme: "postgres", User: url.User(config.User), Host: listener.Addr().String(), Path: config.Database}
	return w, u.String() + "?sslmode=disable"
}

func (w *wire) silence() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isSilent = true
}

func (w *wire) carry(client net.Conn) {
	server, err := net.Dial(w.network, w.address)
	if err != nil {
		_ = client.Close()
		return
	}
	w.mu.Lock()
	w.conns = append(w.conns, client, server)
	w.mu.Unlock()
	var back sync.WaitGroup
	back.Go(func() { w.copy(client, server) })
	w.copy(server, client)
	back.Wait()
}

// copy ends both ends when one has.
func (w *wire) copy(to, from net.Conn) {
	defer func() { _, _ = to.Close(), from.Close() }()
	buffer := make([]byte, 4<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		text := buffer[:n]
		if bytes.Contains(text, []byte("SELECT pg_listening_channels()")) {
			w.asked <- struct{}{}
		}
		w.mu.Lock()
		if w.elsewhere {
			text = bytes.ReplaceAll(text, []byte("LISTEN handover_flags"), []byte("SELECT 1 AS some_name")) // as long
		}
		if !w.isSilent {
			_, err = to.Write(text)
		}
		w.mu.Unlock()
		if err != nil {
			return
		}
	}
}
