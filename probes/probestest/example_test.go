package probestest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/probes"
	"github.com/handover-go/handover/probes/probestest"
)

// A program drains until the kubelet has seen that it is not ready. An example has
// the real clock, so this kubelet is in a hurry; a test asks as the manifest says,
// and takes no time: see the example of New.
func Example() {
	health := probes.New(probes.Config{Delay: -1})
	var pod *probestest.Pod
	pod = probestest.New(health.Handler(), probestest.Config{
		Startup:   probestest.Probe{Path: "/startupz", Period: time.Millisecond, FailureThreshold: 10_000},
		Readiness: probestest.Probe{Path: "/readyz", Period: time.Millisecond},
		Program: func(ctx context.Context) error {
			_ = health.Ready(ctx)
			<-ctx.Done() // SIGTERM
			_ = health.Drain(context.WithoutCancel(ctx))
			for pod.Ready() {
				<-time.After(time.Millisecond)
			}
			return nil
		},
	})
	ended := make(chan error)
	go func() { ended <- pod.Run(context.Background()) }()
	for !pod.Ready() {
		<-time.After(time.Millisecond)
	}
	pod.Terminate()
	fmt.Println(<-ended)
	for _, event := range pod.Events() {
		_, what, _ := strings.Cut(event, " ")
		fmt.Println(what)
	}
	// Output:
	// <nil>
	// container started
	// started
	// ready
	// terminating
	// SIGTERM: pod deleted
	// not ready: readiness probe failed: HTTP probe failed with statuscode: 503
	// exited
}

// A user's test: a minute of a pod, in virtual time.
func ExampleNew() {
	_ = func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			health := probes.New(probes.Config{})
			pod := probestest.New(health.Handler(), probestest.Config{
				Readiness: probestest.Probe{Path: "/readyz", Period: 2 * time.Second, FailureThreshold: 1},
				Program: func(ctx context.Context) error {
					<-time.After(5 * time.Second) // the caches fill
					_ = health.Ready(ctx)
					<-ctx.Done() // SIGTERM
					return health.Drain(context.WithoutCancel(ctx))
				},
			})
			time.AfterFunc(time.Minute, pod.Terminate)
			require.NoError(t, pod.Run(t.Context()))
			require.Equal(t, []string{
				"0s container started",
				"6s ready",
				"60s terminating",
				"60s SIGTERM: pod deleted",
				"60s not ready: readiness probe failed: HTTP probe failed with statuscode: 503",
				"62s exited",
			}, pod.Events())
		})
	}
}

// Two pods behind a Service: kube-proxy sends to one that terminates only if it
// still serves and no other one is ready.
func ExampleUsable() {
	ready := probestest.Endpoint{Ready: true, Serving: true}
	draining := probestest.Endpoint{Serving: true, Terminating: true}
	starting := probestest.Endpoint{}
	fmt.Println(probestest.Usable(draining, ready))
	fmt.Println(probestest.Usable(draining, starting))
	// Output:
	// [1]
	// [0]
}
