package front_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/examples/rollout/internal/front"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// proxied is a balancer in front of the proxy, without a lag.
type proxied struct {
	*front.Balancer
	*front.Watch
}

func balanced(t *testing.T) (proxied, string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	watch := front.NewWatch(nil)
	proxy := front.NewProxy(watch)
	b := front.New(proxy, 0)
	proxy.Start(ctx, ln)
	b.Start(ctx)
	t.Cleanup(func() {
		cancel()
		b.Wait()
	})
	return proxied{b, watch}, ln.Addr().String()
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
func weighed(t *testing.T, b proxied, weights map[string]int, spare, address string) {
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
	require.NoError(t, b.Add(t.Context(), one))
	require.NoError(t, b.Add(t.Context(), two))
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
	require.NoError(t, b.Add(t.Context(), bad))
	require.Equal(t, "503 v2", ask(t, http.MethodGet, address))
	require.EqualValues(t, 1, asked.Load(), "it is asked once")
}

func TestASpareAnswersWhatACanaryHasNot(t *testing.T) {
	b, address := balanced(t)
	good, _ := target(t, "v1-1", "v1", http.StatusOK)
	bad, _ := target(t, "v2-1", "v2", http.StatusServiceUnavailable)
	require.NoError(t, b.Add(t.Context(), good))
	require.NoError(t, b.Add(t.Context(), bad))
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
	require.NoError(t, b.Add(t.Context(), one))
	require.NoError(t, b.Add(t.Context(), two))
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
	require.NoError(t, b.Add(t.Context(), front.Target{Name: "v1-1", Version: "v1", API: ln.Addr().String()}))
	require.Equal(t, "200 v1", ask(t, http.MethodGet, address))
	require.Contains(t, []string{"502 bad gateway: eof", "502 bad gateway: other", "502 bad gateway: reset"}, ask(t, http.MethodGet, address))
	require.Equal(t, 2, <-served)
}

const (
	patience = 10 * time.Second
	instant  = time.Millisecond
)

// A carrier that does what a test wants.
type carrier func(front.State) error

func (c carrier) Apply(_ context.Context, s front.State) error { return c(s) }
func (carrier) Wait()                                          {}

func TestAChangeIsInForceALagLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var diary []string
		began := time.Now()
		b := front.New(carrier(func(s front.State) error {
			diary = append(diary, fmt.Sprint(time.Since(began), " ", len(s.Targets), " ", s.Weights, " ", s.Spare))
			return nil
		}), time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		b.Start(ctx)
		b.Weigh(map[string]int{"v1": 1}, "v1")
		require.NoError(t, b.Add(ctx, front.Target{Name: "v1-1"}))
		time.Sleep(100 * time.Millisecond)
		b.Leave("v1-1")
		time.Sleep(time.Minute)
		b.Leave("v1-1") // that nobody waits for
		cancel()
		b.Wait()
		require.Equal(t, []string{"0s 1 map[] ", "1s 1 map[v1:1] v1", "1.1s 0 map[v1:1] v1"}, diary)
	})
}

func TestAnErrorOfTheCarrierIsTold(t *testing.T) {
	gone := errors.New("gone")
	b := front.New(carrier(func(front.State) error { return gone }), 0)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	b.Start(ctx)
	require.ErrorIs(t, b.Add(ctx, front.Target{Name: "v1-1"}), gone)
	b.Leave("v1-1")
	require.ErrorIs(t, <-b.Failed(), gone)
	cancel()
	b.Wait()
	require.ErrorIs(t, b.Add(ctx, front.Target{Name: "v1-2"}), context.Canceled)
}

func TestTheWeightOfAVersionIsForAllOfItsTargets(t *testing.T) {
	for name, tc := range map[string]struct {
		versions string
		weights  map[string]int
		want     map[string]int
	}{
		"none":                    {"", nil, map[string]int{}},
		"each the same":           {"112", nil, map[string]int{"0": 1, "1": 1, "2": 1}},
		"as many of both":         {"1122", map[string]int{"1": 95, "2": 5}, map[string]int{"0": 19, "1": 19, "2": 1, "3": 1}},
		"more of one":             {"112", map[string]int{"1": 50, "2": 50}, map[string]int{"0": 1, "1": 1, "2": 2}},
		"one that has no traffic": {"12", map[string]int{"1": 100, "2": 0}, map[string]int{"0": 1, "1": 0}},
		"nobody has any":          {"12", map[string]int{"3": 1}, map[string]int{"0": 0, "1": 0}},
	} {
		t.Run(name, func(t *testing.T) {
			s := front.State{Weights: tc.weights}
			for i, version := range tc.versions {
				s.Targets = append(s.Targets, front.Target{Name: fmt.Sprint(i), Version: string(version)})
			}
			require.Equal(t, tc.want, s.PerTarget())
		})
	}
}
