package audience_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/probes/internal/audience"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func request(agent, peer string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/readyz", nil)
	r.RemoteAddr = peer
	r.Header["User-Agent"] = []string{agent}
	return r
}

func TestAgentsAreKnownByTheirManner(t *testing.T) {
	http10 := func(r *http.Request) { r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.0", 1, 0 }
	tests := map[string]struct {
		agent  string
		change func(*http.Request)
		want   string
		moves  bool // its verdict moves traffic
	}{
		"the kubelet":                     {"kube-probe/1.37", nil, "kubelet", false},
		"an AWS balancer":                 {"ELB-HealthChecker/2.0", nil, "elb", true},
		"one of Google":                   {"GoogleHC/1.0", nil, "gcp", true},
		"Envoy":                           {"Envoy/HC", nil, "envoy", true},
		"Consul":                          {"Consul Health Check", nil, "consul", true},
		"HAProxy, which has no name":      {"", http10, "haproxy", true},
		"HAProxy that was given one":      {"HAProxy/3.0", nil, "haproxy", true},
		"nobody, in HTTP/1.1":             {"", nil, "other", false},
		"a name of one's own in HTTP/1.0": {"ab/2.3", http10, "other", false},
		"a person":                        {"curl/8.9", nil, "other", false},
		"what only looks like one":        {"my kube-probe/1.37", nil, "other", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var a audience.Audience
			r := request(test.agent, "10.0.0.1:1")
			if test.change != nil {
				test.change(r)
			}
			a.Seen(audience.Ready, r, true, time.Second)
			counts := a.Counts()
			require.Len(t, counts, 1)
			require.Equal(t, test.want, counts[0].Agent.String())
			require.Equal(t, test.moves, counts[0].Agent.Balances())
		})
	}
}

// However many ask, the sums stay right: what is forgotten of one is kept of all.
func TestTheSumsOutliveTheRecords(t *testing.T) {
	var a audience.Audience
	for i := range 1000 {
		a.Seen(audience.Ready, request(fmt.Sprint("bot/", i), "10.0.0.1:1"), i%2 == 0, time.Duration(i)*time.Second)
		a.Seen(audience.Live, request("kube-probe/1.37", "10.0.0.1:1"), true, time.Duration(i)*time.Second)
	}
	require.Equal(t, []audience.Count{
		{Endpoint: audience.Ready, Agent: audience.Other, OK: false, N: 500, Last: 999 * time.Second},
		{Endpoint: audience.Ready, Agent: audience.Other, OK: true, N: 500, Last: 999 * time.Second},
		{Endpoint: audience.Live, Agent: audience.Kubelet, OK: true, N: 1000, Last: 999 * time.Second},
	}, a.Counts())
}

func TestAProberIsAnAddressWithoutItsPort(t *testing.T) {
	const second = time.Second
	tests := map[string]struct {
		peers []string
		want  int // balancers that would have to be told
	}{
		"another port each time":       {[]string{"10.0.0.1:1", "10.0.0.1:2", "10.0.0.1:3"}, 1},
		"another address":              {[]string{"10.0.0.1:1", "10.0.0.2:1"}, 2},
		"addresses with colons":        {[]string{"[fe80::1%eth0]:1", "[fe80::1%eth0]:2", "[fe80::2]:1"}, 2},
		"a Unix socket":                {[]string{"@", "@"}, 1},
		"none, as in a test of theirs": {[]string{"", ""}, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var a audience.Audience
			for i, peer := range test.peers {
				a.Seen(audience.Ready, request("Envoy/HC", peer), true, time.Duration(i)*second)
			}
			n, _ := a.Untold(3, time.Duration(len(test.peers))*second)
			require.Equal(t, test.want, n)
		})
	}
}

func TestNewsComeWithTheNextQuestion(t *testing.T) {
	var a audience.Audience
	news := a.News()
	require.Equal(t, news, a.News(), "all who wait, wait for the same")
	a.Seen(audience.Live, request("Envoy/HC", "10.0.0.1:1"), true, 0)
	select {
	case <-news:
		t.Fatal("liveness is no news")
	default:
	}
	a.Seen(audience.Ready, request("Envoy/HC", "10.0.0.1:1"), true, 0)
	<-news
	a.Seen(audience.Ready, request("Envoy/HC", "10.0.0.1:1"), true, 0) // nobody waits
}

// Whoever asks a thousand times at once has asked once, as far as a shutdown goes.
func TestABurstIsOneQuestion(t *testing.T) {
	var a audience.Audience
	r := request("Envoy/HC", "10.0.0.1:1")
	a.Seen(audience.Ready, r, true, time.Second)
	for i := range 1000 {
		a.Seen(audience.Ready, r, false, 2*time.Second+time.Duration(i))
	}
	n, _ := a.Untold(2, 3*time.Second)
	require.Equal(t, 1, n)
	a.Seen(audience.Ready, r, false, 3*time.Second)
	n, _ = a.Untold(2, 3*time.Second)
	require.Zero(t, n)
	a.Seen(audience.Ready, r, true, 3*time.Second+1)
	n, _ = a.Untold(1, 3*time.Second)
	require.Equal(t, 1, n, "but a good answer takes back all that it was told")
}

func TestManyAskAtOnce(t *testing.T) {
	var a audience.Audience
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 200 {
				a.Seen(audience.Endpoint(j%3), request(fmt.Sprint("bot/", (i+j)%100), "10.0.0.1:1"), j%2 == 0, time.Duration(j))
				a.Untold(3, time.Duration(j))
				a.Counts()
				if j%50 == 0 {
					a.News()
				}
			}
		})
	}
	all.Wait()
	require.NotEmpty(t, a.Counts())
}

func TestSomebodyWhoIsKnownCostsNoMemory(t *testing.T) {
	var a audience.Audience
	r := request("kube-probe/1.37", "10.0.0.1:1")
	require.Zero(t, testing.AllocsPerRun(100, func() { a.Seen(audience.Ready, r, true, time.Second) }))
}

func BenchmarkSeen(b *testing.B) {
	var a audience.Audience
	b.Run("serial", func(b *testing.B) {
		r := request("kube-probe/1.37", "10.0.0.1:1")
		for b.Loop() {
			a.Seen(audience.Ready, r, true, time.Second)
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for r := request("kube-probe/1.37", "10.0.0.1:1"); pb.Next(); {
				a.Seen(audience.Ready, r, true, time.Second)
			}
		})
	})
}
