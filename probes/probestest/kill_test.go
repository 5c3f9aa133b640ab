package probestest_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/probes/probestest"
)

const unwell = "liveness probe failed: HTTP probe failed with statuscode: 503"

// between answers with 503 in a span of time, and with 200 else.
func between(begin, end time.Duration) script {
	return func(w http.ResponseWriter, _ *http.Request, _ int, at time.Duration) {
		if at >= begin && at < end {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}
}

func TestAContainerThatIsKilled(t *testing.T) {
	live10 := probestest.Probe{Path: "/livez"}
	hasty := probestest.Probe{Path: "/livez", GracePeriod: 5 * second}
	start := probestest.Probe{Path: "/startupz", Period: second}
	hastyStart := start
	hastyStart.GracePeriod = 3 * second
	sickAt30 := map[string]script{"/livez": between(5*second, 35*second)}
	tests := map[string]struct {
		scripts map[string]script
		config  probestest.Config
		d       time.Duration
		do      after
		want    []string
	}{
		"one that hears SIGTERM": {
			sickAt30,
			probestest.Config{Liveness: live10, Program: deaf(2 * second)},
			minute, nil,
			[]string{
				"0s container started", "0s ready",
				"30s SIGTERM: " + unwell, "32s exited", "32s container started", "32s ready",
			},
		},
		"one that is deadlocked sits there for the pod's grace period": {
			sickAt30,
			probestest.Config{Liveness: live10, Program: deaf(time.Hour)},
			70 * second, nil,
			[]string{
				"0s container started", "0s ready",
				"30s SIGTERM: " + unwell, "60s SIGKILL", "60s container started", "60s ready",
			},
		},
		"or for as long as the probe says": {
			sickAt30,
			probestest.Config{Liveness: hasty, GracePeriod: 10 * minute, Program: deaf(time.Hour)},
			70 * second, nil,
			[]string{
				"0s container started", "0s ready",
				"30s SIGTERM: " + unwell, "35s SIGKILL", "35s container started", "35s ready",
			},
		},
		"for the probe's even if it is longer": {
			sickAt30,
			probestest.Config{Liveness: hasty, GracePeriod: 3 * second, Program: deaf(time.Hour)},
			70 * second, nil,
			[]string{
				"0s container started", "0s ready",
				"30s SIGTERM: " + unwell, "35s SIGKILL", "35s container started", "35s ready",
			},
		},
		"and for two seconds at the least": {
			sickAt30,
			probestest.Config{Liveness: live10, GracePeriod: -1, Program: deaf(time.Hour)},
			70 * second, nil,
			[]string{
				"0s container started", "0s ready",
				"30s SIGTERM: " + unwell, "32s SIGKILL", "32s container started", "32s ready",
			},
		},
		"by a startup probe, whose grace period is its own": {
			map[string]script{"/startupz": from(13*second, 200)},
			probestest.Config{Startup: hastyStart, Liveness: hasty, Program: deaf(time.Hour)},
			25 * second, nil,
			[]string{
				"0s container started",
				"2s SIGTERM: startup probe failed: HTTP probe failed with statuscode: 503",
				"5s SIGKILL", "5s container started",
				"7s SIGTERM: startup probe failed: HTTP probe failed with statuscode: 503",
				"10s SIGKILL", "10s container started",
				"12s SIGTERM: startup probe failed: HTTP probe failed with statuscode: 503",
				"15s SIGKILL", "20s container started", // ten seconds after the end of the last but one
				"20s started", "20s ready",
			},
		},
		"a slow start without a startup probe": {
			map[string]script{"/livez": from(45*second, 200)},
			probestest.Config{Liveness: live10},
			minute, nil,
			[]string{
				"0s container started", "0s ready",
				"20s SIGTERM: " + unwell, "20s exited", "20s container started", "20s ready",
				"40s SIGTERM: " + unwell, "40s exited", "40s container started", "40s ready",
			},
		},
		"a slow start with one": {
			map[string]script{"/livez": from(45*second, 200), "/startupz": from(45*second, 200)},
			probestest.Config{Liveness: live10, Startup: probestest.Probe{Path: "/startupz", Period: second, FailureThreshold: 60}},
			minute, nil,
			[]string{"0s container started", "45s started", "45s ready"},
		},
		"a pod that is deleted while its container is being killed has no other one": {
			sickAt30,
			probestest.Config{Liveness: live10, Program: deaf(10 * second)},
			minute,
			after{33 * second: terminate},
			[]string{
				"0s container started", "0s ready",
				"30s SIGTERM: " + unwell, "33s terminating", "40s exited",
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pod, _ := live(t, test.scripts, test.config, test.d, test.do)
				require.Equal(t, test.want, pod.Events())
			})
		})
	}
}

func TestWhoIsAskedWhenAContainerIsKilled(t *testing.T) {
	probe := func(path string) probestest.Probe {
		return probestest.Probe{Path: path, Period: 2 * second, FailureThreshold: 2}
	}
	tests := map[string]struct {
		scripts map[string]script
		config  probestest.Config
		asked   []string
		events  []string
	}{
		"liveness is on hold, readiness is not": {
			map[string]script{"/livez": between(second, 5*second)},
			probestest.Config{Liveness: probe("/livez"), Readiness: probe("/readyz"), Program: deaf(5 * second)},
			[]string{
				"0s /livez", "0s /readyz", "2s /livez", "2s /readyz", "4s /livez",
				"4s /readyz", "6s /readyz", "8s /readyz", // until the container has ended
				"9s /livez", "9s /readyz", "11s /livez", "11s /readyz",
			},
			[]string{
				"0s container started", "0s ready",
				"4s SIGTERM: " + unwell, // and still ready: its endpoint gets traffic
				"9s exited", "9s container started", "9s ready",
			},
		},
		"startup is on hold, and asked again in the next container until that has started": {
			map[string]script{"/startupz": from(5*second, 200)},
			probestest.Config{Startup: probe("/startupz"), Liveness: probe("/livez"), Program: deaf(5 * second)},
			[]string{"0s /startupz", "2s /startupz", "7s /startupz", "7s /livez", "9s /livez", "11s /livez"},
			[]string{
				"0s container started",
				"2s SIGTERM: startup probe failed: HTTP probe failed with statuscode: 503",
				"7s exited", "7s container started", "7s started", "7s ready",
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pod, asked := live(t, test.scripts, test.config, 12*second, nil)
				require.Equal(t, test.asked, asked)
				require.Equal(t, test.events, pod.Events())
			})
		})
	}
}

func TestAProgramThatExits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pod, _ := live(t, nil, probestest.Config{Program: crashes(second)}, 12*minute, nil)
		var starts []string
		for _, event := range pod.Events() {
			if s, ok := strings.CutSuffix(event, " container started"); ok {
				starts = append(starts, s)
			}
		}
		require.Equal(t, []string{"0s", "1s", "12s", "33s", "74s", "155s", "316s", "617s"}, starts,
			"each waits twice as long as the one before, five minutes at the most")
		require.Equal(t, []string{
			"0s container started", "0s ready", "1s exited: out of luck",
			"1s container started", "1s ready", "2s exited: out of luck", "12s container started",
		}, pod.Events()[:7])
	})
	synctest.Test(t, func(t *testing.T) {
		lives := []time.Duration{second, second, 11 * minute, second, time.Hour}
		pod, _ := live(t, nil, probestest.Config{Program: func(ctx context.Context) error {
			d := lives[0]
			lives = lives[1:]
			return crashes(d)(ctx)
		}}, 13*minute, nil)
		require.Equal(t, []string{
			"0s container started", "0s ready", "1s exited: out of luck",
			"1s container started", "1s ready", "2s exited: out of luck",
			"12s container started", "12s ready", "672s exited: out of luck",
			"672s container started", "672s ready", "673s exited: out of luck",
			"683s container started", "683s ready",
		}, pod.Events(), "ten minutes without a crash are a new life")
	})
}

// The probe that broke with a container says nothing of the next one, which is
// killed for a failure of its own.
func TestALateFailureOfAContainerThatHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pod, asked := live(t, map[string]script{
			"/livez": func(w http.ResponseWriter, r *http.Request, n int, _ time.Duration) {
				switch n {
				case 1:
					stalls(r)
				case 3:
					w.WriteHeader(http.StatusServiceUnavailable)
				}
			},
		}, probestest.Config{
			Liveness: probestest.Probe{Path: "/livez", Period: 3 * second, Timeout: minute, FailureThreshold: 1},
			Program:  crashes(5 * second),
		}, 9*second, nil)
		require.Equal(t, []string{"0s /livez", "5s /livez", "8s /livez"}, asked)
		require.Equal(t, []string{
			"0s container started", "0s ready", "5s exited: out of luck", "5s container started", "5s ready",
			"8s SIGTERM: " + unwell, "8s exited",
		}, pod.Events())
	})
}

// What a worker has counted is not forgotten with the container.
func TestCountsOutliveAContainer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		every := probestest.Probe{Path: "/readyz", Period: second, SuccessThreshold: 5}
		pod, _ := live(t, nil, probestest.Config{Readiness: every, Program: crashes(7 * second)}, 10*second, nil)
		require.Equal(t, []string{
			"0s container started", "4s ready", "7s exited: out of luck",
			"7s container started", "7s ready", // at the first success
		}, pod.Events())
	})
	synctest.Test(t, func(t *testing.T) {
		every := probestest.Probe{Path: "/livez", Period: second}
		pod, _ := live(t, map[string]script{"/livez": from(minute, 200)},
			probestest.Config{Liveness: every, Program: crashes(1500 * time.Millisecond)}, 2*second, nil)
		require.Equal(t, []string{
			"0s container started", "0s ready", "1.5s exited: out of luck",
			"1.5s container started", "1.5s ready",
			"1.5s SIGTERM: " + unwell, // the third failure, of two containers
			"1.5s exited",
		}, pod.Events())
	})
}

func TestATerminatingPod(t *testing.T) {
	probe := func(path string) probestest.Probe {
		return probestest.Probe{Path: path, Period: 2 * second, FailureThreshold: 2}
	}
	all := probestest.Config{
		Startup: probe("/startupz"), Liveness: probe("/livez"), Readiness: probe("/readyz"),
		GracePeriod: 20 * second, Program: deaf(7 * second),
	}
	deadlocked := all
	deadlocked.Program = deaf(time.Hour)
	gone := all
	gone.Program = nil
	slow := all
	slow.Startup.FailureThreshold = 60
	tests := map[string]struct {
		scripts map[string]script
		config  probestest.Config
		asked   []string
		events  []string
	}{
		"liveness is no longer asked, readiness is": {
			map[string]script{"/livez": until(3 * second), "/readyz": until(3 * second)},
			all,
			[]string{
				"0s /startupz", "0s /livez", "0s /readyz", "2s /livez", "2s /readyz",
				"4s /readyz", "6s /readyz", "6s /readyz", "8s /readyz",
			},
			[]string{
				"0s container started", "0s started", "0s ready", "3s terminating", "3s SIGTERM: pod deleted",
				"6s not ready: readiness probe failed: HTTP probe failed with statuscode: 503", "10s exited",
			},
		},
		"a pod that was never told to fail stays ready to its end": {
			nil, all,
			[]string{"0s /startupz", "0s /livez", "0s /readyz", "2s /livez", "2s /readyz", "4s /readyz", "6s /readyz", "8s /readyz"},
			[]string{"0s container started", "0s started", "0s ready", "3s terminating", "3s SIGTERM: pod deleted", "10s exited"},
		},
		"one that has not started is asked for nothing any more": {
			map[string]script{"/startupz": from(2500*time.Millisecond, 200)},
			all,
			[]string{"0s /startupz", "2s /startupz"},
			[]string{
				"0s container started", "2s SIGTERM: startup probe failed: HTTP probe failed with statuscode: 503",
				"3s terminating", "9s exited",
			},
		},
		"one that does not end is killed": {
			nil, deadlocked,
			[]string{
				"0s /startupz", "0s /livez", "0s /readyz", "2s /livez", "2s /readyz", "4s /readyz", "6s /readyz", "8s /readyz",
				"10s /readyz", "12s /readyz", "14s /readyz", "16s /readyz", "18s /readyz", "20s /readyz", "22s /readyz",
			},
			[]string{
				"0s container started", "0s started", "0s ready", "3s terminating", "3s SIGTERM: pod deleted", "23s SIGKILL",
			},
		},
		"one without a handler for signals ends at once": {
			nil, gone,
			[]string{"0s /startupz", "0s /livez", "0s /readyz", "2s /livez", "2s /readyz"},
			[]string{"0s container started", "0s started", "0s ready", "3s terminating", "3s SIGTERM: pod deleted", "3s exited"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pod, asked := live(t, test.scripts, test.config, time.Hour, after{3 * second: terminate})
				require.Equal(t, test.asked, asked)
				require.Equal(t, test.events, pod.Events())
				require.Equal(t, probestest.Endpoint{Terminating: true}, pod.Endpoint())
			})
		})
	}
}

// A probe that was under way when the pod was deleted kills nothing. A success
// still counts: readiness is asked from then on.
func TestALateSuccessOfATerminatingPod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pod, asked := live(t, map[string]script{"/startupz": takes(7 * second)}, probestest.Config{
			Startup:   probestest.Probe{Path: "/startupz", Timeout: 10 * second},
			Liveness:  probestest.Probe{Path: "/livez", Period: second},
			Readiness: probestest.Probe{Path: "/readyz"},
			Program:   deaf(10 * second),
		}, time.Hour, after{5 * second: terminate})
		require.Equal(t, []string{"0s /startupz", "7s /readyz"}, asked)
		require.Equal(t, []string{
			"0s container started", "5s terminating", "5s SIGTERM: pod deleted", "7s started", "7s ready", "15s exited",
		}, pod.Events())
	})
}

func TestALateFailureOfATerminatingPod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pod, _ := live(t, map[string]script{"/livez": takes(time.Hour)}, probestest.Config{
			Liveness: probestest.Probe{Path: "/livez", Timeout: 10 * second, FailureThreshold: 1},
			Program:  deaf(20 * second),
		}, time.Hour, after{5 * second: terminate})
		require.Equal(t, []string{
			"0s container started", "0s ready", "5s terminating", "5s SIGTERM: pod deleted", "25s exited",
		}, pod.Events())
	})
}

func TestAProgramsErrorIsInTheDiary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pod, _ := live(t, nil, probestest.Config{Program: func(ctx context.Context) error {
			<-ctx.Done()
			return errors.New("cut 3 requests")
		}}, minute, after{second: terminate})
		require.Equal(t, "1s exited: cut 3 requests", pod.Events()[4])
	})
}
