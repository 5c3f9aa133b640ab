package front

import (
	"maps"
	"slices"
)

// Target is a process behind the balancer.
type Target struct {
	Name, Version string
	API           string // host:port
}

// State is what a balancer is to do.
type State struct {
	Targets []Target
	Weights map[string]int // by version; nil: each process has the same
	Spare   string         // the version that answers what others have not; empty is none
}

func (s State) clone() State {
	return State{slices.Clone(s.Targets), maps.Clone(s.Weights), s.Spare}
}

// Version is that of the target with an address; empty if there is none.
func (s State) Version(api string) string {
	for _, t := range s.Targets {
		if t.API == api {
			return t.Version
		}
	}
	return ""
}

// Sparing reports whether there is a version that is answered for.
func (s State) Sparing() bool {
	return s.Spare != "" && slices.ContainsFunc(s.Targets, func(t Target) bool { return t.Version != s.Spare && s.weight(t.Version) > 0 })
}

func (s State) weight(version string) int {
	if s.Weights == nil {
		return 1
	}
	return s.Weights[version]
}

// PerTarget is the weight of each target, by its name: a version's is for all of its
// targets together, however many there are. They are as small as they can be.
func (s State) PerTarget() map[string]int {
	of, all := s.counts(), 1
	for _, n := range of {
		all *= n
	}
	weights, common := map[string]int{}, 0
	for _, t := range s.Targets {
		w := 1
		if s.Weights != nil {
			w = s.Weights[t.Version] * all / of[t.Version]
		}
		weights[t.Name] = w
		common = divisor(common, w)
	}
	for name := range weights {
		weights[name] /= max(1, common)
	}
	return weights
}

func (s State) counts() map[string]int {
	of := map[string]int{}
	for _, t := range s.Targets {
		of[t.Version]++
	}
	return of
}

// divisor is the greatest that both have.
func divisor(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
