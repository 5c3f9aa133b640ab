package front_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/examples/rollout/internal/front"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// balanced is a balancer that serves, without a lag.
func balanced(t *testing.T) (*front.Balancer, string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	b := front.New(front.Config{})
	b.Start(ctx, ln)
	t.Cleanup(func() {
		cancel()
		b.Wait()
	})
	return b, ln.Addr().String()
}

// target is a process that answers so, and counts how often it is asked.
func target(t *testing.T, name, version string, status int) (front.Target, *atomic.Int64) {
	t.Helper()
	asked := new(atomic.Int64)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(status)
		fmt.Fprint(w, version)
	}))
	t.Cleanup(srv.Close)
	return front.Target{Name: name, Version: version, API: srv.Listener.Addr().String()}, asked
}

// ask is the status and the body, on a connection of its own.
func ask(t *testing.T, method, address string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+address+"/", strings.NewReader("x"))
	require.NoError(t, err)
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	require.NoError(t, err)
	defer func() { require.NoError(t, answer.Body.Close()) }()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return fmt.Sprint(answer.StatusCode, " ", strings.TrimSpace(string(body)))
}

// weighed waits until weights are in force, for which nothing but the answers tells.
func weighed(t *testing.T, b *front.Balancer, weights map[string]int, spare, address string) {
	t.Helper()
	b.Weigh(map[string]int{"nobody": 1}, "")
	require.Eventually(t, func() bool { return strings.HasPrefix(ask(t, http.MethodGet, address), "502") }, patience, instant)
	b.Weigh(weights, spare)
	require.Eventually(t, func() bool { return !strings.HasPrefix(ask(t, http.MethodGet, address), "502") }, patience, instant)
}

func TestEachVersionGetsItsShare(t *testing.T) {
	b, address := balanced(t)
	one, _ := target(t, "v1-1", "v1", http.StatusOK)
	two, _ := target(t, "v2-1", "v2", http.StatusOK)
	b.Add(one)
	b.Add(two)
	weighed(t, b, map[string]int{"v1": 95, "v2": 5}, "", address)
	got := map[string]int{}
	for range 100 {
		got[ask(t, http.MethodGet, address)]++
	}
	require.Equal(t, map[string]int{"200 v1": 95, "200 v2": 5}, got)
}

func TestAloneAVersionAnswersForItself(t *testing.T) {
	b, address := balanced(t)
	require.Equal(t, "502 bad gateway: no endpoint", ask(t, http.MethodGet, address))
	bad, asked := target(t, "v2-1", "v2", http.StatusServiceUnavailable)
	b.Add(bad)
	require.Equal(t, "503 v2", ask(t, http.MethodGet, address))
	require.EqualValues(t, 1, asked.Load(), "it is asked once")
}

func TestASpareAnswersWhatACanaryHasNot(t *testing.T) {
	b, address := balanced(t)
	good, _ := target(t, "v1-1", "v1", http.StatusOK)
	bad, _ := target(t, "v2-1", "v2", http.StatusServiceUnavailable)
	b.Add(good)
	b.Add(bad)
	weighed(t, b, map[string]int{"v2": 1}, "v1", address)
	spared := b.Spared()
	require.Equal(t, "200 v1", ask(t, http.MethodGet, address))
	require.Equal(t, "503 v2", ask(t, http.MethodPost, address), "it may have been done")
	require.Equal(t, spared+1, b.Spared())
}

func TestWhoLeavesIsAskedNoMore(t *testing.T) {
	b, address := balanced(t)
	one, _ := target(t, "v1-1", "v1", http.StatusOK)
	two, _ := target(t, "v2-1", "v2", http.StatusOK)
	b.Add(one)
	b.Add(two)
	b.Leave("v1-1")
	require.Eventually(t, func() bool {
		answers := map[string]bool{}
		for range 4 {
			answers[ask(t, http.MethodGet, address)] = true
		}
		return len(answers) == 1 && answers["200 v2"]
	}, patience, instant)
}

// A connection that was kept, and is closed: net/http alone would send a GET again.
func TestALossIsNotHidden(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = ln.Close() })
	served := make(chan int, 1)
	go func() { // it answers the first request of a connection, and hangs up at the second
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		part := make([]byte, 4096)
		_, _ = conn.Read(part)
		fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nv1")
		_, _ = conn.Read(part)
		_ = conn.Close()
		served <- 2
	}()
	b, address := balanced(t)
	b.Add(front.Target{Name: "v1-1", Version: "v1", API: ln.Addr().String()})
	require.Equal(t, "200 v1", ask(t, http.MethodGet, address))
	require.Contains(t, []string{"502 bad gateway: eof", "502 bad gateway: other", "502 bad gateway: reset"}, ask(t, http.MethodGet, address))
	require.Equal(t, 2, <-served)
}

const (
	patience = 10 * time.Second
	instant  = time.Millisecond
)
