package guard_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/guard"
)

const ramp = `{"metadata": {"bucketing": "v1"}, "flags": {"new-checkout": {
	"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
	"targeting": {"fractional": [["on", 50], ["off", 50]]}}}}`

type userKey struct{}

// BenchmarkGuard measures with a flag in a rollout, as it is in a ramp; "the flag alone"
// is what of it is the flag.
func BenchmarkGuard(b *testing.B) {
	c := flags.New(flags.Static(ramp), flags.Config{}, newCheckout)
	require.NoError(b, c.Start(b.Context()))
	g, err := guard.New(newCheckout, guard.Config{
		Slow: time.Second, Metrics: map[string]float64{"paid": 0.1},
		Subject: func(ctx context.Context) string { s, _ := ctx.Value(userKey{}).(string); return s },
	})
	require.NoError(b, err)
	ctx := c.Pin(context.WithValue(b.Context(), userKey{}, "ada"), flags.Subject{Key: "ada"})
	fine := func(context.Context) (int, error) { return 1, nil }
	measured := map[string]func(){
		"the flag alone": func() { newCheckout.On(ctx) },
		"Do":             func() { _, _ = guard.Do(ctx, g, fine, fine) },
		"Record ok":      func() { g.Record(ctx, "paid", true) },
		"Record not ok":  func() { g.Record(ctx, "paid", false) },
		"Verdict":        func() { g.Verdict() },
	}
	for name, call := range measured {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			defer cpu(b)()
			for b.Loop() {
				call()
			}
		})
		b.Run(name+" in parallel", func(b *testing.B) {
			b.ReportAllocs()
			defer cpu(b)()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					call()
				}
			})
		})
	}
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody).WithContext(ctx)
	w := httptest.NewRecorder()
	b.Run("Middleware", func(b *testing.B) {
		guarded := g.Middleware(h, h)
		b.ReportAllocs()
		defer cpu(b)()
		for b.Loop() {
			guarded.ServeHTTP(w, r)
		}
	})
}

// cpu reports the processor time of an operation: that of the clock is worth little on
// a machine that others use.
func cpu(b *testing.B) func() {
	var before syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	return func() {
		var after syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &after)
		spent := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
		b.ReportMetric(float64(spent)/float64(b.N), "cpu-ns/op")
	}
}
