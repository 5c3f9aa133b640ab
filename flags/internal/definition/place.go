package definition

import (
	"slices"
	"strings"

	"github.com/handover-go/handover/flags/internal/tree"
)

// place is where the compiler is: a value of the document, or where one is missing.
type place struct {
	*compiler
	flag         *Flag // nil outside of flags
	path         string
	node         *tree.Node // nil: it is not there
	line, column int        // its own, or those of what it is missing in
}

func (p place) member(name string) place {
	return p.inner(tree.Join(p.path, name), p.node.Get(name))
}

func (p place) item(i int) place {
	return p.inner(tree.Index(p.path, i), p.node.Items[i])
}

func (p place) inner(path string, node *tree.Node) place {
	p.path, p.node = path, node
	if node != nil {
		p.line, p.column = node.Line, node.Column
	}
	return p
}

// is reports whether the value is there and of this kind.
func (p place) is(kind tree.Kind) bool { return p.node != nil && p.node.Kind == kind }

// kind is what is there, as a problem.
func (p place) kind() string {
	if p.node == nil {
		return "is missing"
	}
	return "is " + p.node.Kind.String()
}

// word is the value if it is a string, and otherwise a mistake if it is there.
func (p place) word() string {
	if p.node != nil && !p.is(tree.String) {
		p.wrong(p.kind(), "a string")
	}
	if !p.is(tree.String) {
		return ""
	}
	return p.node.Text
}

// wrong notes a mistake that flagd lives with.
func (p place) wrong(problem, instead string) { p.note(problem, instead, false) }

// broken notes a mistake with which the flag cannot be evaluated.
func (p place) broken(problem, instead string) {
	p.flag.Broken = true
	p.note(problem, instead, true)
}

func (p place) note(problem, instead string, broken bool) {
	p.add(tree.Mistake{
		Path: p.path, Line: p.line, Column: p.column,
		Problem: problem, Instead: instead, Broken: broken,
	})
}

// known says which of the names of an object are not of the format. The schema lets
// them be, but who writes "defaultvariant" or "percentage" believes that it does
// something. What begins with x- or $ is for other programs, unless it is nearly one
// of ours.
func (p place) known(names ...string) {
	for _, member := range p.node.Members {
		if slices.Contains(names, member.Name) {
			continue
		}
		foreign := strings.HasPrefix(member.Name, "x-") || strings.HasPrefix(member.Name, "$")
		nearest := tree.Nearest(member.Name, names)
		at := p.inner(tree.Join(p.path, member.Name), member.Value)
		switch {
		case nearest != "":
			at.wrong("is no name of the format", tree.Quote(nearest))
		case !foreign:
			at.wrong("is no name of the format", strings.Join(names, ", ")+", or a name of yours that begins with x-")
		}
	}
}

// meant is what to write instead of a name: the nearest one of those that there are,
// or all of them.
func (p place) meant(name string, names []string) string {
	if p.terse() {
		return ""
	}
	if nearest := tree.Nearest(name, names); nearest != "" {
		return tree.Quote(nearest)
	}
	const enough = 8
	quoted := make([]string, 0, enough+1)
	for _, name := range names[:min(len(names), enough)] {
		quoted = append(quoted, tree.Quote(name))
	}
	if len(names) > enough {
		quoted = append(quoted, "…")
	}
	switch len(names) {
	case 0:
		return "none"
	case 1:
		return quoted[0]
	}
	return "one of " + strings.Join(quoted, ", ")
}
