package ramp

import (
	"slices"

	"github.com/handover-go/handover/flags/guard"
)

// together is the name that the verdict on all members has beside theirs.
const together = "all together"

// take is what the guards have counted and the store has not got. While there is something
// that it has not, they go on counting for the next time. m.mu is held.
func (m *Member) take() []Sample {
	if len(m.samples) > 0 {
		return m.samples
	}
	for key, w := range m.guards {
		if w.fleet == nil {
			continue
		}
		var s guard.Sample
		careful(func() { s = w.guard.(sampler).Take() })
		// Of seconds in which nothing was, as there are most, nobody needs to know.
		s.Seconds = slices.DeleteFunc(s.Seconds, func(s guard.Second) bool { return len(s.Counts) == 0 })
		if len(s.Seconds) > 0 || len(s.Ended.New)+len(s.Ended.Control) > 0 {
			m.number++
			m.samples = append(m.samples, Sample{Number: m.number, Key: key, Sample: s})
		}
	}
	return m.samples
}

// weigh judges what all have counted, each sample once. m.mu is held.
func (m *Member) weigh(samples []Sample) {
	for _, s := range samples {
		m.after = max(m.after, s.Number)
		if w := m.guards[s.Key]; w != nil && w.fleet != nil {
			w.fleet.Add(s.Sample)
		}
	}
	for key, w := range m.guards {
		if w.fleet == nil {
			continue
		}
		if v := w.fleet.Verdict(); v.State == guard.Tripped {
			m.trips(key, w, "all instances together: "+v.Why)
		}
	}
}

// evidence are verdicts, with that on all members. m.mu is held.
func (m *Member) evidence(key string, verdicts map[string]Guarded) map[string]Guarded {
	if w := m.guards[key]; w != nil && w.fleet != nil && m.after > 0 {
		verdicts[together] = Guarded{Verdict: finite(w.fleet.Verdict())}
	}
	return verdicts
}
