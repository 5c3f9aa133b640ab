package detail

import (
	"encoding/json"
	"time"
)

// Report is all that there is to show.
type Report struct {
	Endpoints []Endpoint // startup, readiness and liveness
	Asked     []Asked
}

// Endpoint is one of the three and what it is made of.
type Endpoint struct {
	Kind     string           `json:"-"`
	Status   string           `json:"status"`
	Reason   string           `json:"reason,omitempty"`
	Checks   map[string]Check `json:"checks"`
	Excluded []string         `json:"excluded,omitempty"` // as if they were not there
	Unknown  []string         `json:"unknown,omitempty"`  // asked to be excluded, and not there
}

// Check is one check, gate or toggle.
type Check struct {
	Order     int              `json:"-"`
	Status    string           `json:"status"`
	Reason    string           `json:"reason,omitempty"`
	Error     string           `json:"error,omitempty"`
	Scope     string           `json:"scope,omitempty"`
	Impact    string           `json:"impact"`
	FailsOpen bool             `json:"fail_open,omitempty"`
	DependsOn []string         `json:"depends_on,omitempty"`
	Done      int              `json:"done,omitempty"`
	Total     int              `json:"total,omitempty"`
	Since     Time             `json:"since"` // it has said what it says
	Age       Time             `json:"age,omitzero"`
	Took      Time             `json:"took,omitzero"` // the last run
	InFlight  Time             `json:"in_flight,omitzero"`
	Runs      map[string]int64 `json:"runs,omitempty"`
}

// Asked is one kind of prober.
type Asked struct {
	Agent, Kind string
	OK          bool
	N           int64
	Ago         Time
}

// Time is a duration that a person reads: three digits and a unit.
type Time time.Duration

func (t Time) String() string {
	unit := time.Nanosecond
	for unit <= time.Duration(t)/1000 {
		unit *= 10
	}
	return time.Duration(t).Round(unit).String()
}

// MarshalText is its form in JSON.
func (t Time) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// JSON shows a Check or an Endpoint.
func JSON[T Check | Endpoint](shown T) []byte {
	body, err := json.MarshalIndent(shown, "", "  ")
	if err != nil {
		return []byte(`{"status":"fail"}`) // texts and numbers: there is nothing that could fail
	}
	return append(body, '\n')
}
