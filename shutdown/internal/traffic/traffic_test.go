package traffic_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/internal/pipenet"
	"github.com/handover-go/handover/shutdown/internal/told"
	"github.com/handover-go/handover/shutdown/internal/traffic"
)

func noProbes(*http.Request) bool { return false }

// pair is a connection over loopback, as the table and as the client see it.
func pair(t *testing.T, table *traffic.Table) (server, client net.Conn) {
	t.Helper()
	raw, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := table.Listener(raw)
	client, err = net.Dial("tcp", raw.Addr().String())
	require.NoError(t, err)
	server, err = l.Accept()
	require.NoError(t, err)
	require.NoError(t, l.Close())
	t.Cleanup(func() { _, _ = server.Close(), client.Close() })
	return server, client
}

func TestAnIdleConnectionIsNotGivenUpWhenBytesHaveComeThatNobodyHasRead(t *testing.T) {
	table := traffic.New(noProbes)
	server, client := pair(t, table)
	table.Changed(server, http.StateIdle)
	_, err := io.WriteString(client, "GET / HTTP/1.1\r\n")
	require.NoError(t, err)
	require.Eventually(t, func() bool { // the bytes have crossed loopback
		seen := table.Depart(traffic.Spread{}).Look(table.Now(), traffic.Patience{})
		require.Zero(t, seen.GivenUp, "a request was thrown away")
		return seen.Warm == 1
	}, time.Second, time.Millisecond)

	b := make([]byte, 100)
	n, err := server.Read(b)
	require.NoError(t, err)
	require.Equal(t, "GET / HTTP/1.1\r\n", string(b[:n]))
	seen := table.Depart(traffic.Spread{}).Look(table.Now(), traffic.Patience{})
	require.Equal(t, 1, seen.Warm, "a request that is half read was thrown away")
	require.LessOrEqual(t, seen.Next-table.Now(), time.Second, "nobody will look again")
	require.Len(t, table.InFlight(), 1)
}

func TestAConnectionThatCouldNotBeGivenUpIsLookedAtAgain(t *testing.T) {
	table := traffic.New(noProbes)
	server, client := pair(t, table)
	table.Changed(server, http.StateIdle)
	_, err := io.WriteString(client, "GET")
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		now := table.Now()
		return table.Depart(traffic.Spread{}).Look(now, traffic.Patience{}).Next <= now+time.Millisecond
	}, time.Second, time.Millisecond)
}

func TestBytesThatComeToAConnectionGivenUpAreNotRead(t *testing.T) {
	table := traffic.New(noProbes)
	ours, theirs := net.Pipe() // has no kernel that could be asked for unread bytes
	l := table.Listener(&once{conn: ours})
	server, err := l.Accept()
	require.NoError(t, err)
	table.Changed(server, http.StateIdle)
	require.Equal(t, 1, table.Depart(traffic.Spread{}).Look(table.Now()+time.Hour, traffic.Patience{}).GivenUp)
	_, err = server.Read(make([]byte, 1))
	require.Error(t, err)
	require.NoError(t, theirs.Close())
}

// once is a listener that hands out one connection.
type once struct {
	net.Listener
	conn net.Conn
}

func (o *once) Accept() (net.Conn, error) { return o.conn, nil }

func TestAnAcceptLoopThatIsLateStillServesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := traffic.New(noProbes)
		pipe := pipenet.Listen(10)
		l := table.Listener(pipe)
		for range 5 {
			_, err := pipe.Dial(t.Context())
			require.NoError(t, err)
		}
		l.Drain()
		time.Sleep(time.Second) // net/http waits as long when it has run out of files
		for range 5 {
			_, err := l.Accept()
			require.NoError(t, err)
		}
		_, err := l.Accept()
		require.ErrorIs(t, err, traffic.ErrDrained)
		table.CloseAll()
	})
}

func TestAConnectionIsGivenUpWhenItsPatienceHasEnded(t *testing.T) {
	table := traffic.New(noProbes)
	server, client := pair(t, table)
	table.Changed(server, http.StateIdle)

	departure := table.Depart(traffic.Spread{})
	seen := departure.Look(table.Now(), traffic.Patience{Idle: time.Hour})
	require.Equal(t, 1, seen.Warm)
	require.Zero(t, seen.GivenUp)

	seen = departure.Look(table.Now()+2*time.Hour, traffic.Patience{Idle: time.Hour})
	require.Equal(t, 1, seen.GivenUp)
	require.Zero(t, seen.Warm)
	require.Zero(t, table.Len())
	_, err := client.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
	_, err = server.Read(make([]byte, 1))
	require.Error(t, err)
}

func TestWhatIsBusyIsNeverGivenUp(t *testing.T) {
	for name, state := range map[string]http.ConnState{
		"a request":             http.StateActive,
		"a hijacked connection": http.StateHijacked,
	} {
		t.Run(name, func(t *testing.T) {
			table := traffic.New(noProbes)
			server, _ := pair(t, table)
			table.Changed(server, state)
			now := table.Now() + time.Hour
			require.Equal(t, traffic.Seen{Occupied: 1, Next: now + time.Second}, table.Depart(traffic.Spread{}).Look(now, traffic.Patience{}))
			require.Equal(t, 1, table.Len())
		})
	}
}

func TestAConnectionThatWasClosedBehindOurBackIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := traffic.New(noProbes)
		server, _ := pair(t, table)
		table.Changed(server, http.StateHijacked)
		require.NoError(t, server.(interface{ NetConn() net.Conn }).NetConn().Close())
		ctx, cancel := context.WithCancel(t.Context())
		over := make(chan struct{})
		go func() { defer close(over); table.Run(ctx) }()
		require.Equal(t, 1, table.Len())
		time.Sleep(61 * time.Second)
		require.Zero(t, table.Len())
		require.Zero(t, table.Hijacked())
		cancel()
		<-over
	})
}

func TestOnlyHijacked(t *testing.T) {
	table := traffic.New(noProbes)
	require.True(t, table.OnlyHijacked(), "none is left")
	var servers []net.Conn
	for range 3 {
		server, _ := pair(t, table)
		servers = append(servers, server)
	}
	for _, server := range servers[:2] {
		table.Changed(server, http.StateHijacked)
	}
	require.False(t, table.OnlyHijacked())
	require.NoError(t, servers[0].Close())
	require.False(t, table.OnlyHijacked())
	require.NoError(t, servers[2].Close())
	require.True(t, table.OnlyHijacked())
	require.Equal(t, 1, table.Hijacked())
	require.NoError(t, servers[1].Close())
	_ = servers[1].Close() // twice
	require.Zero(t, table.Hijacked())
}

// It is asked each time that something ends, and there may be ten thousand.
func TestOnlyHijackedLooksAtNoConnection(t *testing.T) {
	table := traffic.New(noProbes)
	pair(t, table)
	require.Zero(t, testing.AllocsPerRun(100, func() { table.OnlyHijacked() }))
}

func TestADrainingListenerIsEmptiedAndThenCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := traffic.New(noProbes)
		pipe := pipenet.Listen(10)
		l := table.Listener(pipe)
		for range 5 {
			_, err := pipe.Dial(t.Context())
			require.NoError(t, err)
		}
		l.Drain()
		for range 5 {
			_, err := l.Accept()
			require.NoError(t, err)
		}
		_, err := l.Accept()
		require.ErrorIs(t, err, traffic.ErrDrained)
		<-l.Closed()
		require.Equal(t, 5, table.Len())
		require.NoError(t, l.Close(), "twice")
		table.CloseAll()
	})
}

func TestADrainingListenerClosesEvenIfConnectionsNeverCeaseToCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := traffic.New(noProbes)
		pipe := pipenet.Listen(1)
		l := table.Listener(pipe)
		ctx, cancel := context.WithCancel(t.Context())
		ceased := make(chan struct{})
		go func() {
			defer close(ceased)
			for ctx.Err() == nil {
				if c, err := pipe.Dial(ctx); err == nil {
					time.Sleep(time.Millisecond)
					_ = c.Close()
				}
			}
		}()
		began := time.Now()
		l.Drain()
		var err error
		for err == nil {
			_, err = l.Accept()
		}
		require.ErrorIs(t, err, traffic.ErrDrained)
		require.Less(t, time.Since(began), time.Second)
		cancel()
		<-ceased
		table.CloseAll()
	})
}

// A stream has no name before its handler has begun, and none when it has returned
// and the client does not read.
func TestAStreamWithoutANameIsInFlightBesideOneThatHasBeenTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := traffic.New(noProbes)
		pipe := pipenet.Listen(1)
		client, err := pipe.Dial(t.Context())
		require.NoError(t, err)
		server, err := table.FrameListener(pipe).Accept()
		require.NoError(t, err)
		hello := "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"
		for _, stream := range []string{"\x01", "\x03"} {
			hello += "\x00\x00\x01\x01\x05\x00\x00\x00" + stream + "\x82"
		}
		go func() { _, _ = io.WriteString(client, hello) }()
		_, err = io.ReadFull(server, make([]byte, len(hello)))
		require.NoError(t, err)

		var s traffic.Stream
		r, err := http.NewRequestWithContext(table.Context(t.Context(), server), http.MethodGet, "http://test/events", nil)
		require.NoError(t, err)
		r.ProtoMajor = 2
		table.BeginStream(&s, r)
		told.From(r.Context()).C()
		require.Equal(t, 1, table.Depart(traffic.Spread{}).Look(table.Now(), traffic.Patience{}).Told)
		require.Equal(t, []string{"GET /events, told", "a stream"}, inFlight(table))
		s.End()
		require.Equal(t, []string{"a stream"}, inFlight(table))
		table.CloseAll()
		require.NoError(t, client.Close())
		require.Empty(t, inFlight(table))
	})
}

func inFlight(table *traffic.Table) (names []string) {
	for _, f := range table.InFlight() {
		name := "a stream"
		if !f.Stream {
			name = f.Request.Method + " " + f.Request.URL.Path
		}
		if f.Told {
			name += ", told"
		}
		names = append(names, name)
	}
	return names
}

// Who is accepted at the very moment of the cut would be served by a server that
// nobody stops any more.
func TestNothingIsHandedOutAfterCloseAll(t *testing.T) {
	table := traffic.New(noProbes)
	pipe := pipenet.Listen(1)
	l := table.Listener(pipe)
	client, err := pipe.Dial(t.Context())
	require.NoError(t, err)
	table.CloseAll()
	_, err = l.Accept()
	require.ErrorIs(t, err, traffic.ErrDrained)
	_, err = client.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
	<-l.Closed()
	require.Zero(t, table.Len())
}

func TestAListenerWithoutDeadlinesClosesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := traffic.New(noProbes)
		pipe := pipenet.Listen(1)
		l := table.Listener(struct{ net.Listener }{pipe})
		accepted := make(chan error)
		go func() {
			_, err := l.Accept()
			accepted <- err
		}()
		synctest.Wait()
		l.Drain()
		require.ErrorIs(t, <-accepted, traffic.ErrDrained)
		<-l.Closed()
		require.NoError(t, l.Close())
	})
}
