// Package probes answers: has the program started, may it live, may it have traffic?
//
// Probes read, checks run. Run carries out each [Check] in the background and
// publishes one finished answer per endpoint; a probe loads and writes it. So no
// prober waits for a check, multiplies its load or, by hanging up, decides it.
//
//	            starting      serving                draining
//	/startupz   503           200                    200
//	/readyz     503           by readiness checks    503
//	/livez      200, but 503 while a liveness check fails; /healthz is the same
//
// Serving begins when Ready has sealed the set and all of startup has passed once,
// checks and gates; draining begins with Drain. The invariant: every green expires.
// A verdict older than its check's MaxAge is a failure, judged when it is read, so
// that a scheduler that has died keeps no broken instance in traffic.
//
// Who is broken decides what a failure does: a Local check takes this instance out,
// a Shared one warns, since its failure would take out all. Neither belongs on
// liveness if it dials; heartbeats do (package watchdog). A [Gate] waits for what
// the start needs, a [Toggle] is switched by a person.
//
// The package starts no server. Give the handler a port of its own that stops
// last, without authentication: a kubelet takes most redirects for a success.
// AdminHandler is for people, and has the texts of errors.
package probes
