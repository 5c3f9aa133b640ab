package probes_test

import (
	"cmp"
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/internal/haste"
	"github.com/handover-go/handover/probes"
)

// poller asks as an agent does.
type poller struct {
	agent string
	host  string
	every time.Duration
	times int    // 0: for ever
	http1 bool   // HTTP/1.0, without an agent: HAProxy
	path  string // /readyz
}

// poll asks until ctx ends, first at once.
func (p poller) poll(ctx context.Context, set *probes.Set) {
	for n := 0; ctx.Err() == nil && (p.times == 0 || n < p.times); n++ {
		p.ask(set)
		timer := time.NewTimer(p.every)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

func (p poller) ask(set *probes.Set) int { return p.askOf(set.Handler()) }

func (p poller) askOf(handler http.Handler) int {
	path := p.path
	if path == "" {
		path = "/readyz"
	}
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.RemoteAddr = "10.0.0.1:4711"
	if p.host != "" {
		r.RemoteAddr = p.host + ":4711"
	}
	r.Header.Set("User-Agent", p.agent)
	if p.http1 {
		r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.0", 1, 0
		r.Header.Del("User-Agent")
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, r)
	return recorder.Code
}

// How long Drain waits, after half a minute of normal service under these probers.
// A prober asks at 0, 1, 2 .. intervals; the drain begins at 30 s and a millisecond.
func TestDrainWaitsForBalancersThatHaveNotBeenTold(t *testing.T) {
	const envoy, elb, google, consul, kubelet = "Envoy/HC", "ELB-HealthChecker/2.0", "GoogleHC/1.0", "Consul Health Check", "kube-probe/1.37"
	const tick, echo = time.Millisecond, 100 * time.Millisecond // the last answer has to get there
	tests := map[string]struct {
		config  probes.Config
		pollers []poller
		after   time.Duration // of normal service; half a minute
		stop    func(context.Context) (context.Context, context.CancelFunc)
		want    time.Duration
	}{
		"nobody has ever asked": {want: 2 * time.Second},
		"a kubelet is never waited for": {
			pollers: []poller{{agent: kubelet, every: 10 * time.Second}}, want: 2 * time.Second,
		},
		"a balancer that has been told within the margin": {
			pollers: []poller{{agent: envoy, every: 500 * time.Millisecond}}, want: 2 * time.Second,
		},
		"one that takes longer is told three times": {
			pollers: []poller{{agent: envoy, every: 2 * time.Second}}, want: 6*time.Second - tick + echo,
		},
		"or as often as its threshold asks": {
			config:  probes.Config{Threshold: 2},
			pollers: []poller{{agent: elb, every: 2 * time.Second}}, want: 4*time.Second - tick + echo,
		},
		"HAProxy has no name": {
			pollers: []poller{{http1: true, every: 2 * time.Second}}, want: 6*time.Second - tick + echo,
		},
		"the slowest of several": {
			pollers: []poller{
				{agent: google, every: time.Second}, {agent: consul, every: 1500 * time.Millisecond}, {agent: kubelet, every: time.Second},
			},
			want: 4500*time.Millisecond - tick + echo,
		},
		"several of one kind are told apart by their address": {
			pollers: []poller{{agent: elb, host: "10.0.0.1", every: time.Second}, {agent: elb, host: "10.0.0.2", every: 3 * time.Second}},
			want:    9*time.Second - tick + echo,
		},
		"ten seconds at the most": {
			pollers: []poller{{agent: elb, every: 6 * time.Second}}, want: 10 * time.Second,
		},
		"or as long as configured": {
			config:  probes.Config{DelayMax: 7 * time.Second},
			pollers: []poller{{agent: elb, every: 6 * time.Second}}, want: 7 * time.Second,
		},
		"for nobody, as configured": {
			config:  probes.Config{DelayMax: -1},
			pollers: []poller{{agent: elb, every: 6 * time.Second}}, want: 2 * time.Second,
		},
		"without a margin it is the balancer alone that counts": {
			config:  probes.Config{Delay: -1},
			pollers: []poller{{agent: envoy, every: time.Second}}, want: 3*time.Second - tick + echo,
		},
		"an unknown agent that comes back is one": {
			pollers: []poller{{agent: "my-balancer/3", every: 2 * time.Second}}, want: 6*time.Second - tick + echo,
		},
		"a person with curl is not": {
			pollers: []poller{{agent: "curl/8.9", every: time.Second, times: 1}}, want: 2 * time.Second,
		},
		"one that asks twice in a while is no balancer": {
			pollers: []poller{{agent: "curl/8.9", every: 2 * time.Minute}}, after: 5 * time.Minute, want: 2 * time.Second,
		},
		"one that went away long ago is not waited for": {
			pollers: []poller{{agent: elb, every: time.Second, times: 5}}, want: 2 * time.Second,
		},
		"one that goes away in the drain is not waited for any longer": {
			// Its last question was at 28 s, its interval is 2 s: it has gone at 34 s.
			pollers: []poller{{agent: elb, every: 2 * time.Second, times: 15}}, want: 4*time.Second - tick + echo,
		},
		"who asks for something else is no balancer of this": {
			pollers: []poller{{agent: elb, every: 3 * time.Second, path: "/startupz"}}, want: 2 * time.Second,
		},
		"half of the time that is left, whoever has not been told": {
			pollers: []poller{{agent: elb, every: 6 * time.Second}},
			stop: func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, 8*time.Second)
			},
			want: 4 * time.Second,
		},
		"a person does not wait for balancers either": {
			pollers: []poller{{agent: elb, every: 2 * time.Second}},
			stop: func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, mark := haste.With(ctx)
				mark()
				return ctx, func() {}
			},
			want: 0,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				set := quiet(test.config)
				require.NoError(t, set.Ready(t.Context()))
				ctx, hangUp := context.WithCancel(t.Context())
				var all sync.WaitGroup
				for _, p := range test.pollers {
					all.Go(func() { p.poll(ctx, set) })
				}
				time.Sleep(cmp.Or(test.after, 30*time.Second) + tick)
				stop := t.Context()
				if test.stop != nil {
					var cancel context.CancelFunc
					stop, cancel = test.stop(stop)
					defer cancel()
				}
				require.Equal(t, test.want, drained(t, set, stop, time.Now()))
				hangUp()
				all.Wait()
			})
		})
	}
}

// A balancer that knew before the drain that this instance is not ready is not
// waited for.
func TestDrainDoesNotTellWhatIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := quiet(probes.Config{})
		toggle, err := set.Toggle("maintenance")
		require.NoError(t, err)
		require.NoError(t, set.Ready(t.Context()))
		toggle.Switch(true)
		ctx, hangUp := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { poller{agent: "ELB-HealthChecker/2.0", every: 5 * time.Second}.poll(ctx, set) })
		time.Sleep(time.Minute + time.Millisecond)
		require.Equal(t, 2*time.Second, drained(t, set, t.Context(), time.Now()))
		hangUp()
		all.Wait()
	})
}

func TestTheReportSaysHowLongItTookUntilAllHadBeenTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := quiet(probes.Config{})
		require.NoError(t, set.Ready(t.Context()))
		ctx, hangUp := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { poller{agent: "Envoy/HC", every: 250 * time.Millisecond}.poll(ctx, set) })
		time.Sleep(10*time.Second + time.Millisecond)
		require.Zero(t, set.Report().DrainObserved)
		require.Equal(t, 2*time.Second, drained(t, set, t.Context(), time.Now()))
		require.Equal(t, 749*time.Millisecond, set.Report().DrainObserved)
		hangUp()
		all.Wait()
	})
}

// Whoever asks from whatever address, with whatever name: nobody fills the memory,
// and a balancer is not forgotten.
func TestAFloodOfStrangersDoesNotHideABalancer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := quiet(probes.Config{})
		require.NoError(t, set.Ready(t.Context()))
		ctx, hangUp := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { poller{agent: "ELB-HealthChecker/2.0", every: 3 * time.Second}.poll(ctx, set) })
		for i := range 1000 {
			poller{agent: "bot/" + strconv.Itoa(i), host: "10.1.2." + strconv.Itoa(i)}.ask(set)
			time.Sleep(30 * time.Millisecond)
		}
		time.Sleep(time.Millisecond)
		require.Equal(t, 9*time.Second-time.Millisecond+100*time.Millisecond, drained(t, set, t.Context(), time.Now()))
		hangUp()
		all.Wait()
	})
}

// Nor one that nobody knows.
func TestAFloodOfStrangersDoesNotHideAnUnknownBalancer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := quiet(probes.Config{})
		require.NoError(t, set.Ready(t.Context()))
		ctx, hangUp := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { poller{agent: "my-balancer/3", every: 3 * time.Second}.poll(ctx, set) })
		time.Sleep(4 * time.Second)
		for i := range 1000 {
			poller{agent: "bot/" + strconv.Itoa(i), host: "10.1.2." + strconv.Itoa(i)}.ask(set)
			time.Sleep(26 * time.Millisecond)
		}
		time.Sleep(time.Millisecond)
		require.Equal(t, 9*time.Second-time.Millisecond+100*time.Millisecond, drained(t, set, t.Context(), time.Now()))
		hangUp()
		all.Wait()
	})
}

func TestABalancerThatAsksForLivenessIsLoggedOnce(t *testing.T) {
	const envoy, kubelet, curl = "Envoy/HC", "kube-probe/1.37", "curl/8.9"
	tests := map[string]struct {
		pollers []poller
		want    []string
	}{
		"once, whatever it asks later, and whoever does": {
			[]poller{{agent: envoy, path: "/healthz", times: 9}, {agent: envoy, host: "10.0.0.2", path: "/livez", times: 9}},
			[]string{`level=WARN msg="probes: a balancer asks for liveness, which never tells it of a drain: have it ask /readyz" agent=envoy peer=10.0.0.1`},
		},
		"not by accident":                        {[]poller{{agent: envoy, path: "/livez", times: 2}}, nil},
		"not if it asks for readiness as well":   {[]poller{{agent: envoy, times: 1}, {agent: envoy, path: "/livez", times: 9}}, nil},
		"a kubelet should":                       {[]poller{{agent: kubelet, path: "/livez", times: 9}}, nil},
		"somebody whom nobody knows may":         {[]poller{{agent: curl, path: "/healthz", times: 9}}, nil},
		"readiness is where a balancer is right": {[]poller{{agent: envoy, times: 9}}, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log journal
				set := probes.New(probes.Config{Logger: log.logger()})
				stop := running(t, set)
				for _, p := range test.pollers {
					p.every = time.Second
					p.poll(t.Context(), set)
				}
				synctest.Wait()
				require.NoError(t, stop())
				if test.want == nil {
					require.Empty(t, log.lines())
				} else {
					require.Equal(t, test.want, log.lines())
				}
			})
		})
	}
}

// A handler of somebody's own counts as much as ours.
func TestObserve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := quiet(probes.Config{Delay: -1})
		require.NoError(t, set.Ready(t.Context()))
		r := httptest.NewRequest(http.MethodGet, "/ping", nil)
		r.Header.Set("User-Agent", "Envoy/HC")
		for range 2 {
			set.Observe(probes.Readiness, r, true)
			time.Sleep(time.Second)
		}
		set.Observe(0, r, true)
		set.Observe(4, r, true)
		set.Observe(probes.Readiness, nil, true)
		var drain sync.WaitGroup
		began := time.Now()
		drain.Go(func() {
			if err := set.Drain(t.Context()); err != nil || time.Since(began) != 3100*time.Millisecond {
				t.Errorf("%v after %v", err, time.Since(began))
			}
		})
		for range 3 {
			time.Sleep(time.Second)
			set.Observe(probes.Readiness, r, false)
		}
		drain.Wait()
		require.Equal(t, []probes.Asked{
			{Kind: probes.Readiness, Agent: "envoy", OK: false, N: 3, Ago: 100 * time.Millisecond},
			{Kind: probes.Readiness, Agent: "envoy", OK: true, N: 2, Ago: 100 * time.Millisecond},
		}, set.Report().Asked)
	})
}
