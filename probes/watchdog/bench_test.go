package watchdog_test

import (
	"testing"
	"time"

	"github.com/handover-go/handover/probes/watchdog"
)

func watched(b *testing.B) *watchdog.Dog {
	dog := watchdog.New(watchdog.Config{})
	b.Cleanup(background(b.Context(), b, dog.Run))
	return dog
}

func BenchmarkBeat(b *testing.B) {
	loop := watched(b).Heartbeat("loop", time.Hour)
	b.ReportAllocs()
	for b.Loop() {
		loop.Beat()
	}
}

func BenchmarkBeatParallel(b *testing.B) {
	b.Run("each its own", func(b *testing.B) {
		dog := watched(b)
		b.RunParallel(func(pb *testing.PB) {
			loop := dog.Heartbeat("loop", time.Hour)
			for pb.Next() {
				loop.Beat()
			}
		})
	})
	b.Run("all the same", func(b *testing.B) {
		loop := watched(b).Heartbeat("loop", time.Hour)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				loop.Beat()
			}
		})
	})
}

// A worker that waits for each job.
func BenchmarkPauseAndBeat(b *testing.B) {
	loop := watched(b).Heartbeat("loop", time.Hour)
	for b.Loop() {
		loop.Pause()
		loop.Beat()
	}
}

func BenchmarkCheck(b *testing.B) {
	loop := watched(b).Heartbeat("loop", time.Hour)
	check := loop.Check()
	b.ReportAllocs()
	for b.Loop() {
		_ = check.Run(b.Context())
	}
}
