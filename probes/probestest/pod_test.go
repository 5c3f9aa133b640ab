package probestest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/probes/probestest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// program is a handler that answers each path as its script says, and notes who
// was asked when.
type program struct {
	began   time.Time
	scripts map[string]script

	mu    sync.Mutex
	asked []string // "3s /readyz"
	times map[string]int
}

// script answers the n-th request for a path, which comes at a time since the
// start of the test.
type script func(w http.ResponseWriter, r *http.Request, n int, at time.Duration)

func newProgram(scripts map[string]script) *program {
	return &program{began: time.Now(), scripts: scripts, times: map[string]int{}}
}

func (p *program) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at := time.Since(p.began)
	p.mu.Lock()
	p.times[r.URL.Path]++
	n := p.times[r.URL.Path]
	p.asked = append(p.asked, fmt.Sprintf("%v %s", at.Truncate(100*time.Millisecond), r.URL.Path))
	p.mu.Unlock()
	if answer := p.scripts[r.URL.Path]; answer != nil {
		answer(w, r, n, at)
	}
}

// log is who was asked when.
func (p *program) log() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked)
}

// status answers always the same.
func status(code int) script {
	return func(w http.ResponseWriter, _ *http.Request, _ int, _ time.Duration) { w.WriteHeader(code) }
}

// statuses answers one after the other, and then the last for ever.
func statuses(codes ...int) script {
	return func(w http.ResponseWriter, _ *http.Request, n int, _ time.Duration) {
		w.WriteHeader(codes[min(n, len(codes))-1])
	}
}

// from answers with a status from a moment on, and with 503 before.
func from(moment time.Duration, code int) script {
	return func(w http.ResponseWriter, _ *http.Request, _ int, at time.Duration) {
		if at < moment {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(code)
	}
}

// until answers with 200 up to a moment, and with 503 after.
func until(moment time.Duration) script {
	return func(w http.ResponseWriter, _ *http.Request, _ int, at time.Duration) {
		if at >= moment {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}
}

// takes answers with 200 after a while, whoever has hung up meanwhile.
func takes(d time.Duration) script {
	return func(http.ResponseWriter, *http.Request, int, time.Duration) { time.Sleep(d) }
}

// after are things that the test does, at moments since its start.
type after map[time.Duration]func(*probestest.Pod)

func terminate(p *probestest.Pod) { p.Terminate() }

// live runs a pod for a time, does what has to be done in it, and returns the pod
// and what its program was asked. It is to be called in a bubble.
func live(t *testing.T, scripts map[string]script, config probestest.Config, d time.Duration, do after) (*probestest.Pod, []string) {
	t.Helper()
	handler := newProgram(scripts)
	pod := probestest.New(handler, config)
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	var doing sync.WaitGroup
	for at, f := range do {
		doing.Go(func() { time.Sleep(at); f(pod) })
	}
	require.NoError(t, pod.Run(ctx))
	doing.Wait()
	return pod, handler.log()
}

// deaf is a program that takes its time after SIGTERM.
func deaf(d time.Duration) func(context.Context) error {
	return func(ctx context.Context) error {
		<-ctx.Done()
		time.Sleep(d)
		return nil
	}
}

// crashes is a program that exits on its own after a while.
func crashes(d time.Duration) func(context.Context) error {
	return func(ctx context.Context) error {
		select {
		case <-time.After(d):
			return errors.New("out of luck")
		case <-ctx.Done():
			return nil
		}
	}
}

const (
	second = time.Second
	minute = time.Minute
)

func TestThresholds(t *testing.T) {
	tests := map[string]struct {
		script script
		probe  probestest.Probe
		want   []string
	}{
		"the defaults: one success, three failures, every ten seconds": {
			statuses(503, 200, 503, 503, 200, 503, 503, 503, 503, 200),
			probestest.Probe{},
			[]string{
				"0s container started", "10s ready",
				"70s not ready: readiness probe failed: HTTP probe failed with statuscode: 503",
				"80s ready",
			},
		},
		"two successes in a row, one failure": {
			statuses(200, 503, 200, 200, 200, 503, 503, 200, 200),
			probestest.Probe{Period: second, SuccessThreshold: 2, FailureThreshold: 1},
			[]string{
				"0s container started", "3s ready",
				"5s not ready: readiness probe failed: HTTP probe failed with statuscode: 503",
				// The failure at 5 s has it asked again at once, and from there every second.
				"7s ready",
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				test.probe.Path = "/readyz"
				pod, _ := live(t, map[string]script{"/readyz": test.script}, probestest.Config{Readiness: test.probe}, 95*second, nil)
				require.Equal(t, test.want, pod.Events())
			})
		})
	}
}

func TestWhoIsAskedWhen(t *testing.T) {
	const p, q = 2 * second, 3 * second
	start := probestest.Probe{Path: "/startupz", Period: second, FailureThreshold: 10}
	alive := probestest.Probe{Path: "/livez", Period: p}
	ready := probestest.Probe{Path: "/readyz", Period: q}
	down := map[string]script{"/readyz": status(503)}
	tests := map[string]struct {
		scripts map[string]script
		config  probestest.Config
		d       time.Duration
		asked   []string
		events  []string
	}{
		"nothing but startup, until that has succeeded": {
			map[string]script{"/startupz": from(3*second, 200)},
			probestest.Config{Startup: start, Liveness: alive, Readiness: probestest.Probe{Path: "/readyz"}},
			14 * second,
			[]string{
				"0s /startupz", "1s /startupz", "2s /startupz", "3s /startupz",
				"3s /readyz", // at once: the status has changed, and it is not ready
				"4s /livez",  // when its time has come
				"6s /livez", "8s /livez", "10s /livez", "12s /livez",
				"13s /readyz",
			},
			[]string{"0s container started", "3s started", "3s ready"},
		},
		"without a startup probe all from the start": {
			nil,
			probestest.Config{Liveness: alive, Readiness: ready},
			4500 * time.Millisecond,
			[]string{"0s /livez", "0s /readyz", "2s /livez", "3s /readyz", "4s /livez"},
			[]string{"0s container started", "0s ready"},
		},
		"without a readiness probe it is ready when it has started": {
			map[string]script{"/startupz": from(2*second, 200)},
			probestest.Config{Startup: start},
			5 * second,
			[]string{"0s /startupz", "1s /startupz", "2s /startupz"},
			[]string{"0s container started", "2s started", "2s ready"},
		},
		"without a probe it is ready": {
			nil,
			probestest.Config{},
			minute,
			nil,
			[]string{"0s container started", "0s ready"},
		},
		"a pod that is ready is asked at its period, one that gets unready once more": {
			map[string]script{"/readyz": until(5 * second)},
			probestest.Config{Readiness: probestest.Probe{Path: "/readyz", Period: q, FailureThreshold: 2}},
			13 * second,
			[]string{"0s /readyz", "3s /readyz", "6s /readyz", "9s /readyz", "9s /readyz", "12s /readyz"},
			[]string{
				"0s container started", "0s ready",
				"9s not ready: readiness probe failed: HTTP probe failed with statuscode: 503",
			},
		},
		"an initial delay is skipped, not waited for": {
			down,
			probestest.Config{Readiness: probestest.Probe{Path: "/readyz", Period: q, InitialDelay: 4 * second}},
			10 * second,
			[]string{"6s /readyz", "9s /readyz"},
			[]string{"0s container started"},
		},
		"before the first answer it is neither ready nor dead": {
			map[string]script{"/readyz": status(200), "/livez": status(503)},
			probestest.Config{
				Liveness:  probestest.Probe{Path: "/livez", FailureThreshold: 1, InitialDelay: minute},
				Readiness: probestest.Probe{Path: "/readyz", InitialDelay: 20 * second},
			},
			25 * second,
			[]string{"20s /readyz"},
			[]string{"0s container started", "20s ready"},
		},
		"a slow probe is never asked twice at a time, and others do not wait for it": {
			map[string]script{"/readyz": takes(4500 * time.Millisecond)},
			probestest.Config{
				Readiness: probestest.Probe{Path: "/readyz", Period: second, Timeout: 10 * second, SuccessThreshold: 9},
				Liveness:  alive,
			},
			10 * second,
			[]string{
				"0s /livez", "0s /readyz", "2s /livez", "4s /livez",
				"4.5s /readyz", // one of the four ticks that have come meanwhile
				"6s /livez", "8s /livez", "9s /readyz",
			},
			[]string{"0s container started"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pod, asked := live(t, test.scripts, test.config, test.d, nil)
				require.Equal(t, test.asked, asked)
				require.Equal(t, test.events, pod.Events())
			})
		})
	}
}

func TestAPodBeforeItsFirstAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pod := probestest.New(newProgram(nil), probestest.Config{Readiness: probestest.Probe{Path: "/readyz"}})
		require.Empty(t, pod.Events())
		require.Equal(t, probestest.Endpoint{}, pod.Endpoint())
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- pod.Run(ctx) }()
		synctest.Wait()
		require.False(t, pod.Ready())
		time.Sleep(second)
		require.True(t, pod.Ready())
		require.Equal(t, probestest.Endpoint{Ready: true, Serving: true}, pod.Endpoint())
		cancel()
		require.NoError(t, <-ended)
		require.False(t, pod.Ready(), "nothing runs")
	})
}

// Whoever uses the diary as an expected value needs it to be the same each time.
func TestADiaryIsTheSameEachTime(t *testing.T) {
	var first []string
	for i := range 10 {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				every := probestest.Probe{Period: second, Timeout: second, FailureThreshold: 2}
				start, alive, ready := every, every, every
				start.Path, alive.Path, ready.Path = "/startupz", "/livez", "/readyz"
				ready.SuccessThreshold = 2
				lives := 0
				program := func(ctx context.Context) error {
					lives++
					return deaf(time.Duration(lives%6) * second)(ctx)
				}
				pod, asked := live(t, map[string]script{
					"/startupz": func(_ http.ResponseWriter, _ *http.Request, n int, _ time.Duration) {
						time.Sleep(time.Duration(n%2) * 2 * second)
					},
					"/livez": func(_ http.ResponseWriter, _ *http.Request, n int, _ time.Duration) {
						time.Sleep(time.Duration(n%7) * second / 4)
					},
					"/readyz": func(_ http.ResponseWriter, _ *http.Request, n int, _ time.Duration) {
						time.Sleep(time.Duration(n%5) * second / 2)
					},
				}, probestest.Config{Startup: start, Liveness: alive, Readiness: ready, GracePeriod: 4 * second, Program: program},
					10*minute, after{100 * second: terminate})
				diary := append(pod.Events(), asked...)
				if first == nil {
					first = diary
				}
				require.Equal(t, first, diary)
			})
		})
	}
}
