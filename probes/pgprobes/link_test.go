package pgprobes_test

import (
	"context"
	"net"
	"net/url"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/probes/pgprobes"
)

func TestTheConnectionIsKeptForAMinute(t *testing.T) {
	database := pg.Database(t)
	synctest.Test(t, func(t *testing.T) {
		config, counter := count(t, database)
		check := pgprobes.Server("postgres", config, pgprobes.Config{})
		look := func() [3]int {
			require.Equal(t, "pass", verdict(t, check))
			return counter.so()
		}
		for range 60 {
			require.Equal(t, [...]int{1, 1, 1}, look())
			time.Sleep(time.Second)
		}
		time.Sleep(time.Second)
		require.Equal(t, [...]int{2, 1, 1}, look(), "another one")
		time.Sleep(59 * time.Second)
		require.Equal(t, [...]int{2, 1, 1}, look())
		time.Sleep(2 * time.Second)
		require.Equal(t, [...]int{2, 0, 1}, counter.so(), "none, though no run comes any more")
	})
}

func TestAConnectionForOneRun(t *testing.T) {
	config, counter := count(t, pg.Database(t))
	check := pgprobes.Server("postgres", config, pgprobes.Config{Lifetime: -1})
	for run := range 3 {
		require.Equal(t, "pass", verdict(t, check))
		require.Equal(t, [...]int{run + 1, 0, 1}, counter.so())
	}
}

func TestAConnectionThatAnAdministratorEndsIsNoFailure(t *testing.T) {
	database := pg.Database(t)
	synctest.Test(t, func(t *testing.T) {
		settle(t)
		config, counter := count(t, database)
		check := pgprobes.Server("postgres", config, pgprobes.Config{})
		require.Equal(t, "pass", verdict(t, check))
		execute(t, connect(t, database), "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity "+
			"WHERE datname = current_database() AND pid <> pg_backend_pid()")
		require.Equal(t, "pass", verdict(t, check))
		require.Equal(t, [...]int{2, 1, 1}, counter.so())
	})
}

func TestRunsAtTheSameTimeLeaveOneConnection(t *testing.T) {
	database := pg.Database(t)
	synctest.Test(t, func(t *testing.T) {
		settle(t)
		config, counter := count(t, database)
		check := pgprobes.Server("postgres", config, pgprobes.Config{MaxLag: time.Second})
		var runs sync.WaitGroup
		for range 8 {
			runs.Go(func() {
				if err := check.Run(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		runs.Wait()
		require.Equal(t, 1, counter.so()[1])
	})
}

// wire is a network to the server that can fall silent: what is connected stays so, what
// is new is accepted, and nothing gets through any more.
type wire struct {
	network, address string
	silent           sync.RWMutex // held for writing while it is

	mu    sync.Mutex
	conns []net.Conn
}

// newWire returns a URL as well, whose sslmode is the default: it has two ways to try.
func newWire(t *testing.T, database string) (w *wire, through string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	config := parse(t, database)
	w = &wire{}
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
	return w, u.String()
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
		if w.silent.TryRLock() { // or else it is lost
			_, err = to.Write(buffer[:n])
			w.silent.RUnlock()
		}
		if err != nil {
			return
		}
	}
}

// counter counts the connections of a check, as it makes and closes them.
type counter struct {
	mu               sync.Mutex
	made, open, most int
	dialled          chan struct{}
}

type counted struct {
	net.Conn
	close func()
}

func (c counted) Close() error {
	c.close()
	return c.Conn.Close()
}

// count makes a configuration with a counter.
func count(t *testing.T, url string) (*pgx.ConnConfig, *counter) {
	t.Helper()
	config, c := parse(t, url), &counter{dialled: make(chan struct{}, 100)}
	dial := config.DialFunc
	config.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		c.note(1)
		select {
		case c.dialled <- struct{}{}:
		default: // nobody waits for so many
		}
		return counted{conn, sync.OnceFunc(func() { c.note(-1) })}, nil
	}
	return config, c
}

func (c *counter) note(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open += n
	c.made += max(0, n)
	c.most = max(c.most, c.open)
}

// so returns how many were made, are open, and have been at a time.
func (c *counter) so() [3]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return [...]int{c.made, c.open, c.most}
}

func TestAServerThatFallsSilent(t *testing.T) {
	w, through := newWire(t, pg.Database(t))
	config, counter := count(t, through)
	check := pgprobes.Server("postgres", config, pgprobes.Config{})
	briefly := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		return check.Run(ctx)
	}
	require.Equal(t, "pass", verdict(t, check))
	made := counter.so()[0]
	require.Equal(t, [...]int{made, 1, 1}, counter.so())

	w.silent.Lock()
	require.ErrorIs(t, briefly(), context.DeadlineExceeded, "on the connection that was kept")
	require.Equal(t, [...]int{made, 0, 1}, counter.so(), "and nobody is sent after it to cancel the query")
	for i := range 3 {
		require.ErrorIs(t, briefly(), context.DeadlineExceeded, "on a new one")
		require.Equal(t, [...]int{made + 1 + i, 0, 1}, counter.so())
	}

	for len(counter.dialled) > 0 {
		<-counter.dialled
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- check.Run(ctx) }()
	<-counter.dialled
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled, "a stop does not wait for the time-out")
	require.Equal(t, 0, counter.so()[1])
	w.silent.Unlock()
	require.Equal(t, "pass", verdict(t, check))
}

// Neither does a set pile them up.
func TestASetWhoseServerIsSilent(t *testing.T) {
	w, through := newWire(t, pg.Database(t))
	w.silent.Lock()
	config, counter := count(t, through)
	check := pgprobes.Server("postgres", config, pgprobes.Config{})
	check.Interval, check.Timeout, check.MaxAge = time.Millisecond, 10*time.Millisecond, time.Hour
	// Whether a run is over when its 10 ms are is up to the machine, when the set ends too.
	set := run(t, check, func(err error) { t.Log(err) })
	for range 10 {
		<-counter.dialled
	}
	require.Contains(t, readyz(set), "503 fail") // a timeout or, on a machine with other things to do, stuck
	require.Equal(t, 1, counter.so()[2], "one connection at a time")
}
