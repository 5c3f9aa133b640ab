package flags_test

import (
	"strconv"
	"syscall"
	"testing"

	"github.com/handover-go/handover/flags"
)

const measured = `{
  "metadata": {"bucketing": "v1"},
  "flags": {
    "bool": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on"},
    "rollout": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
      "targeting": {"fractional": [["on", 25], ["off", 75]]}},
    "rules": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
      "targeting": {"if": [
        {"==": [{"var": "country"}, "DE"]}, "on",
        {"in": [{"var": "plan"}, ["gold", "platinum"]]}, "on",
        {"ends_with": [{"var": "email"}, "@example.org"]}, "on",
        {"fractional": [["on", 25], ["off", 75]]}]}}
  }
}`

func BenchmarkEvaluation(b *testing.B) {
	handles := map[string]flags.Switch{
		"bool": flags.Bool("bool", false), "rollout": flags.Bool("rollout", false), "rules": flags.Bool("rules", false),
	}
	c := flags.New(flags.Static(measured), flags.Config{}, handles["bool"], handles["rollout"], handles["rules"])
	if err := c.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	subject := flags.Subject{Key: "user-4711", Attributes: map[string]any{"country": "CH", "plan": "free", "email": "ada@example.com"}}
	ctx := c.Pin(b.Context(), subject)
	for name, flag := range handles {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			defer cpu(b)()
			for b.Loop() {
				flag.On(ctx)
			}
		})
		b.Run(name+" with details", func(b *testing.B) {
			b.ReportAllocs()
			defer cpu(b)()
			for b.Loop() {
				flag.Detail(ctx)
			}
		})
		b.Run(name+" in parallel", func(b *testing.B) {
			b.ReportAllocs()
			defer cpu(b)()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					flag.On(ctx)
				}
			})
		})
	}
}

func BenchmarkPin(b *testing.B) {
	keys := make([]string, 4096)
	for i := range keys {
		keys[i] = "user-" + strconv.Itoa(i)
	}
	for name, share := range map[string]float64{"without": 0, "with": 0.25} {
		c := flags.New(flags.Static(measured), flags.Config{MaxMovement: share})
		if err := c.Start(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.Run(name+" MaxMovement", func(b *testing.B) {
			b.ReportAllocs()
			defer cpu(b)()
			for i := 0; b.Loop(); i++ {
				c.Pin(b.Context(), flags.Subject{Key: keys[i%len(keys)]})
			}
		})
		b.Run(name+" MaxMovement in parallel", func(b *testing.B) {
			b.ReportAllocs()
			defer cpu(b)()
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					c.Pin(b.Context(), flags.Subject{Key: keys[i%len(keys)]})
				}
			})
		})
	}
}

func BenchmarkLoad500(b *testing.B) {
	all := ""
	for i := range 500 {
		if i > 0 {
			all += ","
		}
		all += `"f` + strconv.Itoa(i) + `": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
      "targeting": {"if": [{"==": [{"var": "country"}, "DE"]}, "on", {"fractional": [["on", 25], ["off", 75]]}]}}`
	}
	source := flags.Static(set(all))
	b.ReportAllocs()
	for b.Loop() {
		if err := flags.New(source, flags.Config{}).Start(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
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
