package tree

import "strings"

// chains count, for each bracket that is open, the operators since the last comma.
type chains struct {
	open []int
	sum  int
}

// depthOf bounds the depth of the tree of blanked code from above: brackets that
// are open, and in each of them the operators since the last comma, since
// 1 + 1 + 1 nests as ((1)) does.
func depthOf(code string) int {
	c := chains{open: []int{0}}
	deepest := 0
	for at := 0; at < len(code); {
		end := at + 1
		for word(code[at]) && end < len(code) && word(code[end]) {
			end++
		}
		c.read(code[at:end])
		deepest = max(deepest, c.sum)
		at = end
	}
	return deepest
}

func (c *chains) read(token string) {
	last := len(c.open) - 1
	switch {
	case token == "(" || token == "[":
		c.open = append(c.open, 1)
		c.sum++
	case (token == ")" || token == "]") && last > 0:
		c.sum -= c.open[last]
		c.open = c.open[:last]
	case token == "," || token == ";":
		c.sum -= c.open[last]
		c.open[last] = 0
	case nests(token):
		c.open[last]++
		c.sum++
	}
}

// nests tells whether a token is an operator or opens something.
func nests(token string) bool {
	switch strings.ToLower(token) {
	case "not", "case", "else", "is", "isnull", "notnull", "in", "between", "like", "ilike", "similar",
		"collate", "at", "operator", "join", "select", "values", "union", "intersect", "except", "with", "explain",
		"from", "set", "create", "array", "row":
		return true
	}
	return len(token) == 1 && strings.Contains("+-*/<>=~!@#%^&|`?:", token)
}
