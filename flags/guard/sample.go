package guard

import (
	"cmp"
	"slices"
	"time"

	"github.com/handover-go/handover/flags/guard/internal/counts"
)

// Sample is what a Guard has counted in a while. It is a plain value, for JSON as well: a
// few hundred bytes for each second with traffic.
type Sample struct {
	// Slow is from when on a request counted as slow. A Judge of another one passes over
	// what was. 0 if nothing was slow, or it is not known.
	Slow time.Duration `json:"slow,omitempty"`

	// Seconds are by when requests began, and have what is new: a failure comes when
	// its request has ended.
	Seconds []Second `json:"seconds,omitempty"`

	// Ended are the requests that ended, by how long they took.
	Ended Ended `json:"ended,omitzero"`
}

// Second is what is new of the requests that began within one.
type Second struct {
	At     int64            `json:"at"`               // Unix time; 0 for requests that took more than a minute
	Counts map[string]Count `json:"counts,omitempty"` // by metric: errors, slow, or a name of Config.Metrics
}

// Count is what is new of one metric.
type Count struct {
	New     Arm `json:"new,omitzero"`     // the flag is on
	Control Arm `json:"control,omitzero"` // it is off
}

// Ended are the requests of the two arms by how long they took. The keys are buckets: 0 is
// below 8 µs, and from there on are four for each doubling, up to 134 s.
type Ended struct {
	New     map[int]uint64 `json:"new,omitempty"`
	Control map[int]uint64 `json:"control,omitempty"`
}

// kept is how many seconds a Sample that nobody takes grows to.
const kept = 64

// add adds what was counted after it. Beyond what is kept, a second counts as one with
// the one before it.
func (s *Sample) add(more Sample) {
	s.Slow = more.Slow
	for _, second := range more.Seconds {
		i, found := slices.BinarySearchFunc(s.Seconds, second.At, func(have Second, at int64) int { return cmp.Compare(have.At, at) })
		if !found {
			s.Seconds = slices.Insert(s.Seconds, i, Second{At: second.At, Counts: map[string]Count{}})
		}
		s.Seconds[i].add(second)
	}
	for len(s.Seconds) > kept {
		s.Seconds[0].add(s.Seconds[1])
		s.Seconds = slices.Delete(s.Seconds, 1, 2)
	}
	s.Ended.New = addBuckets(s.Ended.New, more.Ended.New)
	s.Ended.Control = addBuckets(s.Ended.Control, more.Ended.Control)
}

// dropSlow forgets what was slow, as something else is from now on.
func (s *Sample) dropSlow() {
	for _, second := range s.Seconds {
		delete(second.Counts, slowName)
	}
}

func (s *Second) add(more Second) {
	for name, n := range more.Counts {
		have := s.Counts[name]
		have.New.add(n.New)
		have.Control.add(n.Control)
		s.Counts[name] = have
	}
}

func (a *Arm) add(more Arm) {
	a.Requests += more.Requests
	a.Failures += more.Failures
}

func addBuckets(to, more map[int]uint64) map[int]uint64 {
	for bucket, n := range more {
		if to == nil {
			to = make(map[int]uint64, len(more))
		}
		to[bucket] += n
	}
	return to
}

// sampled puts what was counted into words. Each request counts for slow as well.
func sampled(t counts.Taken, names []string) (s Sample) {
	for _, second := range t.Seconds {
		named := make(map[string]Count, len(names))
		for row, name := range names {
			fresh := second.Rows[row]
			if name == slowName {
				fresh[counts.New].Begun, fresh[counts.Control].Begun = second.Rows[0][counts.New].Begun, second.Rows[0][counts.Control].Begun
			}
			n := Count{
				New:     Arm{Requests: fresh[counts.New].Begun, Failures: fresh[counts.New].Failed},
				Control: Arm{Requests: fresh[counts.Control].Begun, Failures: fresh[counts.Control].Failed},
			}
			if n != (Count{}) {
				named[name] = n
			}
		}
		s.Seconds = append(s.Seconds, Second{At: second.At, Counts: named})
	}
	slices.SortFunc(s.Seconds, func(a, b Second) int { return cmp.Compare(a.At, b.At) })
	s.Ended = Ended{New: buckets(&t.Ended[counts.New]), Control: buckets(&t.Ended[counts.Control])}
	return s
}

func buckets(of *[counts.Buckets]uint64) (some map[int]uint64) {
	for bucket, n := range of {
		if n > 0 {
			some = addBuckets(some, map[int]uint64{bucket: n})
		}
	}
	return some
}
