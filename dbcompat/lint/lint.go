package lint

import (
	"slices"

	"github.com/handover-go/handover/dbcompat/lint/internal/rules"
	"github.com/handover-go/handover/dbcompat/lint/internal/tree"
)

// SQL looks at one file, in the order of its lines. No finding means that
// everything in it was understood and nothing found. The error is about the Config;
// bad SQL is a finding. It is safe for concurrent use, but each caller at the same
// time costs a parser of its own: call it in turn.
func SQL(src string, c Config) ([]Finding, error) {
	if err := c.fill(); err != nil {
		return nil, err
	}
	up := upPart(src, c.Name)
	scan := tree.Look(up.text)
	statements := tree.Parse(up.text, scan)
	file := &rules.File{Statements: statements, Tx: transactions(statements, c.Transaction, up), Server: c.Server}
	file.Prepare()

	l := linter{src: src, name: c.Name, statements: statements}
	for i, s := range statements {
		if s.Err != nil {
			l.add(i, notParsed, "PostgreSQL's grammar (17) does not know this, so no rule has looked at it: "+s.Err.Error(),
				remedy(notParsed), rules.Hit{})
		}
	}
	for _, rule := range rules.All() {
		if rule.Style && !c.Style || slices.Contains(c.Skip, rule.Name) {
			continue
		}
		l.ask(rule, file)
	}
	l.allow(scan, c)
	order(l.findings)
	return l.findings, nil
}

// linter collects the findings of one file.
type linter struct {
	src        string
	name       string
	statements []tree.Statement
	findings   []Finding
	of         []int // the statement of each finding
}

func (l *linter) ask(rule rules.Rule, file *rules.File) {
	for i, s := range l.statements {
		if s.Err != nil {
			continue
		}
		for _, h := range rule.Find(file, i) {
			l.add(i, rule.Name, h.Problem, rule.Remedy, h)
		}
	}
}

func (l *linter) add(i int, rule, problem, remedy string, h rules.Hit) {
	s := l.statements[i]
	f := Finding{Rule: rule, File: l.name, Statement: s.Text, Problem: problem, Remedy: remedy, Plan: h.Safe}
	f.place(l.src, max(h.At, s.Start))
	l.findings = append(l.findings, f)
	l.of = append(l.of, i)
}

func remedy(name string) string {
	for _, r := range Rules() {
		if r.Name == name {
			return r.Remedy
		}
	}
	return ""
}
