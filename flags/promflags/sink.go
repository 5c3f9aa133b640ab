package promflags

import "github.com/prometheus/client_golang/prometheus"

// sink takes what has been read. All labels are UTF-8, see text, so that none of the
// constructors has anything to panic about.
type sink chan<- prometheus.Metric

func (s sink) gauge(desc *prometheus.Desc, value float64, labels ...string) {
	s <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
}

func (s sink) counter(desc *prometheus.Desc, n uint64, labels ...string) {
	s <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(n), labels...)
}

// state has a series in any case, so that it does not come and go.
func (s sink) state(desc *prometheus.Desc, is bool, labels ...string) {
	value := 0.0
	if is {
		value = 1
	}
	s.gauge(desc, value, labels...)
}

// only has a series only as long as it is so: of most flags it never is.
func (s sink) only(desc *prometheus.Desc, is bool, labels ...string) {
	if is {
		s.gauge(desc, 1, labels...)
	}
}
