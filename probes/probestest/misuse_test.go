package probestest_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/probes/probestest"
)

func TestRunNamesEveryMistakeAndWhatInstead(t *testing.T) {
	handler := http.NotFoundHandler()
	sound := probestest.Probe{Path: "/"}
	change := func(f func(*probestest.Probe)) probestest.Probe {
		p := sound
		f(&p)
		return p
	}
	tests := map[string]struct {
		handler http.Handler
		config  probestest.Config
		want    string // one mistake a line, without the package
	}{
		"nothing to ask": {nil, probestest.Config{}, "there is nothing to ask: give New a handler, or Config.Address a server"},
		"two to ask": {
			handler,
			probestest.Config{Address: "127.0.0.1:80"},
			`there is a handler and Config.Address "127.0.0.1:80": give one of the two`,
		},
		"an address without a port": {nil, probestest.Config{Address: "localhost"}, `Config.Address is "localhost": use host:port`},
		"a probe without a path": {
			handler,
			probestest.Config{Liveness: probestest.Probe{Period: second}},
			`Config.Liveness: Path is "": use one that begins with /, or leave out the whole probe`,
		},
		"a URL for a path": {
			handler,
			probestest.Config{Liveness: probestest.Probe{Path: "http://x/"}},
			`Config.Liveness: Path is "http://x/": use one that begins with /, or leave out the whole probe`,
		},
		"a success threshold of startup": {
			handler,
			probestest.Config{Startup: change(func(p *probestest.Probe) { p.SuccessThreshold = 2 })},
			"Config.Startup: SuccessThreshold is 2: it must be 1 but for readiness",
		},
		"a success threshold of liveness": {
			handler,
			probestest.Config{Liveness: change(func(p *probestest.Probe) { p.SuccessThreshold = 2 })},
			"Config.Liveness: SuccessThreshold is 2: it must be 1 but for readiness",
		},
		"a grace period of readiness": {
			handler,
			probestest.Config{Readiness: change(func(p *probestest.Probe) { p.GracePeriod = second })},
			"Config.Readiness: GracePeriod is 1s: readiness kills nothing, leave it out",
		},
		"all of them at once": {
			nil,
			probestest.Config{
				Startup:   change(func(p *probestest.Probe) { p.Period = -1 }),
				Liveness:  change(func(p *probestest.Probe) { p.Timeout, p.GracePeriod = -1, -1 }),
				Readiness: change(func(p *probestest.Probe) { p.SuccessThreshold, p.FailureThreshold = -1, -1 }),
			},
			`there is nothing to ask: give New a handler, or Config.Address a server
Config.Startup: Period is -1ns: use 0 for 10s, or a period
Config.Liveness: Timeout is -1ns: use 0 for 1s, or a time-out; the kubelet always has one
Config.Liveness: GracePeriod is -1ns: use 0 for the pod's, or a time
Config.Readiness: SuccessThreshold is -1: use 0 for 1, or a number
Config.Readiness: FailureThreshold is -1: use 0 for 3, or a number`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.config.Program = func(context.Context) error {
				t.Error("something was started")
				return nil
			}
			pod := probestest.New(test.handler, test.config)
			err := pod.Run(t.Context())
			require.Error(t, err)
			require.Equal(t, test.want, strings.ReplaceAll(err.Error(), "probestest: run: ", ""))
			require.Empty(t, pod.Events())
		})
	}
}

func TestAPodRunsOnce(t *testing.T) {
	const again = "probestest: run: the pod has run already: make a new one, as Kubernetes does"
	synctest.Test(t, func(t *testing.T) {
		pod := probestest.New(newProgram(nil), probestest.Config{})
		ended := make(chan error)
		go func() { ended <- pod.Run(t.Context()) }()
		synctest.Wait()
		require.EqualError(t, pod.Run(t.Context()), again)
		pod.Terminate()
		pod.Terminate()
		require.NoError(t, <-ended)
		pod.Terminate()
		require.EqualError(t, pod.Run(t.Context()), again)
		require.Equal(t, []string{"0s container started", "0s ready", "0s terminating", "0s SIGTERM: pod deleted", "0s exited"}, pod.Events())
	})
}

func TestAPodThatIsDeletedBeforeItRuns(t *testing.T) {
	pod := probestest.New(newProgram(nil), probestest.Config{})
	pod.Terminate()
	require.NoError(t, pod.Run(t.Context()))
	require.Equal(t, []string{"0s terminating"}, pod.Events())
	require.Equal(t, probestest.Endpoint{Terminating: true}, pod.Endpoint())
}

func TestAContextThatHasEndedStartsNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	pod := probestest.New(newProgram(nil), probestest.Config{})
	require.NoError(t, pod.Run(ctx))
	require.Empty(t, pod.Events())
}

// Whatever is under way: Run returns soon after its context has ended, or after
// the program and the handlers if they are late.
func TestTheEndOfTheContextEndsEverything(t *testing.T) {
	tests := map[string]struct {
		answer  script
		program func(context.Context) error
		want    time.Duration
	}{
		"nothing":                       {nil, nil, 0},
		"a handler that hears":          {body(200, 1, stalls), nil, 0},
		"a handler that does not":       {takes(20 * second), nil, 15 * second},
		"a program that takes its time": {nil, deaf(7 * second), 7 * second},
		"a program between two lives":   {nil, crashes(time.Second), 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				pod, _ := live(t, map[string]script{"/livez": test.answer},
					probestest.Config{Liveness: probestest.Probe{Path: "/livez", Timeout: minute}, Program: test.program},
					5*second, nil)
				require.Equal(t, 5*second+test.want, time.Since(began).Truncate(100*time.Millisecond))
				require.NotContains(t, pod.Events()[len(pod.Events())-1], "5s", "it is no event")
				require.False(t, pod.Ready())
			})
		})
	}
}

func TestAPodMayBeDeletedBetweenTwoContainers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pod, _ := live(t, nil, probestest.Config{Program: crashes(second)}, minute, after{5 * second: terminate})
		require.Equal(t, []string{
			"0s container started", "0s ready", "1s exited: out of luck",
			"1s container started", "1s ready", "2s exited: out of luck", "5s terminating",
		}, pod.Events())
	})
}

// Everybody at once, for the race detector.
func TestAPodIsForManyGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pod := probestest.New(newProgram(nil), probestest.Config{
			Liveness:  probestest.Probe{Path: "/livez", Period: second},
			Readiness: probestest.Probe{Path: "/readyz", Period: second},
			Program:   crashes(3 * second),
		})
		var all sync.WaitGroup
		all.Go(func() { _ = pod.Run(t.Context()) })
		for range 4 {
			all.Go(func() {
				for range 100 {
					time.Sleep(101 * time.Millisecond)
					_, _, _ = pod.Ready(), pod.Endpoint(), pod.Events()
				}
				pod.Terminate()
			})
		}
		all.Wait()
	})
}
