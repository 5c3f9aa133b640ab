package main

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/handover-go/handover/dbcompat/promdbcompat"
	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/promflags"
	"github.com/handover-go/handover/probes"
	"github.com/handover-go/handover/probes/promprobes"
	"github.com/handover-go/handover/shutdown"
	"github.com/handover-go/handover/shutdown/promshutdown"
)

// newAnswers has requests by version and code: a canary is judged by its own, beside
// those of the others. The time is that to the answer's first byte, as streams last.
func newAnswers(version string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:        "complete_answer_seconds",
		Help:        "Time to the first byte of an answer; its _count is that of the requests.",
		Buckets:     []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
		ConstLabels: prometheus.Labels{"version": version},
	}, []string{"code"})
}

func counted(answers *prometheus.HistogramVec, next http.Handler) http.Handler {
	return promhttp.InstrumentHandlerTimeToWriteHeader(answers, next)
}

// newRegistry is what Prometheus reads: the answers, and what the packages know.
func newRegistry(answers *prometheus.HistogramVec, api *shutdown.Server, health *probes.Set, fl *flags.Client, users *users) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		answers,
		promshutdown.New(api, promshutdown.Config{Name: "api"}),
		promprobes.New(health, promprobes.Config{}),
		promflags.New(fl, promflags.Config{}),
		promdbcompat.New(users.change, promdbcompat.Config{Name: changeName, Mismatches: &users.compared}),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}
