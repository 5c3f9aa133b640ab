package guard

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// State is what a Verdict comes to.
type State uint8

// The states.
const (
	Holding State = iota // too little is known to go on: Config.Least requests have not ended yet
	Passing              // enough is known, and nothing speaks against the new path
	Tripped              // the new path hurts; for good
)

// String is the state in a word.
func (s State) String() string {
	words := [...]string{"holding", "passing", "tripped"}
	if int(s) < len(words) {
		return words[s]
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

// MarshalText is String, for JSON.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what String gives of the three.
func (s *State) UnmarshalText(text []byte) error {
	for _, state := range []State{Holding, Passing, Tripped} {
		if state.String() == string(text) {
			*s = state
			return nil
		}
	}
	return fmt.Errorf(`guard: state %.20q: there are "holding", "passing" and "tripped"`, text)
}

// Verdict is what a Guard, or a Judge, makes of what it has seen. It is a plain value.
type Verdict struct {
	State State // of all Metrics together: one that has tripped is enough

	// Why is a line for people: errors of the new arm: 9 of 61, bound 1%, evidence
	// 1,350 of 1,000.
	Why string

	// Step is how many requests of the new arm have ended since the step began, and
	// Least how many it takes to pass.
	Step, Least uint64

	Metrics      []Metric // errors, slow if it is tested, then those of Config.Metrics by name
	New, Control Latency  // since the Guard, or the Judge, was made
}

// Metric is the state of one test. The numbers are those since the Guard was made,
// or got other bounds.
type Metric struct {
	Name         string  // errors, slow, or a name of Config.Metrics
	New, Control Arm     // what is on, and what is off
	Bound        float64 // the largest share of failures that is accepted, from 0 to 1

	// Evidence is the capital of a gambler who began with 1 and bets that the bound is
	// broken. In a fair game it reaches Threshold with a probability of at most
	// 1/Threshold, ever.
	Evidence, Threshold float64

	Tripped bool // Evidence has reached Threshold once
}

// String is the metric in a line.
func (m Metric) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s of the new arm: %s of %s", m.Name, thousands(m.New.Failures), thousands(m.New.Requests))
	if m.Control.Requests > 0 {
		fmt.Fprintf(&s, ", of the control arm: %s of %s", thousands(m.Control.Failures), thousands(m.Control.Requests))
	}
	if m.Bound > 0 {
		fmt.Fprintf(&s, ", bound %s%%, evidence %s of %s", strconv.FormatFloat(m.Bound*100, 'g', 4, 64), amount(m.Evidence), amount(m.Threshold))
	}
	return s.String()
}

// amount is a capital for people: 0.03, 1,350, 8.2e+12.
func amount(x float64) string {
	if x < 10 || x >= 1e9 {
		return strconv.FormatFloat(x, 'g', 2, 64)
	}
	return thousands(uint64(x))
}

// thousands is a number for people: 1,350.
func thousands(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Arm is what was counted of one side of the flag.
type Arm struct {
	Requests uint64 `json:"requests,omitempty"` // that have begun
	Failures uint64 `json:"failures,omitempty"` // one per subject and second at most
}

// Latency is how long the requests of an arm took that have ended. The two are right to
// within an eighth.
type Latency struct {
	Ended    uint64        // requests
	P50, P99 time.Duration // 0 if none has ended
}
