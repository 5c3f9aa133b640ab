package grpcprobes_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/probes"
	"github.com/handover-go/handover/probes/grpcprobes"
)

// servingStatus is what gRPC's healthpb.HealthCheckResponse_ServingStatus is.
type servingStatus int32

func (s servingStatus) String() string {
	return [...]string{"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"}[s]
}

// diary has what was told of each service, in order, without repetitions.
type diary struct {
	mu   sync.Mutex
	told map[string][]string
}

func (d *diary) set(service string, status servingStatus) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.told == nil {
		d.told = map[string][]string{"": {"SERVING"}} // as health.NewServer has it
	}
	if all := d.told[service]; len(all) == 0 || all[len(all)-1] != status.String() {
		d.told[service] = append(all, status.String())
	}
}

func (d *diary) of(service string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.told[service])
}

func newSet() *probes.Set {
	return probes.New(probes.Config{Logger: slog.New(slog.DiscardHandler), Delay: -1})
}

// running runs both until stop is called.
func running(t *testing.T, set *probes.Set, run func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	for _, run := range []func(context.Context) error{set.Run, run} {
		go func() { ended <- run(ctx) }()
	}
	return func() {
		cancel()
		require.NoError(t, <-ended)
		require.NoError(t, <-ended)
	}
}

// until passes for so long, and fails after it.
func until(moment time.Time, err error) func(context.Context) error {
	return func(context.Context) error {
		if time.Now().Before(moment) {
			return nil
		}
		return err
	}
}

func TestWhatTheServicesAreSaidToBe(t *testing.T) {
	broken := errors.New("broken")
	tests := map[string]struct {
		check func(*probes.Check)
		want  map[string][]string
	}{
		"a local check fails": {
			func(c *probes.Check) { c.Kind, c.Scope = probes.Readiness, probes.Local },
			map[string][]string{
				"": {"SERVING", "NOT_SERVING", "SERVING", "NOT_SERVING"}, "shop.Orders": {"NOT_SERVING", "SERVING", "NOT_SERVING"},
				"readiness": {"NOT_SERVING", "SERVING", "NOT_SERVING"}, "startup": {"NOT_SERVING", "SERVING"}, "liveness": {"SERVING"},
			},
		},
		"a shared check fails open, which is a warning": {
			func(c *probes.Check) { c.Kind, c.Scope = probes.Readiness, probes.Shared },
			map[string][]string{
				"": {"SERVING", "NOT_SERVING", "SERVING"}, "shop.Orders": {"NOT_SERVING", "SERVING"},
				"readiness": {"NOT_SERVING", "SERVING"}, "startup": {"NOT_SERVING", "SERVING"}, "liveness": {"SERVING"},
			},
		},
		"a liveness check fails": {
			func(c *probes.Check) { c.Kind = probes.Liveness },
			map[string][]string{
				"": {"SERVING", "NOT_SERVING", "SERVING"}, "shop.Orders": {"NOT_SERVING", "SERVING"},
				"readiness": {"NOT_SERVING", "SERVING"}, "startup": {"NOT_SERVING", "SERVING"}, "liveness": {"SERVING", "NOT_SERVING"},
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				set, d := newSet(), &diary{}
				check := probes.Check{Name: "check", FailAfter: 1, Run: until(time.Now().Add(time.Minute), broken)}
				tt.check(&check)
				require.NoError(t, set.Add(check))
				follow := grpcprobes.New(set, d.set, grpcprobes.Config{Services: []string{"shop.Orders"}})
				require.NoError(t, follow.Start(t.Context()))
				for service, told := range tt.want {
					require.NotContains(t, d.of(service)[1:], "SERVING", "%q at the start", service)
					require.Contains(t, d.of(service), told[0])
				}

				stop := running(t, set, follow.Run)
				require.NoError(t, set.Ready(t.Context()))
				time.Sleep(2 * time.Minute)
				for service, told := range tt.want {
					require.Equal(t, told, d.of(service), "%q", service)
				}
				stop()
			})
		})
	}
}

func TestDrainIsToldAtOnceAndLivenessLivesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set, d := newSet(), &diary{}
		follow := grpcprobes.New(set, d.set, grpcprobes.Config{})
		require.NoError(t, follow.Start(t.Context()))
		stop := running(t, set, follow.Run)
		require.NoError(t, set.Ready(t.Context()))
		synctest.Wait()
		require.Equal(t, []string{"SERVING", "NOT_SERVING", "SERVING"}, d.of(""))

		require.NoError(t, set.Drain(t.Context()))
		synctest.Wait() // no time has passed
		require.Equal(t, []string{"SERVING", "NOT_SERVING", "SERVING", "NOT_SERVING"}, d.of(""))
		require.Equal(t, []string{"SERVING"}, d.of("liveness"))
		require.Equal(t, []string{"NOT_SERVING", "SERVING"}, d.of("startup"))
		stop()
	})
}

func TestAGreenThatExpiresIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set, d := newSet(), &diary{}
		require.NoError(t, set.Add(probes.Check{
			Name: "disk", Kind: probes.Readiness, Scope: probes.Local, Run: func(context.Context) error { return nil },
		}))
		require.NoError(t, set.Ready(t.Context()))
		follow := grpcprobes.New(set, d.set, grpcprobes.Config{})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- follow.Run(ctx) }()
		checks, stopChecks := context.WithCancel(t.Context())
		stopped := make(chan error, 1)
		go func() { stopped <- set.Run(checks) }()
		synctest.Wait()
		require.Equal(t, []string{"NOT_SERVING", "SERVING"}, d.of("readiness"))
		stopChecks()
		require.NoError(t, <-stopped)
		time.Sleep(time.Minute)
		require.Equal(t, []string{"NOT_SERVING", "SERVING", "NOT_SERVING"}, d.of("readiness"))
		cancel()
		require.NoError(t, <-ended)
	})
}

func TestNothingIsReadyWhenNobodyFollowsAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set, d := newSet(), &diary{}
		require.NoError(t, set.Ready(t.Context()))
		follow := grpcprobes.New(set, d.set, grpcprobes.Config{Services: []string{"shop.Orders"}})
		require.NoError(t, follow.Start(t.Context()))
		running(t, set, follow.Run)()
		require.Equal(t, []string{"SERVING", "NOT_SERVING"}, d.of(""))
		require.Equal(t, []string{"SERVING", "NOT_SERVING"}, d.of("shop.Orders"))
		require.Equal(t, []string{"SERVING"}, d.of("startup"))
		require.Equal(t, []string{"SERVING"}, d.of("liveness"))
	})
}

func TestMistakesAreErrorsOfTheStartAndOfTheRun(t *testing.T) {
	set, d := newSet(), &diary{}
	tests := map[string]struct {
		follow *grpcprobes.Follower[servingStatus]
		want   string
	}{
		"no set":                {grpcprobes.New(nil, d.set, grpcprobes.Config{}), "grpcprobes: follow: the set is nil"},
		"no health server":      {grpcprobes.New[servingStatus](set, nil, grpcprobes.Config{}), "setStatus is nil"},
		"a service of ours":     {grpcprobes.New(set, d.set, grpcprobes.Config{Services: []string{"liveness"}}), `service "liveness" does not follow readiness`},
		"another":               {grpcprobes.New(set, d.set, grpcprobes.Config{Services: []string{"startup"}}), `service "startup" does not follow readiness`},
		"all at once, at first": {grpcprobes.New[servingStatus](nil, nil, grpcprobes.Config{}), "the set is nil"},
		"all at once, at last":  {grpcprobes.New[servingStatus](nil, nil, grpcprobes.Config{}), "setStatus is nil"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			require.ErrorContains(t, tt.follow.Start(t.Context()), tt.want)
			require.ErrorContains(t, tt.follow.Run(t.Context()), tt.want)
		})
	}
	require.Nil(t, d.told)
}

func TestTheNamesThatAreThereAnywayMayBeRepeated(t *testing.T) {
	d := &diary{}
	follow := grpcprobes.New(newSet(), d.set, grpcprobes.Config{Services: []string{"", "readiness", "a", "a"}})
	require.NoError(t, follow.Start(t.Context()))
	require.NoError(t, follow.Start(t.Context()))
	require.Len(t, d.told, 5)
}

func ExampleNew() {
	set := probes.New(probes.Config{Delay: -1})
	told := make(chan servingStatus, 1)
	setServingStatus := func(service string, status servingStatus) { // of health.NewServer() in a program
		if service == "shop.Orders" {
			told <- status
		}
	}
	follow := grpcprobes.New(set, setServingStatus, grpcprobes.Config{Services: []string{"shop.Orders"}})

	ctx, cancel := context.WithCancel(context.Background())
	_ = follow.Start(ctx) // before the server listens
	fmt.Println("starting:", <-told)

	ended := make(chan error)
	go func() { ended <- follow.Run(ctx) }()
	<-told // the same once more
	_ = set.Ready(ctx)
	fmt.Println("serving: ", <-told)
	_ = set.Drain(ctx)
	fmt.Println("draining:", <-told)

	cancel()
	fmt.Println(<-ended)
	// Output:
	// starting: NOT_SERVING
	// serving:  SERVING
	// draining: NOT_SERVING
	// <nil>
}
