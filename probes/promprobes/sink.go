package promprobes

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/handover-go/handover/probes"
)

// sink takes what has been read. Names, reasons and agents are plain ASCII: the set
// sees to it, so that none of the constructors has anything to panic about.
type sink chan<- prometheus.Metric

func (s sink) gauge(desc *prometheus.Desc, value float64, labels ...string) {
	s <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
}

func (s sink) counter(desc *prometheus.Desc, n int64, labels ...string) {
	s <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(n), labels...)
}

// state has a series for each status, so that none comes and goes.
func (s sink) state(desc *prometheus.Desc, is probes.Status, labels ...string) {
	for status := probes.Pass; status <= probes.Fail; status++ {
		value := 0.0
		if status == is {
			value = 1
		}
		s.gauge(desc, value, append(labels, status.String())...)
	}
}

// why has a series only as long as there is a reason: there may be any.
func (s sink) why(desc *prometheus.Desc, reason string, labels ...string) {
	if reason != "" {
		s.gauge(desc, 1, append(labels, reason)...)
	}
}

func (s sink) histogram(desc *prometheus.Desc, took probes.Durations, labels ...string) {
	buckets := map[float64]uint64{}
	for bound, n := range took.Buckets() {
		buckets[bound.Seconds()] = n
	}
	s <- prometheus.MustNewConstHistogram(desc, took.Count, took.Sum.Seconds(), buckets, labels...)
}
