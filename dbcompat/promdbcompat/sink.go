package promdbcompat

import (
	"strings"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/handover-go/handover/dbcompat"
)

// sink takes what has been read. Labels are our own words, so that none of the
// constructors has anything to panic about.
type sink chan<- prometheus.Metric

func (s sink) gauge(desc *prometheus.Desc, value float64, labels ...string) {
	s <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
}

func (s sink) counter(desc *prometheus.Desc, n uint64, labels ...string) {
	s <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(n), labels...)
}

// stages has a series for each stage, so that none comes and goes.
func (s sink) stages(desc *prometheus.Desc, value func(dbcompat.Stage) float64) {
	for stage := dbcompat.Old; stage <= dbcompat.New; stage++ {
		s.gauge(desc, value(stage), stage.String())
	}
}

func one(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

func text(s string) string { return strings.ToValidUTF8(s, string(utf8.RuneError)) }
