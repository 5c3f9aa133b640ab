package heptioprobes

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/handover-go/handover/probes"
)

// Collector is a prometheus.Collector of the series that the original's
// NewMetricsHandler has, for dashboards and alerts that there are:
//
//	<namespace>_healthcheck_status{check="database"}    0 is healthy, 1 is not
//
// It has one for each check that /ready?full=1 shows. Unlike the original it reads
// verdicts: a scrape runs no check. New dashboards are better off with promprobes.
type Collector struct {
	handler *Handler
	desc    *prometheus.Desc
}

// Collector returns the old series, to be registered by whoever wants them. The
// namespace may be empty; two handlers in one registry need two. Where the original
// panics it is Register that returns an error.
func (h *Handler) Collector(namespace string) *Collector {
	return &Collector{h, prometheus.NewDesc(
		prometheus.BuildFQName(namespace, "healthcheck", "status"),
		"Current check status (0 indicates success, 1 indicates failure)", []string{"check"}, nil)}
}

// Describe is for the registry.
func (c *Collector) Describe(to chan<- *prometheus.Desc) { to <- c.desc }

// Collect is for the registry.
func (c *Collector) Collect(to chan<- prometheus.Metric) {
	for _, l := range c.handler.lines(probes.Readiness) {
		if l.name == whole {
			continue
		}
		status := 0.0
		if l.err != nil {
			status = 1
		}
		metric, err := prometheus.NewConstMetric(c.desc, prometheus.GaugeValue, status, l.name)
		if err != nil {
			metric = prometheus.NewInvalidMetric(c.desc, err)
		}
		to <- metric
	}
}
