package podspec

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/handover-go/handover/probes/podspec/internal/manifest"
)

// Lint returns everything in a manifest that does not fit the budget, or that no
// program could live with, by line. The manifest is YAML or JSON and may have many
// documents. Whatever has a pod is looked at, in a List too; what has none, such as
// a Service, is passed over.
//
// The error is what could not be read, or the mistakes in the budget; a manifest
// without a pod, or without the container, is one. There may be findings beside it.
func (b Budget) Lint(text []byte) ([]Finding, error) {
	b, err := b.complete()
	if err != nil {
		return nil, err
	}
	objects, unread := manifest.Read(text)
	pods, missing := b.pods(objects)
	var findings []Finding
	for _, p := range pods {
		findings = append(findings, p.lint()...)
	}
	slices.SortStableFunc(findings, func(a, b Finding) int { return cmp.Compare(a.Line, b.Line) })
	return findings, errors.Join(unread, missing)
}

// lint goes through the rules. Those about single numbers are the first: of one
// that the API refuses there is nothing more to say.
func (p *pod) lint() []Finding {
	var findings []Finding
	refused := map[string]bool{}
	for _, r := range rules() {
		r.check(p, func(at manifest.Field, format string, args ...any) {
			if refused[at.Path] {
				return
			}
			refused[at.Path] = r.name == number
			findings = append(findings, Finding{
				Object: p.object.Name, Path: at.Path, Line: at.Line,
				Rule: r.name, Message: fmt.Sprintf(format, args...), Why: r.why,
			})
		})
	}
	return findings
}

// A rule is one thing that a pod can do wrong, and what comes of it.
type rule struct {
	name, why string
	check     func(*pod, report)
}

// report says what is wrong with a field, and what would be right instead.
type report func(at manifest.Field, format string, args ...any)

func rules() []rule {
	return slices.Concat(numbers(), handlers(), endpoints(), patience(), termination(), rollout())
}

// each makes a rule about all probes of one that is about a single one.
func each(check func(*pod, probe, report)) func(*pod, report) {
	return func(p *pod, report report) {
		for _, pr := range p.probes {
			check(p, pr, report)
		}
	}
}

// only makes it a rule about one kind, if the pod has that.
func only(kind string, check func(*pod, probe, report)) func(*pod, report) {
	return each(func(p *pod, pr probe, report report) {
		if pr.kind == kind {
			check(p, pr, report)
		}
	})
}
