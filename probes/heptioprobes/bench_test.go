package heptioprobes_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/heptiolabs/healthcheck"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/probes/heptioprobes"
)

type subject struct {
	name    string
	handler healthcheck.Handler
}

// Ten checks that do nothing, so what is left is the handler.
func subjects(b *testing.B) []subject {
	set := quiet()
	ours, original := heptioprobes.New(set, heptioprobes.Config{}), healthcheck.NewHandler()
	for i := range 10 {
		ours.AddReadinessCheck(fmt.Sprintf("check-%d", i), good)
		original.AddReadinessCheck(fmt.Sprintf("check-%d", i), good)
	}
	require.NoError(b, set.Ready(b.Context()))
	b.Cleanup(background(b, set))
	for ask(ours, http.MethodGet, "/ready").Code != http.StatusOK {
		<-time.After(time.Millisecond)
	}
	return []subject{{"ours", ours}, {"original", original}}
}

func BenchmarkReady(b *testing.B) {
	for _, s := range subjects(b) {
		for _, target := range []string{"/ready", "/ready?full=1"} {
			b.Run(s.name+target, func(b *testing.B) {
				r, w := httptest.NewRequest(http.MethodGet, target, nil), &reused{header: http.Header{}}
				b.ReportAllocs()
				for b.Loop() {
					s.handler.ServeHTTP(w, r)
				}
			})
		}
	}
}

func BenchmarkReadyParallel(b *testing.B) {
	for _, s := range subjects(b) {
		b.Run(s.name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				r, w := httptest.NewRequest(http.MethodGet, "/ready", nil), &reused{header: http.Header{}}
				for pb.Next() {
					s.handler.ServeHTTP(w, r)
				}
			})
		})
	}
}

// reused is a ResponseWriter that costs nothing of its own.
type reused struct{ header http.Header }

func (w *reused) Header() http.Header         { return w.header }
func (w *reused) Write(p []byte) (int, error) { return len(p), nil }
func (w *reused) WriteHeader(int)             {}
