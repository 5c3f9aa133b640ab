// Package handover is the map of a library that makes a deployment lose
// nothing. The package itself is empty: import the rooms.
//
//   - [github.com/handover-go/handover/lifecycle]: in what order, within what
//     time? Components, the one budget of a stop, the roll-back of a failed
//     start.
//   - [github.com/handover-go/handover/shutdown]: how does this thing stop
//     without losing anything? Signals, HTTP servers, work in flight.
//   - [github.com/handover-go/handover/probes]: may I have traffic, may I live,
//     have I started? Checks in the background, three endpoints, the drain.
//   - [github.com/handover-go/handover/flags]: which behaviour does this user
//     get? Declared flags, one version for a request, kills.
//   - [github.com/handover-go/handover/dbcompat]: which column is written, and
//     which is believed? Stages, back-fill, safe DDL.
//   - [github.com/handover-go/handover/shutdown/droptest]: does a deployment of
//     this program lose anything? Real processes behind a balancer, under load.
//
// No room imports another. They meet in main as func(context.Context) error,
// usually as method values, so that a program can take one and nothing else.
//
// A program is an ordered list of places. It starts top down and stops bottom
// up, hence readiness is the last to come and the first to go:
//
//	start  checks → admin → api → ready
//	stop   ready → api → admin → checks
//
// What holds everywhere: from SIGTERM on the process says that it is not ready
// while it still serves, it closes nothing before the other side has gone, and
// it ends within the grace period of the platform.
//
// handover supervises no processes, moves no traffic and migrates no schema:
// Kubernetes, a balancer and your migration tool do.
package handover
