package logic

import (
	"fmt"
	"strings"

	"github.com/handover-go/handover/flags/internal/tree"
)

func (w *work) mistake(n *tree.Node, path, problem, instead string) {
	if len(w.mistakes) < maxMistakes {
		w.mistakes = append(w.mistakes, tree.Mistake{
			Path: path, Line: n.Line, Column: n.Column, Problem: problem, Instead: instead,
		})
	}
}

// broken is a mistake of a flag that cannot be evaluated. It is never one too many.
func (w *work) broken(n *tree.Node, path, problem, instead string) {
	if len(w.mistakes) >= maxMistakes {
		w.mistakes[maxMistakes-1].Broken = true
		return
	}
	w.mistake(n, path, problem, instead)
	w.mistakes[len(w.mistakes)-1].Broken = true
}

// quotable is how many names a message has at most.
const quotable = 40

func quoted(names []string) string {
	all := make([]string, 0, quotable+1)
	for _, name := range names[:min(len(names), quotable)] {
		all = append(all, tree.Quote(name))
	}
	if len(names) > quotable {
		all = append(all, "…")
	}
	return strings.Join(all, ", ")
}

// suggest is the nearest name, or all of them.
func suggest(name string, names []string) string {
	nearest := tree.Nearest(name, names)
	switch {
	case nearest != "":
		return tree.Quote(nearest)
	case len(names) == 0:
		return "none: there are no $evaluators"
	case len(names) > quotable:
		return fmt.Sprintf("one of the %d that there are", len(names))
	}
	return "one of " + quoted(names)
}
