// Package lifecycle starts the parts of a program in order, top down, and stops
// them bottom up within one budget of time.
//
//	start  checks → admin → db → api → ready
//	stop   ready  → api   → db → admin → checks
//	       ├──────────── budget ────────────┤ margin │
//	       signal                                    SIGKILL
//
// Each Component has a place in the list. A place that stops may use all the
// time that is left, less a reserve for those below it; what it does not use
// flows on. Whatever fails, hangs or panics, everything that has started gets
// its turn to stop, once.
//
// The package knows no signals, HTTP or probes, and restarts nothing.
package lifecycle
