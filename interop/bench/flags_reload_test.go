//go:build unix && !race

package bench_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags"
)

const (
	reloadEvery = 100 * time.Millisecond
	reloadTurn  = 500 * time.Millisecond
	reloadBatch = 100 // one evaluation is shorter than what the clock can tell
)

// BenchmarkFlagsReload measures what evaluations take while all 500 flags are exchanged
// ten times a second, beside what they take while none is. A sample is a request of one
// goroutine, pinned, that asks for a hundred flags of all kinds; the figures are for one
// evaluation of it.
//
// An operation is a turn of half a second at rest and one with reloads, so that both
// have the same neighbours on the machine. x-p99 is the ratio of the two, and should be
// below 2 where a second processor can do the compiling. For figures: -benchtime 10x.
func BenchmarkFlagsReload(b *testing.B) {
	source := newChanging(flagdDocument(b))
	request := source.client(b)
	samples := map[bool][]time.Duration{}
	for user := 0; b.Loop(); {
		for _, reloads := range []bool{false, true} {
			source.settle()
			runtime.GC() // nobody inherits the other's
			source.reloads.Store(reloads)
			for began := time.Now(); time.Since(began) < reloadTurn; user++ {
				start := time.Now()
				request(user % userCount)
				samples[reloads] = append(samples[reloads], time.Since(start))
			}
			source.reloads.Store(false)
		}
	}
	source.settle()
	require.Greater(b, source.generation.Load(), int64(b.N), "nothing was reloaded")

	percentile := func(reloads bool, of float64) float64 {
		all := samples[reloads]
		return float64(all[int(of*float64(len(all)-1))]) / reloadBatch
	}
	for reloads, name := range map[bool]string{false: "rest", true: "reload"} {
		slices.Sort(samples[reloads])
		b.ReportMetric(percentile(reloads, 0.5), name+"-p50-ns")
		b.ReportMetric(percentile(reloads, 0.99), name+"-p99-ns")
	}
	b.ReportMetric(percentile(true, 0.5)/percentile(false, 0.5), "x-p50")
	b.ReportMetric(percentile(true, 0.99)/percentile(false, 0.99), "x-p99")
	b.ReportMetric(float64(source.generation.Load())/float64(b.N), "reloads/op")
	b.ReportMetric(0, "ns/op") // it is what a turn takes
}

// changing is a source whose documents differ in each flag from the one before.
type changing struct {
	document   []byte
	reloads    atomic.Bool
	generation atomic.Int64 // of the document
	inForce    func() any   // the generation that evaluations see
}

func newChanging(document []byte) *changing { return &changing{document: document} }

func (c *changing) Load(context.Context) (flags.Document, error) {
	state := []byte(`"state":"ENABLED"`)
	generation := fmt.Appendf(nil, `"metadata":{"generation":%d},`, c.generation.Load())
	return flags.Document{JSON: bytes.ReplaceAll(c.document, state, append(generation, state...))}, nil
}

func (c *changing) Watch(ctx context.Context, changed func()) error {
	tick := time.NewTicker(reloadEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if c.reloads.Load() {
				c.generation.Add(1)
				changed()
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// settle returns when the last document is in force.
func (c *changing) settle() {
	for c.inForce() != float64(c.generation.Load()) {
		runtime.Gosched()
	}
}

// client starts one, and returns a request to it.
func (c *changing) client(b *testing.B) (request func(user int)) {
	b.Helper()
	handles := map[kind][]flags.Switch{}
	var all []flags.Handle
	for _, of := range []kind{alwaysOn, alwaysOff, rollout, targeted} {
		handles[of] = switches(of)
		for _, handle := range handles[of] {
			all = append(all, handle)
		}
	}
	var split []flags.Flag[string]
	for _, key := range flagKeys(abc) {
		split = append(split, flags.String(key, ""))
		all = append(all, split[len(split)-1])
	}
	client := flags.New(c, flags.Config{Logger: slog.New(slog.DiscardHandler)}, all...)
	require.NoError(b, client.Start(b.Context()))
	require.NoError(b, client.Check(b.Context()))
	c.inForce = func() any { return client.Metadata("on-0")["generation"] }

	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- client.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		require.NoError(b, <-done)
	})
	subjects := perUser(func(u flagUser) flags.Subject { return flags.Subject{Key: u.id, Attributes: u.attributes()} })
	return func(user int) {
		ctx := client.Pin(b.Context(), subjects[user])
		for flag := user % 5; flag < flagsOfAKind; flag += 5 { // 20 of each kind
			for _, of := range []kind{alwaysOn, alwaysOff, rollout, targeted} {
				handles[of][flag].Detail(ctx)
			}
			split[flag].Detail(ctx)
		}
	}
}
