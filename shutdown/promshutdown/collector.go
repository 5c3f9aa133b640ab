package promshutdown

import (
	"cmp"
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/handover-go/handover/shutdown"
)

// Config names the server.
type Config struct {
	// Name is the value of the label server; two servers in one registry need two.
	// Default "server".
	Name string
}

// Collector is a prometheus.Collector of one server. It is safe for concurrent
// use, and may be made and registered before the server listens.
type Collector struct {
	server *shutdown.Server

	inFlight, connections, step, lastNew, requests, closed, cut *prometheus.Desc
}

// New returns a Collector of server. A nil one is an error of each scrape.
func New(server *shutdown.Server, cfg Config) *Collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("handover_shutdown_"+name, help, labels, prometheus.Labels{"server": cmp.Or(cfg.Name, "server")})
	}
	return &Collector{
		server:      server,
		inFlight:    desc("requests_in_flight", "Requests that are being answered."),
		connections: desc("connections", "Open connections by what they are doing.", "state"),
		step:        desc("step_seconds", "When each step of the stop came, since the signal.", "step"),
		lastNew:     desc("last_new_seconds", "When the last first request on a new connection came, since the signal; 0 if none came."),
		requests:    desc("requests", "Requests that were answered since the stop began.", "outcome"),
		closed:      desc("connections_closed", "Connections that the server sent away.", "reason"),
		cut:         desc("cut", "What was still in flight at the deadline.", "kind"),
	}
}

// Describe is for the registry.
func (c *Collector) Describe(to chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{c.inFlight, c.connections, c.step, c.lastNew, c.requests, c.closed, c.cut} {
		to <- desc
	}
}

// Collect is for the registry.
func (c *Collector) Collect(to chan<- prometheus.Metric) {
	if c.server == nil {
		to <- prometheus.NewInvalidMetric(c.inFlight, errors.New("promshutdown: collect: New was given a nil server"))
		return
	}
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}

	open := c.server.Connections()
	gauge(c.inFlight, float64(open.Requests))
	gauge(c.connections, float64(open.New), "new")
	gauge(c.connections, float64(open.Reading), "reading")
	gauge(c.connections, float64(open.Active), "active")
	gauge(c.connections, float64(open.Idle), "idle")
	gauge(c.connections, float64(open.Hijacked), "hijacked")

	report := c.server.Report()
	if len(report.Steps) == 0 {
		return // it has not stopped
	}
	for _, step := range report.Steps {
		gauge(c.step, step.At.Seconds(), step.Name)
	}
	gauge(c.lastNew, report.LastNew.Seconds())
	gauge(c.requests, float64(report.Finished-report.Refused), "finished")
	gauge(c.requests, float64(report.Refused), "refused")
	gauge(c.closed, float64(report.GivenUp), "given_up")
	gauge(c.closed, float64(report.Told), "told")
	for kind, n := range kinds(report.Cut) {
		gauge(c.cut, n, kind)
	}
}

// kinds counts what was cut. A told one was asked, whatever else it is.
func kinds(cuts []shutdown.Cut) map[string]float64 {
	n := map[string]float64{"request": 0, "hijacked": 0, "told": 0}
	for _, cut := range cuts {
		switch {
		case cut.Told:
			n["told"]++
		case cut.Hijacked:
			n["hijacked"]++
		default:
			n["request"]++
		}
	}
	return n
}
