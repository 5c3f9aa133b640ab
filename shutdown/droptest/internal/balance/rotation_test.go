package balance_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/shutdown/droptest/internal/balance"
)

func TestWhenAnEndpointIsInRotation(t *testing.T) {
	const ms = time.Millisecond
	type step struct {
		at   time.Duration
		what string // what happens, or "in" or "out": what has to be so
	}
	tests := map[string][]step{
		"it joins at once":   {{0, "out"}, {0, "healthy"}, {0, "in"}, {time.Hour, "in"}},
		"it was never ready": {{0, "unhealthy"}, {5 * ms, "out"}, {5 * ms, "healthy"}, {5 * ms, "in"}, {time.Hour, "in"}},
		"it leaves a lag after SIGTERM, and not before": {
			{0, "healthy"}, {10 * ms, "signal"}, {109 * ms, "in"}, {111 * ms, "out"},
		},
		"being ready again after SIGTERM changes nothing": {
			{0, "healthy"},
			{10 * ms, "signal"},
			{50 * ms, "healthy"},
			{109 * ms, "in"},
			{111 * ms, "out"},
			{120 * ms, "healthy"},
			{120 * ms, "out"},
		},
		"it leaves a lag after the looks said so": {
			{0, "healthy"}, {10 * ms, "unhealthy"}, {109 * ms, "in"}, {111 * ms, "out"},
		},
		"SIGTERM before the looks: the earlier counts": {
			{0, "healthy"}, {10 * ms, "signal"}, {60 * ms, "unhealthy"}, {109 * ms, "in"}, {111 * ms, "out"},
		},
		"the looks before SIGTERM: the earlier counts": {
			{0, "healthy"}, {10 * ms, "unhealthy"}, {60 * ms, "signal"}, {109 * ms, "in"}, {111 * ms, "out"},
		},
		"it is ready again before the news has arrived": {
			{0, "healthy"}, {10 * ms, "unhealthy"}, {50 * ms, "healthy"}, {111 * ms, "in"}, {time.Hour, "in"},
		},
		"it is ready again after the news has arrived": {
			{0, "healthy"}, {10 * ms, "unhealthy"}, {111 * ms, "out"}, {150 * ms, "healthy"}, {150 * ms, "in"},
		},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := balance.NewRotation(100 * ms)
				a := balance.NewEndpoint(balance.Target{Name: "a"})
				happens := map[string]func(){
					"healthy":   func() { r.Join(a) },
					"unhealthy": func() { r.Leave(a, false) },
					"signal":    func() { r.Leave(a, true) },
				}
				expected := map[string]*balance.Endpoint{"in": a, "out": nil}
				begin := time.Now()
				for _, s := range steps {
					time.Sleep(s.at - time.Since(begin))
					if happen := happens[s.what]; happen != nil {
						happen()
					} else {
						require.Equal(t, expected[s.what], r.Next(), s)
					}
				}
			})
		})
	}
}

func TestEveryEndpointHasItsTurn(t *testing.T) {
	r := balance.NewRotation(0)
	require.Nil(t, r.Next())
	counts := map[string]int{}
	for _, name := range []string{"a", "b", "c"} {
		e := balance.NewEndpoint(balance.Target{Name: name})
		r.Join(e)
		<-e.Joined()
		r.Join(e)
	}
	for range 30 {
		counts[r.Next().Name]++
	}
	require.Equal(t, map[string]int{"a": 10, "b": 10, "c": 10}, counts)
}
