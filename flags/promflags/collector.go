package promflags

import (
	"cmp"
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/handover-go/handover/flags"
)

// Config names the client, and bounds its series. The zero value is valid.
type Config struct {
	// Name is the value of the label client; two clients in one registry need two.
	// Default "client".
	Name string

	// MaxFlags is how many flags have series. Those that are declared go first, then
	// those that had some before. Default 1,000; negative is none.
	MaxFlags int

	// MaxVariants is how many variants of one flag have series of their own. Default
	// 32; negative is none, and all are "other".
	MaxVariants int
}

// Collector is a prometheus.Collector of one client. It is safe for concurrent use, and
// may be made and registered at any time.
type Collector struct {
	client *flags.Client
	cfg    Config

	info, age, stale, frozen, failing, dropped, omitted *prometheus.Desc
	evaluations, noKey, unpinned                        *prometheus.Desc
	killed, expired, problem                            *prometheus.Desc

	mu     sync.Mutex // scrapes may overlap, and a later one must not show less
	places places
}

// New returns a Collector of client. A nil client is an error of each scrape.
func New(client *flags.Client, cfg Config) *Collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("handover_flags_"+name, help, labels, prometheus.Labels{"client": text(cmp.Or(cfg.Name, "client"))})
	}
	return &Collector{
		client:      client,
		cfg:         Config{Name: cfg.Name, MaxFlags: limit(cfg.MaxFlags, 1000), MaxVariants: limit(cfg.MaxVariants, 32)},
		info:        desc("info", "1 for the set that is in force.", "version", "origin"),
		age:         desc("age_seconds", "How long ago the source stood by what is in force."),
		stale:       desc("stale", "1 if the source does not stand by what is in force, or nothing is."),
		frozen:      desc("frozen", "1 if nothing new is let into force."),
		failing:     desc("failing", "1 if the last question to a source brought an error."),
		dropped:     desc("exposures_dropped_total", "Exposures that could not wait to be told."),
		omitted:     desc("omitted", "Flags that have no series, as there are too many."),
		evaluations: desc("evaluations_total", "Evaluations by variant, which is empty for the default, and by reason.", "flag", "variant", "reason"),
		noKey:       desc("no_key_total", "Rollouts that were passed over, as the subject had no key.", "flag"),
		unpinned:    desc("unpinned_total", "Evaluations where nothing was pinned.", "flag"),
		killed:      desc("killed", "1 while the flag is forced to its default in this process.", "flag"),
		expired:     desc("expired", "1 from the day on which the flag should be gone.", "flag"),
		problem:     desc("problem", "1 for why a flag that is declared cannot be evaluated.", "flag", "code"),
		places:      places{},
	}
}

// limit is a number, its default for 0, or 0 for none.
func limit(n, otherwise int) int { return max(0, cmp.Or(n, otherwise)) }

// Describe is for the registry.
func (c *Collector) Describe(to chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{
		c.info, c.age, c.stale, c.frozen, c.failing, c.dropped, c.omitted,
		c.evaluations, c.noKey, c.unpinned, c.killed, c.expired, c.problem,
	} {
		to <- desc
	}
}

// Collect is for the registry. It reads memory, and asks no source.
func (c *Collector) Collect(to chan<- prometheus.Metric) {
	if c.client == nil {
		to <- prometheus.NewInvalidMetric(c.info, errors.New("promflags: collect: New was given a nil client"))
		return
	}
	out, now := sink(to), time.Now()
	report, chosen := c.report()
	out.gauge(c.info, 1, text(report.Version), report.Origin.String())
	if !report.Confirmed.IsZero() {
		out.gauge(c.age, max(0, now.Sub(report.Confirmed).Seconds()))
	}
	out.state(c.stale, report.Stale || report.Version == "")
	out.state(c.frozen, report.Frozen)
	out.state(c.failing, report.Err != nil)
	out.counter(c.dropped, report.Dropped)
	out.gauge(c.omitted, float64(len(report.Flags)-len(chosen)))
	for _, f := range chosen {
		c.flag(out, f, now)
	}
}

func (c *Collector) flag(out sink, f series, now time.Time) {
	for a, n := range f.counts {
		out.counter(c.evaluations, n, f.label, a.variant, a.reason.String())
	}
	out.counter(c.noKey, f.NoKey, f.label)
	if f.Declared {
		out.counter(c.unpinned, f.Unpinned, f.label)
	}
	out.only(c.killed, f.Killed != "", f.label)
	out.only(c.expired, f.About.Expires != "" && now.Format(time.DateOnly) >= f.About.Expires, f.label)
	out.only(c.problem, f.Problem != 0, f.label, f.Problem.String())
}

// report is what the client knows, and the flags that have series. Which those are is
// decided by one scrape after the other.
func (c *Collector) report() (flags.Report, []series) {
	c.mu.Lock()
	defer c.mu.Unlock()
	report := c.client.Report()
	return report, c.places.choose(report.Flags, c.cfg)
}
