package droptest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Event is a step of a deployment, for a program that shows progress.
type Event struct {
	At time.Duration // since Roll began
	// What happened: a process was "started", is "ready" (in rotation),
	// "signalled" (SIGTERM), "exited"; or "tick", once a second under load.
	What    string
	Process Process // all but a tick; Status and ExitMS once it has exited

	Requests, Failed int            // so far
	Shares           map[string]int // tick: responses of the last second by version
}

// String is one line.
func (e Event) String() string {
	at := fmt.Sprintf("%6.1f s  ", e.At.Seconds())
	switch e.What {
	case "tick":
		return at + fmt.Sprintf("%d requests, %d failed%s", e.Requests, e.Failed, e.lately())
	case "exited":
		return at + fmt.Sprintf("%s exited: %s%s", e.Process.Name, e.Process.Status, e.Process.took())
	}
	return at + e.Process.Name + " " + e.What
}

// lately is how many responses each version gave in the last second.
func (e Event) lately() string {
	var shares []string
	for _, version := range slices.Sorted(maps.Keys(e.Shares)) {
		shares = append(shares, fmt.Sprintf("%s %d", version, e.Shares[version]))
	}
	if len(shares) == 0 {
		return ""
	}
	return "; last second " + strings.Join(shares, ", ")
}
