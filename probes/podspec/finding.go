package podspec

import "fmt"

// A Finding is one thing that is wrong in a manifest.
type Finding struct {
	// Object is the kind and the name of that which has the pod: "Deployment/api".
	Object string
	// Path is that of the field within its document, and Line that in the whole
	// manifest. If the field is missing, it is the line of what should have it.
	Path string
	Line int
	// Rule is the name of what is broken, by which to leave out what you do not
	// mind: number, success-threshold, timeout, answer; no-probes, no-readiness,
	// handler, exec, tcp-socket; startup-path, liveness-path, readiness-path,
	// unknown-port, serving-port, same-probe; startup, no-startup, one-verdict,
	// eager-liveness, readiness-period; grace-period, probe-grace, pre-stop,
	// pre-stop-length, pre-stop-exec; rollout.
	Rule string
	// Message says what is wrong, and what would be right instead.
	Message string
	// Why says what it leads to, with the thread or the source that taught it.
	Why string
}

// String is the whole finding in one line.
func (f Finding) String() string {
	return fmt.Sprintf("line %d: %s: %s %s (%s: %s)", f.Line, f.Object, f.Path, f.Message, f.Rule, f.Why)
}
