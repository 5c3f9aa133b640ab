//go:build unix

package main_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/internal/pgtest"
	"github.com/handover-go/handover/shutdown/droptest"
)

// pgtestServer is one that is stopped, and started again.
func pgtestServer(t *testing.T) *pgtest.Server {
	t.Helper()
	pg.Database(t) // skips the test if there is no PostgreSQL
	return pgtest.New(pgtest.Config{}).For(t)
}

// socket is a client of /search/live.
type socket struct {
	*websocket.Conn
	transport *http.Transport
}

func dial(t *testing.T, address string) *socket {
	t.Helper()
	transport := &http.Transport{}
	conn, _, err := websocket.Dial(t.Context(), "ws://"+address+"/search/live", &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}}) //nolint:bodyclose // the socket is closed
	require.NoError(t, err)
	return &socket{conn, transport}
}

func (s *socket) ask(t *testing.T, prefix string) string {
	t.Helper()
	require.NoError(t, s.Write(t.Context(), websocket.MessageText, []byte(prefix)))
	_, answer, err := s.Read(t.Context())
	require.NoError(t, err)
	return string(answer)
}

func (s *socket) hangUp(t *testing.T) {
	t.Helper()
	require.NoError(t, s.Close(websocket.StatusNormalClosure, ""))
	s.transport.CloseIdleConnections()
}

// untilTold asks again and again; it returns how often it was answered, and how it ended.
func (s *socket) untilTold(ctx context.Context) (answers int, end error) {
	for {
		if end = s.Write(ctx, websocket.MessageText, []byte("ad")); end != nil {
			_, _, end = s.Read(ctx) // what the other side has said
			return answers, end
		}
		if _, _, end = s.Read(ctx); end != nil {
			return answers, end
		}
		answers++
	}
}

// A process is replaced under load, with a stream, a socket and a job in flight.
func TestADeploymentLosesNothing(t *testing.T) {
	url := prepared(t, pg.Database(t))
	pool := connect(t, url)
	ctx := context.WithoutCancel(t.Context())
	release := func(version string, addresses *droptest.Addresses) droptest.Version {
		return droptest.Version{Name: version, Command: func(a droptest.Addresses) *exec.Cmd {
			*addresses = a
			return command(ctx, url, "-listen", a.API, "-admin", a.Probes, "-version", version, "-work=8s")
		}}
	}
	var old, next droptest.Addresses
	var stream string
	var answers, inFlight int
	ended := make(chan error, 2)
	inUse := &http.Transport{}
	config := droptest.Config{Replicas: 1, Rate: 10, Path: "/search", SlowEvery: -1, OnEvent: func(e droptest.Event) {
		t.Log(e)
		s := &service{api: old.API}
		switch e.Process.Version + " " + e.What {
		case "v1 ready":
			s.user(t, "Ada")
			later := s.order(t, `{"user":1,"item":"cake","delay_seconds":3600}`)
			go func() {
				text, err := follow(ctx, inUse, "http://"+old.API+later+"/events")
				stream = text
				ended <- err
			}()
			live := dial(t, old.API)
			go func() {
				defer live.transport.CloseIdleConnections()
				n, err := live.untilTold(ctx)
				answers = n
				if websocket.CloseStatus(err) == websocket.StatusGoingAway {
					err = nil
				}
				ended <- err
			}()
		case "v2 ready": // two orders, and each process is busy with one
			s.order(t, `{"user":1,"item":"tea"}`)
			s.order(t, `{"user":1,"item":"tea"}`)
			await(t, "they are taken", func() bool { return value[int](t, pool, "SELECT count(*) FROM orders WHERE attempts = 1") == 2 })
		case "v1 signalled":
			inFlight = value[int](t, pool, "SELECT count(*) FROM orders WHERE attempts = 1 AND shipped_at IS NULL")
		}
	}}
	result, err := droptest.New(config).Roll(t.Context(), release("v1", &old), release("v2", &next))
	require.NoError(t, err)
	require.NoError(t, <-ended)
	require.NoError(t, <-ended)
	inUse.CloseIdleConnections()

	require.Equal(t, 2, inFlight, "at the signal")
	require.Positive(t, answers)
	require.True(t, strings.HasPrefix(stream, "event: placed\ndata: {"), stream)
	require.True(t, strings.HasSuffix(stream, "event: bye\ndata: restarting\n\n"), stream)
	require.Zero(t, result.Failed, "%v", result)
	for _, p := range result.Processes {
		require.Equal(t, "exit status 0", p.Status)
	}
	require.Equal(t, "v1 tea for Ada 1, v2 tea for Ada 1", value[string](t, pool,
		"SELECT string_agg(concat_ws(' ', shipped_by, label, attempts), ', ' ORDER BY shipped_by) FROM orders WHERE due_at < now() + interval '30 minutes'"))
}

// follow reads a stream to its end.
func follow(ctx context.Context, transport *http.Transport, url string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	response, err := transport.RoundTrip(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return string(text), err
}

func TestAJobThatDoesNotFinishInTimeIsPutBack(t *testing.T) {
	t.Parallel()
	url := prepared(t, pg.Database(t))
	pool := connect(t, url)
	s := start(t, url, "-work=30s", "-grace=4s").ready(t)
	s.user(t, "Ada")
	order := s.order(t, `{"user":1,"item":"tea"}`)
	await(t, "it is taken", func() bool { return value[int](t, pool, "SELECT attempts FROM orders") == 1 })
	s.end(t, os.Interrupt)

	next := start(t, url, "-work=0s").ready(t) // it is due at once
	require.Equal(t, "tea for Ada", next.shipped(t, order))
	next.end(t, os.Interrupt)
}

func TestAKilledProcessKeepsNoOrder(t *testing.T) {
	t.Parallel()
	url := prepared(t, pg.Database(t))
	pool := connect(t, url)
	s := start(t, url, "-work=30s").ready(t)
	s.user(t, "Ada")
	order := s.order(t, `{"user":1,"item":"tea"}`)
	await(t, "it is taken", func() bool { return value[int](t, pool, "SELECT attempts FROM orders") == 1 })
	require.NoError(t, s.Process.Kill())
	require.Error(t, s.Wait())

	next := start(t, url, "-work=0s").ready(t)
	_, err := pool.Exec(t.Context(), "UPDATE orders SET due_at = due_at - interval '1 minute'") // a minute later
	require.NoError(t, err)
	require.Equal(t, "tea for Ada", next.shipped(t, order))
	require.Equal(t, 2, value[int](t, pool, "SELECT attempts FROM orders"))
	next.end(t, os.Interrupt)
}

// What fails each time is tried five times, and keeps nobody else waiting.
func TestAnOrderThatCannotBeShippedFails(t *testing.T) {
	t.Parallel()
	url := prepared(t, pg.Database(t))
	pool := connect(t, url)
	execute := func(sql string) {
		_, err := pool.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	execute("ALTER TABLE orders ADD CHECK (label NOT LIKE 'poison%')")
	s := start(t, url, "-work=0s").ready(t)
	s.user(t, "Ada")
	poison := s.order(t, `{"user":1,"item":"poison"}`)
	for attempt := 1; attempt <= 5; attempt++ {
		await(t, "it is put back", func() bool {
			return value[bool](t, pool, "SELECT attempts = $1 AND due_at < now() + interval '30 seconds' FROM orders WHERE id = 1", attempt)
		})
		require.Equal(t, "tea for Ada", s.shipped(t, s.order(t, `{"user":1,"item":"tea"}`)))
		execute("UPDATE orders SET due_at = now() WHERE id = 1")
	}
	_, text := do("GET", s.api, poison, "")
	require.Contains(t, text, `"state":"failed"`)
	s.end(t, os.Interrupt)
	require.Contains(t, s.log.String(), "an order has not been shipped")
}

func TestTheStreamEndsWithTheOrder(t *testing.T) {
	t.Parallel()
	s := start(t, prepared(t, pg.Database(t)), "-work=0s").ready(t)
	s.user(t, "Ada")
	order := s.order(t, `{"user":1,"item":"tea"}`)
	transport := &http.Transport{DisableKeepAlives: true}
	text, err := follow(t.Context(), transport, "http://"+s.api+order+"/events")
	require.NoError(t, err)
	require.Contains(t, text, "event: shipped\ndata: {\"id\":1,\"user\":1,\"item\":\"tea\",\"gift_wrap\":false,\"state\":\"shipped\",\"label\":\"tea for Ada\"}\n\n")
	s.end(t, os.Interrupt)
}
