package probes

import "fmt"

// Kind is the question that a check helps to answer. The zero value is none:
// a check has to say which.
type Kind int

// The kinds; each has its endpoint.
const (
	Startup   Kind = iota + 1 // has it started? Run until it has passed once, then never again
	Readiness                 // may it have traffic?
	Liveness                  // may it live? A failure has the instance restarted
)

// String is the name that error texts, log records and metrics use.
func (k Kind) String() string {
	switch k {
	case Startup:
		return "startup"
	case Readiness:
		return "readiness"
	case Liveness:
		return "liveness"
	}
	return fmt.Sprintf("Kind(%d)", int(k))
}

// Scope says who is broken when a check fails. A readiness check must say it,
// there is no default: the wrong one either keeps a broken instance in traffic
// or takes out all of them at once (linagora/openrag#915,
// GoogleCloudPlatform/alloydb-auth-proxy#641).
type Scope int

// The scopes.
const (
	Local  Scope = iota + 1 // this instance: the failure counts, the instance leaves
	Shared                  // everybody: after its first pass a failure only warns, as it must not empty the fleet
)

// String is the name that an admin's page uses; empty for none.
func (s Scope) String() string {
	switch s {
	case 0:
		return ""
	case Local:
		return "local"
	case Shared:
		return "shared"
	}
	return fmt.Sprintf("Scope(%d)", int(s))
}

// Impact is what a failure does. The zero value is Critical.
type Impact int

// The impacts.
const (
	Critical  Impact = iota // the probe fails
	Degrading               // the probe warns, with 200: what is missing can be done without
)

// String is the name that an admin's page uses.
func (i Impact) String() string {
	switch i {
	case Critical:
		return "critical"
	case Degrading:
		return "degrading"
	}
	return fmt.Sprintf("Impact(%d)", int(i))
}

// Status is what an endpoint or a check says. It is ordered: a probe is as bad as
// the worst of its checks.
type Status int

// The statuses. Pass and Warn are 200, Fail is 503.
const (
	Pass Status = iota
	Warn        // something fails that does not count
	Fail
)

// String is the word that bodies and metrics use.
func (s Status) String() string {
	if s < Pass || s > Fail {
		return fmt.Sprintf("Status(%d)", int(s))
	}
	return [...]string{"pass", "warn", "fail"}[s]
}
