package droptest

import (
	"fmt"
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
		return at + fmt.Sprintf("%d requests, %d failed; last second %v", e.Requests, e.Failed, e.Shares)
	case "exited":
		return at + fmt.Sprintf("%s exited: %s%s", e.Process.Name, e.Process.Status, e.Process.took())
	}
	return at + e.Process.Name + " " + e.What
}
