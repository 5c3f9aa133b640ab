package kubernetes_test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A value is what stands behind a key: `key: text # comment`.
type value struct{ text, comment string }

// manifest has the values by their path: "spec.ports[0].name".
type manifest map[string]value

var line = regexp.MustCompile(`^( *)(- )?([A-Za-z0-9./]+):(?: ([^ #{}|>"'&*][^#{}]*?))?(?: # (.+))?$`)

// parse reads the part of YAML that the Deployment is written in: nested keys,
// lists of maps, plain values. All else is an error, a key given twice as well.
func parse(text string) (manifest, error) {
	type level struct {
		indent int
		path   string
	}
	found := manifest{}
	items := map[string]int{}
	var above []level
	for i, raw := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if strings.HasPrefix(strings.TrimLeft(raw, " "), "#") {
			continue
		}
		m := line.FindStringSubmatch(raw)
		if m == nil {
			return nil, fmt.Errorf("line %d: not `key: value # comment`: %q", i+1, raw)
		}
		indent := len(m[1])
		above = slices.DeleteFunc(above, func(l level) bool { return l.indent >= indent })
		parent := ""
		if len(above) > 0 {
			parent = above[len(above)-1].path
		}
		if m[2] != "" { // an item of a list, with its first key
			items[parent]++
			parent = fmt.Sprintf("%s[%d]", parent, items[parent]-1)
			above = append(above, level{indent, parent})
			indent += len(m[2])
		}
		path := strings.TrimPrefix(parent+"."+m[3], ".")
		if _, twice := found[path]; twice {
			return nil, fmt.Errorf("line %d: %s is given twice", i+1, path)
		}
		found[path] = value{m[4], m[5]}
		above = append(above, level{indent, path})
	}
	return found, nil
}

// number is the value of a key that has to be there, has to be a whole number and
// has to have its reason beside it.
func (m manifest) number(path string) (int, error) {
	v, ok := m[path]
	if !ok {
		return 0, fmt.Errorf("%s: there is no such key", path)
	}
	n, err := strconv.Atoi(v.text)
	if err != nil {
		return 0, fmt.Errorf("%s: %q is no whole number", path, v.text)
	}
	if v.comment == "" {
		return 0, fmt.Errorf("%s: %d has no comment that says why", path, n)
	}
	return n, nil
}

// numbers are the paths of all values that are numbers.
func (m manifest) numbers() []string {
	var paths []string
	for path, v := range m {
		if _, err := strconv.Atoi(v.text); err == nil {
			paths = append(paths, path)
		}
	}
	return slices.Sorted(slices.Values(paths))
}

func TestParse(t *testing.T) {
	m, err := parse("a: # why\n  b: 1 # one # of two\n  c:\n    - d: x\n      e: 2\n    - d: y:z\n# no\nf: v\n")
	require.NoError(t, err)
	require.Equal(t, manifest{
		"a": {"", "why"}, "a.b": {"1", "one # of two"}, "a.c": {}, "a.c[0].d": {"x", ""}, "a.c[0].e": {"2", ""},
		"a.c[1].d": {"y:z", ""}, "f": {"v", ""},
	}, m)

	for text, want := range map[string]string{
		"a: 1\na: 2\n":             "line 2: a is given twice",
		"a:\n  b: 1\n  b: 1\n":     "line 3: a.b is given twice",
		"a:\n  - b: 1\n    b: 1\n": "line 3: a[0].b is given twice",
		"a: 1\n\n":                 "line 2: not `key: value",
		"a\n":                      "line 1: not `key: value",
		"a:\n\tb: 1\n":             "line 2: not `key: value",
		"a: {b: 1}\n":              "line 1: not `key: value",
		"a: |\n  text\n":           "line 1: not `key: value",
		"a: \"quoted\"\n":          "line 1: not `key: value",
		"a: 1 #no space\n":         "line 1: not `key: value",
		"a:\n  - plain\n":          "line 2: not `key: value",
	} {
		_, err := parse(text)
		require.ErrorContains(t, err, want, text)
	}
}
