package heptioprobes

import (
	"fmt"
	"slices"

	"github.com/heptiolabs/healthcheck"

	"github.com/handover-go/handover/probes"
)

// Peek is a check, gate or toggle of the set as a check of the original: it reads
// the verdict and runs nothing, so whatever takes a healthcheck.Check may call it.
// The error has the public reason as its text and the check's error as its cause;
// healthcheck.ErrNoData says that it was not run yet. What only warns is nil. The
// name is looked up at each call.
func Peek(set *probes.Set, name string) healthcheck.Check {
	return func() error {
		if set == nil {
			return fmt.Errorf("heptioprobes: peek %q: the set is nil", name)
		}
		checks := set.Report().Checks
		i := slices.IndexFunc(checks, func(c probes.CheckReport) bool { return c.Name == name })
		if i < 0 {
			return fmt.Errorf("heptioprobes: peek %q: the set has nothing of that name", name)
		}
		if checks[i].Reason == "pending" { // of liveness too, which counts as a pass
			return healthcheck.ErrNoData
		}
		return verdict(checks[i], false)
	}
}
