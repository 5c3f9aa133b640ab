package handover_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What a person reads in one go: a file on a few screens, a function on one.
// Tests may be longer, a table is as long as it has cases.
const (
	fileLines     = 250
	functionLines = 50
)

// houseRules are the rules of CONTRIBUTING.md that a parser can see. Each
// returns its violations as "file:line: what is wrong, and what instead".
var houseRules = map[string]func([]source) []string{
	"a file fits on a few screens":                 longFiles,
	"a function fits on one screen":                longFunctions,
	"a package looks for goroutines that are left": packagesWithoutGoleak,
	"a test sleeps in virtual time only":           sleepingTests,
}

func longFiles(all []source) []string {
	var violations []string
	for _, s := range all {
		lines := s.fset.File(s.tree.FileStart).LineCount()
		if !s.isTest() && lines > fileLines {
			violations = append(violations, fmt.Sprintf(
				"%s: %d lines, of at most %d: find its second noun and give that a file", s.path, lines, fileLines))
		}
	}
	return violations
}

func longFunctions(all []source) []string {
	var violations []string
	for _, s := range all {
		if s.isTest() {
			continue
		}
		ast.Inspect(s.tree, func(node ast.Node) bool {
			var body *ast.BlockStmt
			switch f := node.(type) {
			case *ast.FuncDecl:
				body = f.Body
			case *ast.FuncLit:
				body = f.Body
			}
			if body == nil {
				return true
			}
			between := s.line(body.Rbrace) - s.line(body.Lbrace) - 1
			if between > functionLines {
				violations = append(violations, fmt.Sprintf(
					"%s:%d: a function of %d lines, of at most %d: give its parts names", s.path, s.line(node.Pos()), between, functionLines))
			}
			return true
		})
	}
	return violations
}

func packagesWithoutGoleak(all []source) []string {
	guarded := map[string]bool{} // directories with tests
	for _, s := range all {
		if s.isTest() {
			guarded[s.dir()] = guarded[s.dir()] || len(mentions(s.tree, "goleak.VerifyTestMain")) > 0
		}
	}
	var violations []string
	for _, dir := range slices.Sorted(maps.Keys(guarded)) {
		if !guarded[dir] {
			violations = append(violations, dir+": its tests do not look for goroutines that are left: "+
				"func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }")
		}
	}
	return violations
}

// sleepingTests finds the waits for something that may take longer on a busy
// machine. What a bubble calls may be written outside of it, so a test is asked
// whether its file has bubbles and a helper whether its package has. A function
// without a testing.T does not wait for the thing under test; it is one, as a
// handler that takes its time.
func sleepingTests(all []source) []string {
	bubbles := map[string]bool{} // files and directories
	for _, s := range all {
		for _, spec := range s.tree.Imports {
			if s.isTest() && spec.Path.Value == `"testing/synctest"` {
				bubbles[s.path], bubbles[s.dir()] = true, true
			}
		}
	}
	var violations []string
	for _, s := range all {
		for _, decl := range s.tree.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || !s.isTest() {
				continue
			}
			test := testName.MatchString(f.Name.Name)
			helper := len(mentions(f.Type, "testing.")) > 0
			if bubbles[s.path] || !test && (!helper || bubbles[s.dir()]) {
				continue
			}
			for _, mention := range mentions(f, "time.Sleep") {
				violations = append(violations, fmt.Sprintf(
					"%s:%d: a test that sleeps: wait for the event, or use testing/synctest", s.path, s.line(mention.Pos())))
			}
		}
	}
	return violations
}

var testName = regexp.MustCompile("^(Test|Benchmark|Fuzz|Example)")

// mentions finds where "package.Name" is called or passed on; "package." finds
// every name of it.
func mentions(in ast.Node, qualified string) []ast.Node {
	var found []ast.Node
	ast.Inspect(in, func(node ast.Node) bool {
		if selector, ok := node.(*ast.SelectorExpr); ok {
			x, ok := selector.X.(*ast.Ident)
			if ok && (x.Name+"."+selector.Sel.Name == qualified || x.Name+"." == qualified) {
				found = append(found, selector)
			}
		}
		return true
	})
	return found
}

func TestHouseRules(t *testing.T) {
	all := sources(t, repository(), parser.SkipObjectResolution)
	for name, rule := range houseRules {
		t.Run(name, func(t *testing.T) {
			for _, violation := range rule(all) {
				t.Error(violation)
			}
		})
	}
}

func TestHouseRulesThatAreBroken(t *testing.T) {
	sleeps := func(signature, imports string) string {
		return fmt.Sprintf("package a\n\nimport (\n\t\"testing\"\n\t%q\n)\n\nfunc %s {\n\ttime.Sleep(1)\n}\n", imports, signature)
	}
	lines := func(n int) string { return strings.Repeat("\t_ = 0\n", n) }
	const leaks = "\t\"go.uber.org/goleak\"\n\t\"testing\"\n)\n\nfunc TestMain(m *testing.M) { goleak.VerifyTestMain(m) }\n"

	tests := map[string]struct {
		rule  string
		files map[string]string
		want  string
	}{
		"a file of 251 lines": {
			rule:  "a file fits on a few screens",
			files: map[string]string{"a/a.go": "package a\n" + strings.Repeat("\n", 250)},
			want:  "a/a.go: 251 lines, of at most 250",
		},
		"a file of 250 lines": {
			rule:  "a file fits on a few screens",
			files: map[string]string{"a/a.go": "package a\n" + strings.Repeat("\n", 249)},
		},
		"a test of 251 lines": {
			rule:  "a file fits on a few screens",
			files: map[string]string{"a/a_test.go": "package a\n" + strings.Repeat("\n", 250)},
		},
		"a function of 51 lines": {
			rule:  "a function fits on one screen",
			files: map[string]string{"a/a.go": "package a\n\nfunc f() {\n" + lines(51) + "}\n"},
			want:  "a/a.go:3: a function of 51 lines, of at most 50",
		},
		"a function of 50 lines": {
			rule:  "a function fits on one screen",
			files: map[string]string{"a/a.go": "package a\n\nfunc f() {\n" + lines(50) + "}\n"},
		},
		"a function of 51 lines that is a value": {
			rule:  "a function fits on one screen",
			files: map[string]string{"a/a.go": "package a\n\nvar f = func() {\n" + lines(51) + "}\n"},
			want:  "a/a.go:3: a function of 51 lines, of at most 50",
		},
		"a test function of 51 lines": {
			rule:  "a function fits on one screen",
			files: map[string]string{"a/a_test.go": "package a\n\nfunc f() {\n" + lines(51) + "}\n"},
		},
		"tests without goleak": {
			rule:  "a package looks for goroutines that are left",
			files: map[string]string{"a/a_test.go": "package a_test\n", "b/b_test.go": "package b_test\n\nimport (\n" + leaks},
			want:  "a: its tests do not look for goroutines",
		},
		"tests that speak of goleak": {
			rule:  "a package looks for goroutines that are left",
			files: map[string]string{"a/a_test.go": "package a_test\n\n// goleak.VerifyTestMain would be good.\n"},
			want:  "a: its tests do not look for goroutines",
		},
		"goleak in another file of the package": {
			rule:  "a package looks for goroutines that are left",
			files: map[string]string{"a/a_test.go": "package a_test\n", "a/main_test.go": "package a_test\n\nimport (\n" + leaks},
		},
		"a test that sleeps": {
			rule:  "a test sleeps in virtual time only",
			files: map[string]string{"a/a_test.go": sleeps("TestF(t *testing.T)", "time")},
			want:  "a/a_test.go:9: a test that sleeps",
		},
		"an example that sleeps": {
			rule:  "a test sleeps in virtual time only",
			files: map[string]string{"a/a_test.go": sleeps("ExampleF()", "time")},
			want:  "a/a_test.go:9: a test that sleeps",
		},
		"a test that sleeps beside a file with bubbles": {
			rule: "a test sleeps in virtual time only",
			files: map[string]string{
				"a/a_test.go": sleeps("TestF(t *testing.T)", "time"),
				"a/b_test.go": sleeps("TestG(t *testing.T)", "testing/synctest"),
			},
			want: "a/a_test.go:9: a test that sleeps",
		},
		"a helper that sleeps in a package without bubbles": {
			rule:  "a test sleeps in virtual time only",
			files: map[string]string{"a/a_test.go": sleeps("await(tb testing.TB)", "time")},
			want:  "a/a_test.go:9: a test that sleeps",
		},
		"a helper that sleeps in a package with bubbles": {
			rule: "a test sleeps in virtual time only",
			files: map[string]string{
				"a/a_test.go": sleeps("await(tb testing.TB)", "time"),
				"a/b_test.go": sleeps("TestG(t *testing.T)", "testing/synctest"),
			},
		},
		"a test that sleeps in a bubble": {
			rule:  "a test sleeps in virtual time only",
			files: map[string]string{"a/a_test.go": sleeps("TestF(t *testing.T)", "testing/synctest")},
		},
		"a handler that takes its time": {
			rule:  "a test sleeps in virtual time only",
			files: map[string]string{"a/a_test.go": sleeps("handle(w http.ResponseWriter)", "time")},
		},
	}
	broken := map[string]bool{}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			violations := houseRules[tt.rule](sources(t, tree(tt.files), parser.SkipObjectResolution))
			if tt.want == "" {
				require.Empty(t, violations)
				return
			}
			require.Len(t, violations, 1)
			require.Contains(t, violations[0], tt.want)
			broken[tt.rule] = true
		})
	}
	require.Len(t, broken, len(houseRules), "each rule has been seen to fail")
}
