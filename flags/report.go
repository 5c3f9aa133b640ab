package flags

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/handover-go/handover/flags/internal/definition"
)

// Report is what a client knows, at one moment.
type Report struct {
	Version   string    // of what is in force
	Origin    Origin    // where that is from
	Confirmed time.Time // when the source last stood by it; zero if never
	Stale     bool      // the source does not stand by it, or has not for Config.StaleAfter
	Frozen    bool      // by Freeze: nothing new comes into force
	Err       error     // of the last questions to the sources, joined; nil if all is well

	Flags   []FlagReport // by key
	Dropped uint64       // exposures that could not wait
}

// FlagReport is what a client knows of a flag.
type FlagReport struct {
	Key      string
	Type     string // boolean, string, number or object; empty of what is only killed
	Declared bool   // New was told of it
	Defined  bool   // the set in force knows it
	Disabled bool   // by its definition
	Killed   string // why Kill has forced it to its default; empty if it has not
	About    About  // as it was declared
	Problem  Code   // why a flag that is declared cannot be evaluated; 0 if it can

	Answers  []Answers // evaluations, by variant and reason
	NoKey    uint64    // rollouts passed over, as the subject had no key
	Unpinned uint64    // evaluations where no client that has the flag had pinned anything, of all clients together
}

// Answers is how often a flag had one answer since the client was made.
type Answers struct {
	Variant string // empty for the default
	Reason  Reason
	Count   uint64 // evaluations
}

// Report tells what is in force. It may be called at any time.
func (c *Client) Report() Report {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := c.view.Load()
	r := Report{
		Version: v.version, Origin: c.store.origin, Confirmed: c.store.confirmed.at(),
		Stale: c.status() == Stale, Frozen: c.frozen, Err: c.problems(),
	}
	if c.exposures != nil {
		r.Dropped = c.exposures.dropped.Load()
	}
	flags := map[string]*FlagReport{}
	for key, e := range v.all {
		flags[key] = &FlagReport{Key: key, Type: typeOf(e.flag.Kind), Defined: true, Disabled: e.flag.Disabled}
	}
	for i, d := range c.handles {
		f := flags[d.key]
		if f == nil {
			f = &FlagReport{Key: d.key, Type: typeOf(d.kind)}
			flags[d.key] = f
		}
		f.Declared, f.About, f.Problem, f.Unpinned = true, d.about, codeOf(v.entries[i].code), d.unpinned.Load()
	}
	for key, s := range c.switches {
		if flags[key] == nil && s.bits.Load()&killedHere != 0 { // by the environment, and its flag may come
			flags[key] = &FlagReport{Key: key}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(flags)) {
		c.count(flags[key])
		r.Flags = append(r.Flags, *flags[key])
	}
	return r
}

// count fills in what has been counted. c.mu is held.
func (c *Client) count(f *FlagReport) {
	if s := c.switches[f.Key]; s != nil && s.bits.Load()&killedHere != 0 {
		f.Killed = cmp.Or(s.why, "no reason given")
	}
	l := c.ledgers[f.Key]
	if l == nil {
		return
	}
	f.NoKey = l.skipped.Load()
	for a, n := range l.sum() {
		f.Answers = append(f.Answers, Answers{Variant: a.variant, Reason: a.reason, Count: n})
	}
	slices.SortFunc(f.Answers, func(a, b Answers) int {
		return cmp.Or(cmp.Compare(a.Variant, b.Variant), cmp.Compare(a.Reason, b.Reason))
	})
}

func typeOf(k definition.Kind) string {
	return map[definition.Kind]string{
		definition.Bool: "boolean", definition.String: "string", definition.Number: "number", definition.Object: "object",
	}[k]
}
