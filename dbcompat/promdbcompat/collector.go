package promdbcompat

import (
	"cmp"
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/change"
)

// Config names the change.
type Config struct {
	// Name is the value of the label change; two changes in one registry need two.
	// Default "change".
	Name string

	// Mismatches are those that the program's reads count; by default there are none.
	Mismatches *dbcompat.Mismatches
}

// Collector is a prometheus.Collector of what this instance does in a change. It is safe
// for concurrent use, and may be made and registered at any time.
type Collector struct {
	change *change.Change
	config Config

	stage, epoch, acknowledged, joined, held, ready, failing *prometheus.Desc
	left, pins, compared, mismatches                         *prometheus.Desc
}

// New returns a Collector of ch. A nil one is an error of each scrape.
func New(ch *change.Change, config Config) *Collector {
	desc := describe(config.Name)
	return &Collector{
		change:       ch,
		config:       config,
		stage:        desc("stage", "1 for the stage of new transactions.", "stage"),
		epoch:        desc("epoch", "The moves of the change that the instance has seen, and 1."),
		acknowledged: desc("acknowledged_epoch", "The epoch before which the instance has no transaction."),
		joined:       desc("joined", "1 if the instance is in the database, as far as it knows."),
		held:         desc("held", "1 if the lease may be relied on; otherwise the change is fenced here."),
		ready:        desc("ready", "1 if the readiness check passes."),
		failing:      desc("failing", "1 if the last renewal, or attempt to join, brought an error."),
		left:         desc("lease_left_seconds", "How long the lease may be relied on if no renewal gets through."),
		pins:         desc("pins", "Open transactions, of the present epoch and of those before, which hold up the acknowledgement.", "era"),
		compared:     desc("compared_total", "Rows whose old and new columns were compared when they were read."),
		mismatches:   desc("mismatches_total", "Rows that were read and whose old and new columns differed."),
	}
}

// describe names metrics. All labels are UTF-8: Prometheus takes nothing else.
func describe(change string) func(name, help string, labels ...string) *prometheus.Desc {
	return func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("handover_dbcompat_"+name, help, labels, prometheus.Labels{"change": text(cmp.Or(change, "change"))})
	}
}

// Describe is for the registry.
func (c *Collector) Describe(to chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{
		c.stage, c.epoch, c.acknowledged, c.joined, c.held, c.ready, c.failing, c.left, c.pins, c.compared, c.mismatches,
	} {
		to <- desc
	}
}

// Collect is for the registry. It reads memory, and asks no database.
func (c *Collector) Collect(to chan<- prometheus.Metric) {
	if c.change == nil {
		to <- prometheus.NewInvalidMetric(c.stage, errors.New("promdbcompat: collect: New was given a nil Change"))
		return
	}
	out, status := sink(to), c.change.Status()
	out.stages(c.stage, func(s dbcompat.Stage) float64 { return one(s == status.Stage) })
	out.gauge(c.epoch, float64(status.Epoch))
	out.gauge(c.acknowledged, float64(status.Acknowledged))
	out.gauge(c.joined, one(status.Joined))
	out.gauge(c.held, one(status.Held))
	out.gauge(c.ready, one(status.NotReady == nil))
	out.gauge(c.failing, one(status.Err != nil))
	out.gauge(c.left, max(0, status.Left.Seconds()))
	out.gauge(c.pins, float64(status.Pins-status.Earlier), "present")
	out.gauge(c.pins, float64(status.Earlier), "earlier")
	if c.config.Mismatches != nil {
		compared, differ := c.config.Mismatches.Counts()
		out.counter(c.compared, compared)
		out.counter(c.mismatches, differ)
	}
}
