package lifecycle

import "strconv"

// State is where the app, or one of its components, is. It only ever grows.
type State int

// A component is Running from the moment its Start has returned nil, and Failed
// when it is over and there was an error; the app likewise.
const (
	StateNew State = iota
	StateStarting
	StateRunning
	StateStopping
	StateTerminated
	StateFailed
)

// String returns the state in lower case, such as "running".
func (s State) String() string {
	return name(int(s), "new", "starting", "running", "stopping", "terminated", "failed")
}

// MarshalText makes a state its name in JSON.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Outcome is how a component ended. The later in the list, the worse; what went
// wrong first and less badly is still in the errors.
type Outcome int

// OutcomeNone is the outcome of a component that is not over yet.
const (
	OutcomeNone       Outcome = iota
	OutcomeNotStarted         // its turn never came, or it gave up when it was told to
	OutcomeStopped
	OutcomeFailed    // an error, a panic or runtime.Goexit
	OutcomeTimedOut  // it returned an error when its time was over
	OutcomeAbandoned // it did not return at all: its goroutine is still there
)

// String returns the outcome in lower case, such as "timed out".
func (o Outcome) String() string {
	return name(int(o), "", "not started", "stopped", "failed", "timed out", "abandoned")
}

// MarshalText makes an outcome its name in JSON.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

func name(i int, names ...string) string {
	if i < 0 || i >= len(names) {
		return "unknown " + strconv.Itoa(i)
	}
	return names[i]
}
