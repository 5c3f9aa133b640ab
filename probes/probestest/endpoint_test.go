package probestest_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/probes/probestest"
)

func TestWhereKubeProxySendsTo(t *testing.T) {
	var (
		ready    = probestest.Endpoint{Ready: true, Serving: true}
		starting = probestest.Endpoint{}
		draining = probestest.Endpoint{Serving: true, Terminating: true}
		failing  = probestest.Endpoint{Terminating: true}
	)
	tests := map[string]struct {
		endpoints []probestest.Endpoint
		want      []int
	}{
		"no pod at all":                          {nil, nil},
		"those that are ready":                   {[]probestest.Endpoint{starting, ready, draining, ready}, []int{1, 3}},
		"none is ready: those that still serve":  {[]probestest.Endpoint{starting, draining, failing, draining}, []int{1, 3}},
		"none serves, for they fail their probe": {[]probestest.Endpoint{starting, failing}, nil},
		"one that is neither ready nor deleted":  {[]probestest.Endpoint{starting}, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, test.want, probestest.Usable(test.endpoints...))
		})
	}
}

// The last replica of a Service drains: with a readiness that fails it drops what
// it could have served, with one that does not it is the last resort.
func TestTheLastReplica(t *testing.T) {
	tests := map[string]struct {
		scripts map[string]script
		want    []int
	}{
		"fails its readiness": {map[string]script{"/readyz": until(10 * second)}, nil},
		"keeps it":            {nil, []int{0}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pod := probestest.New(newProgram(test.scripts), probestest.Config{
					Readiness: probestest.Probe{Path: "/readyz", Period: second, FailureThreshold: 2},
					Program:   deaf(10 * second),
				})
				ended := make(chan error)
				go func() { ended <- pod.Run(context.WithoutCancel(t.Context())) }()
				time.Sleep(10 * second)
				require.Equal(t, probestest.Endpoint{Ready: true, Serving: true}, pod.Endpoint())
				pod.Terminate()
				require.Equal(t, probestest.Endpoint{Serving: true, Terminating: true}, pod.Endpoint())
				time.Sleep(5 * second)
				require.Equal(t, test.want, probestest.Usable(pod.Endpoint()))
				require.NoError(t, <-ended)
				require.Empty(t, probestest.Usable(pod.Endpoint()), "nothing is left of it")
			})
		})
	}
}
