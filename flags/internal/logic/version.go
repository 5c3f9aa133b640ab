package logic

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/handover-go/handover/flags/internal/tree"
)

// semVer is sem_ver: is a version =, !=, <, <=, >, >= another, of the same minor (~) or
// major (^) version? What is no version gives null.
func (w *work) semVer(c *call) term {
	for i, arg := range c.args {
		w.checkSemVer(i, arg, c.argPath(i))
	}
	if len(c.args) != 3 {
		w.args(c)
		return nothing()
	}
	left, operator, right := w.arg(c, 0, neither).run, w.arg(c, 1, neither), w.arg(c, 2, neither)
	if operator.constant && right.constant {
		r := newRange(operator.value, right.value)
		return computed(func(s *Scope, l *loop) Value {
			v := left(s, l)
			return r.includes(v).after(v.Skipped)
		})
	}
	return computed(func(s *Scope, l *loop) Value {
		v := left(s, l)
		return newRange(operator.run(s, l), right.run(s, l)).includes(v).after(v.Skipped)
	})
}

func (w *work) checkSemVer(i int, arg *tree.Node, path string) {
	relations := []string{"=", "!=", ">", "<", ">=", "<=", "~", "^"}
	switch {
	case arg.Kind == tree.Object || i > 2:
	case i == 1 && !slices.Contains(relations, arg.Text):
		w.mistake(arg, path, fmt.Sprintf("%s does not compare versions", written(arg)), "one of "+quoted(relations))
	case i != 1 && !semver.IsValid(prefixed(version(w.literal(arg, path, neither).value))):
		w.mistake(arg, path, fmt.Sprintf("%s is no version", written(arg)), `as in "2.10.0", see semver.org`)
	}
}

// versions is what sem_ver compares with, parsed once if it is constant.
type versions struct {
	relation string
	than     string
	series   string // of ~ and ^: its minor or major version
}

// newRange has no relation if there is something wrong.
func newRange(relation, than Value) versions {
	r := versions{than: prefixed(version(than))}
	if relation.kind != text || !semver.IsValid(r.than) {
		return versions{}
	}
	r.relation = relation.text
	r.series = r.seriesOf(r.than)
	return r
}

func (r versions) includes(v Value) Value {
	written := version(v)
	if !strings.HasPrefix(written, "v") {
		// Joined here, where it does not escape: up to 32 bytes are on the stack.
		return r.include("v" + written)
	}
	return r.include(written)
}

func (r versions) include(version string) Value {
	if r.relation == "" || !semver.IsValid(version) {
		return Value{}
	}
	switch r.relation {
	case "~", "^":
		return truth(r.seriesOf(version) == r.series, false)
	case "=":
		return truth(semver.Compare(version, r.than) == 0, false)
	case "!=":
		return truth(semver.Compare(version, r.than) != 0, false)
	case "<":
		return truth(semver.Compare(version, r.than) < 0, false)
	case "<=":
		return truth(semver.Compare(version, r.than) <= 0, false)
	case ">":
		return truth(semver.Compare(version, r.than) > 0, false)
	case ">=":
		return truth(semver.Compare(version, r.than) >= 0, false)
	}
	return Value{}
}

func (r versions) seriesOf(version string) string {
	if r.relation == "~" {
		return semver.MajorMinor(version)
	}
	return semver.Major(version)
}

// version is as it is written: 1.2 may come as a number.
func version(v Value) string {
	if v.kind != text && v.kind != number {
		return ""
	}
	return strings.TrimPrefix(v.Text(), "V")
}

func prefixed(version string) string {
	if strings.HasPrefix(version, "v") {
		return version
	}
	return "v" + version
}
