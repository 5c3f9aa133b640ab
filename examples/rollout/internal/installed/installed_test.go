//go:build unix

package installed_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/examples/rollout/internal/fleet"
	"github.com/handover-go/handover/examples/rollout/internal/front"
	"github.com/handover-go/handover/examples/rollout/internal/installed"
)

// site is a balancer that runs, and what is known of it.
type site struct {
	front.Carrier
	*front.Watch
	address string

	mu   sync.Mutex
	seen map[string]int // answers, as in "v1 failed"
}

func started(t *testing.T, name string) *site {
	t.Helper()
	needs(t, name)
	free, err := fleet.Free(1)
	require.NoError(t, err)
	s := &site{address: free[0], seen: map[string]int{}}
	s.Watch = front.NewWatch(func(version string, _ time.Duration, failed bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.seen[fmt.Sprint(version, map[bool]string{true: " failed"}[failed])]++
	})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	f := fleet.New("nothing")
	cfg := installed.Config{Listen: s.address, Dir: t.TempDir(), Watch: s.Watch}
	s.Carrier, err = start(ctx, name, f, cfg)
	require.NoError(t, err)
	t.Cleanup(func() {
		cancel()
		f.End()
		s.Wait()
	})
	return s
}

func needs(t *testing.T, name string) {
	t.Helper()
	if _, err := installed.Find(name); err != nil && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
}

// answers are what so many requests have come to.
func (s *site) answers(t *testing.T, method string, n int) map[string]int {
	t.Helper()
	all := map[string]int{}
	for range n {
		all[s.ask(t, method)]++
	}
	return all
}

func (s *site) ask(t *testing.T, method string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.address+"/", strings.NewReader("x"))
	require.NoError(t, err)
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	require.NoError(t, err)
	defer func() { require.NoError(t, answer.Body.Close()) }()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	if len(body) > 3 { // it is the balancer's own
		body = nil
	}
	return strings.TrimSpace(fmt.Sprint(answer.StatusCode, " ", string(body)))
}

// sees waits for the log to say what was to be seen.
func (s *site) sees(t *testing.T, want map[string]int) {
	t.Helper()
	require.Eventually(t, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return fmt.Sprint(s.seen) == fmt.Sprint(want)
	}, 5*time.Second, time.Millisecond, "%v", s)
}

// target is a process that answers so.
func target(t *testing.T, name string, status int) front.Target {
	t.Helper()
	version, _, _ := strings.Cut(name, "-")
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, version)
	}))
	t.Cleanup(srv.Close)
	return front.Target{Name: name, Version: version, API: srv.Listener.Addr().String()}
}

func each(t *testing.T, test func(t *testing.T, s *site)) {
	for _, name := range installed.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, started(t, name))
		})
	}
}

func TestWhoIsBehindItIsAskedAndNobodyElse(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		a, b, c := target(t, "v1-1", 200), target(t, "v1-2", 200), target(t, "v2-3", 200)
		seen := map[string]int{}
		for _, step := range []struct {
			state front.State
			want  map[string]int
		}{
			{front.State{Targets: []front.Target{a}}, map[string]int{"200 v1": 20}},
			{front.State{Targets: []front.Target{a, b}, Weights: map[string]int{"v1": 1}}, map[string]int{"200 v1": 20}},
			{front.State{Targets: []front.Target{a, c}}, map[string]int{"200 v1": 10, "200 v2": 10}},
			{front.State{Targets: []front.Target{a, b, c}, Weights: map[string]int{"v1": 90, "v2": 10}}, map[string]int{"200 v1": 18, "200 v2": 2}},
			{front.State{Targets: []front.Target{a, b, c}, Weights: map[string]int{"v2": 1}}, map[string]int{"200 v2": 20}},
			{front.State{Targets: []front.Target{b}}, map[string]int{"200 v1": 20}},
		} {
			require.NoError(t, s.Apply(t.Context(), step.state))
			got := s.answers(t, http.MethodGet, 20)
			for answer := range got {
				require.InDelta(t, step.want[answer], got[answer], 1, "HAProxy goes on in the middle of a turn")
				seen[strings.TrimPrefix(answer, "200 ")] += got[answer]
			}
		}
		s.sees(t, seen)
	})
}

func TestNobodyHidesALoss(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		free, err := fleet.Free(1)
		require.NoError(t, err)
		dead := front.Target{Name: "v1-2", Version: "v1", API: free[0]}
		state := front.State{Targets: []front.Target{target(t, "v1-1", 200), dead}, Weights: map[string]int{"v1": 1}, Spare: "v1"}
		require.NoError(t, s.Apply(t.Context(), state))
		got := s.answers(t, http.MethodGet, 20)
		require.Equal(t, 10, got["200 v1"], "%v", got)
		require.Equal(t, 10, got["502"]+got["503"], "%v", got)
		s.sees(t, map[string]int{"v1": 10, "v1 failed": 10})
		require.Zero(t, s.Hidden()+s.Spared())
	})
}

func TestASpareAnswersWhatACanaryHasNot(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		good, bad := target(t, "v1-1", 200), target(t, "v2-2", 503)
		state := front.State{Targets: []front.Target{good, bad}, Weights: map[string]int{"v2": 100}, Spare: "v1"}
		require.NoError(t, s.Apply(t.Context(), state))
		require.Equal(t, map[string]int{"200 v1": 10}, s.answers(t, http.MethodGet, 10))
		require.Equal(t, map[string]int{"503 v2": 10}, s.answers(t, http.MethodPost, 10), "it may have been done")
		s.sees(t, map[string]int{"v1": 10, "v2 failed": 20})
		require.Eventually(t, func() bool { return s.Spared() == 10 }, 5*time.Second, time.Millisecond)
		require.Zero(t, s.Hidden())

		state.Weights = map[string]int{"v1": 50, "v2": 50}
		require.NoError(t, s.Apply(t.Context(), state))
		require.Equal(t, map[string]int{"200 v1": 50}, s.answers(t, http.MethodGet, 50))
		require.Eventually(t, func() bool { return s.Spared() > 20 }, 5*time.Second, time.Millisecond)

		state.Spare = ""
		require.NoError(t, s.Apply(t.Context(), state))
		got := s.answers(t, http.MethodGet, 10)
		require.InDelta(t, 5, got["503 v2"], 1, "%v", got)
	})
}

// nginx asks somebody else for whoever has failed, while there is a spare.
func TestALossOfTheSpareVersionIsCountedWhereItIsHidden(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		state := front.State{
			Targets: []front.Target{target(t, "v1-1", 200), target(t, "v1-2", 503), target(t, "v2-3", 200)},
			Weights: map[string]int{"v1": 60, "v2": 40}, Spare: "v1",
		}
		require.NoError(t, s.Apply(t.Context(), state))
		got := s.answers(t, http.MethodGet, 40)
		require.Eventually(t, func() bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.seen["v1 failed"] > 0 && s.seen["v1 failed"] == got["503 v1"]+s.Hidden()
		}, 5*time.Second, time.Millisecond)
		require.Zero(t, s.Spared())
	})
}

func TestAnAddressThatIsTaken(t *testing.T) {
	for _, name := range installed.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := started(t, name)
			f := fleet.New("nothing")
			ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
			cfg := installed.Config{Listen: s.address, Dir: t.TempDir(), Watch: s.Watch}
			_, err := start(ctx, name, f, cfg)
			require.ErrorContains(t, err, "has ended")
			require.ErrorContains(t, err, s.address)
			cancel()
			f.End()
		})
	}
}

func TestABalancerThatIsNone(t *testing.T) {
	_, err := installed.Find("envoy")
	require.EqualError(t, err, `"envoy" is no balancer: use nginx or haproxy`)
	t.Setenv("PATH", "/nowhere")
	if _, err := installed.Find("haproxy"); err != nil {
		require.EqualError(t, err, "haproxy is not installed: make haproxy, or apt-get install haproxy (another one: -balancer builtin)")
	}
}
