package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/handover-go/handover/dbcompat/lint/internal/tree"
)

// directive is one comment that allows something.
type directive struct {
	at           int
	rule, reason string
}

const allows = "handover:allow"

func directives(scan tree.Scan) []directive {
	var all []directive
	for _, c := range scan.Comments {
		text, is := strings.CutPrefix(strings.TrimLeft(c.Text, "- \t"), allows)
		if !is {
			continue
		}
		rule, reason, _ := strings.Cut(strings.TrimSpace(text), " ")
		all = append(all, directive{at: c.At, rule: rule, reason: strings.TrimSpace(reason)})
	}
	return all
}

// allow takes out what is allowed, and adds what is wrong with the comments
// themselves. Nothing allows those.
func (l *linter) allow(scan tree.Scan, c Config) {
	drop := map[int]bool{}
	for _, d := range directives(scan) {
		allowed := l.allowed(d, l.target(d, scan))
		for _, i := range allowed {
			drop[i] = true
		}
		rule, problem := "", ""
		switch {
		case !known(d.rule):
			rule, problem = allowUnknownRule, fmt.Sprintf("there is no rule %q", d.rule)
		case d.reason == "":
			rule, problem = allowWithoutReason, "allows "+d.rule+" and does not say why: nothing is allowed by it"
		case len(allowed) == 0 && !slices.Contains(c.Skip, d.rule):
			rule, problem = allowUnused, "allows "+d.rule+", which is not found here"
		default:
			continue
		}
		f := Finding{Rule: rule, File: l.name, Statement: "-- " + allows + " " + d.rule, Problem: problem, Remedy: remedy(rule)}
		f.place(l.src, d.at)
		l.findings = append(l.findings, f)
	}
	var kept []Finding
	for i, f := range l.findings {
		if !drop[i] {
			kept = append(kept, f)
		}
	}
	l.findings = kept
}

// allowed are the findings that a comment takes out.
func (l *linter) allowed(d directive, target int) []int {
	var all []int
	for i, statement := range l.of {
		if statement == target && l.findings[i].Rule == d.rule && d.reason != "" {
			all = append(all, i)
		}
	}
	return all
}

// target is the statement that a comment speaks of: the one it stands in, the one
// that ends on its line, else the next one. -1 is none.
func (l *linter) target(d directive, scan tree.Scan) int {
	for i, s := range l.statements {
		if d.at >= s.Start && d.at < s.End {
			return i
		}
		if s.End <= d.at && !strings.Contains(l.src[s.End:d.at], "\n") {
			between := strings.Trim(scan.Code[s.End:d.at], "; \t\r")
			if between == "" {
				return i
			}
		}
		if s.Start > d.at {
			return i
		}
	}
	return -1
}
