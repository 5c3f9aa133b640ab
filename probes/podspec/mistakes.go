package podspec

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"
)

// mistakes are those in single fields of a budget, before it has its defaults.
func (b Budget) mistakes() error {
	var errs []error
	wrong := func(field string, value any, instead string) {
		errs = append(errs, fmt.Errorf("podspec: budget: %s is %v: give %s", field, value, instead))
	}
	all := map[string]time.Duration{
		"Start": b.Start, "GracePeriod": b.GracePeriod, "Margin": b.Margin, "PreStop": b.PreStop, "Delay": b.Delay,
		"DelayMax": b.DelayMax, "Linger": b.Linger, "LivenessGrace": b.LivenessGrace, "MaxAge": b.MaxAge, "Answer": b.Answer,
	}
	for i, stop := range b.Stops {
		all[fmt.Sprintf("Stops[%d]", i)] = stop
	}
	for _, field := range slices.Sorted(maps.Keys(all)) {
		if all[field] > longest {
			wrong(field, all[field], "at most "+longest.String())
		}
	}
	if b.Start < 0 {
		wrong("Start", b.Start, "the longest that a start may take, as no probe fits one without an end")
	}
	if b.GracePeriod < 0 {
		wrong("GracePeriod", b.GracePeriod, "the time from SIGTERM to SIGKILL, or leave it out for 30 s")
	}
	const path = `^/[A-Za-z0-9._~/-]*$`
	for _, text := range []struct{ field, value, valid string }{ // they are printed as they are, and must not mean anything in YAML
		{"Container", b.Container, `^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`},
		{"AdminPort", b.AdminPort, `^([1-9][0-9]{0,4}|[a-z0-9-]*[a-z][a-z0-9-]*)$`},
		{"StartupPath", b.StartupPath, path},
		{"LivenessPath", b.LivenessPath, path},
		{"ReadinessPath", b.ReadinessPath, path},
	} {
		if text.value != "" && !regexp.MustCompile(text.valid).MatchString(text.value) {
			wrong(text.field, fmt.Sprintf("%q", text.value), "what matches "+text.valid)
		}
	}
	return errors.Join(errs...)
}

// contradictions are those between the fields of a budget that has its defaults.
func (b Budget) contradictions() error {
	var errs []error
	if total, sum := b.stop(); total > b.GracePeriod {
		errs = append(errs, fmt.Errorf("podspec: budget: %s = %s, and GracePeriod is %s: raise it, here and in the program, or lower the others",
			sum, seconds(total), seconds(b.GracePeriod)))
	}
	if b.LivenessPath == b.ReadinessPath {
		errs = append(errs, fmt.Errorf("podspec: budget: LivenessPath and ReadinessPath are both %s: a drain would fail liveness too, "+
			"give each question its own path", b.LivenessPath))
	}
	if least := b.PreStop + time.Second; b.LivenessGrace > 0 && b.LivenessGrace < least {
		errs = append(errs, fmt.Errorf("podspec: budget: LivenessGrace %s leaves nothing for a stop after PreStop %s: give at least %s",
			seconds(b.LivenessGrace), seconds(b.PreStop), seconds(least)))
	}
	if most := b.PreStop + b.GracePeriod; b.LivenessGrace > most {
		errs = append(errs, fmt.Errorf("podspec: budget: LivenessGrace %s is longer than PreStop + GracePeriod = %s: give less, or leave it out",
			seconds(b.LivenessGrace), seconds(most)))
	}
	return errors.Join(errs...)
}
