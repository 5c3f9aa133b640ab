package handover_test

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A snippet is one fenced Go block of a Markdown file.
type snippet struct {
	file string
	line int
	text string
}

// fence is a line that opens or closes a block: its indentation, its marks and
// the language.
var fence = regexp.MustCompile("^([ \t]*)(```+|~~~+)[ \t]*([^ \t\r\n`]*)")

// snippets returns the Go blocks of a Markdown file. What a reader would see as
// Go and this test would not is an error: an indented fence, "golang".
func snippets(file, text string) ([]snippet, error) {
	var found []snippet
	var open []string // the fence that is open, as matched
	var start int
	var block strings.Builder
	for i, line := range strings.SplitAfter(text, "\n") {
		mark := fence.FindStringSubmatch(line)
		switch {
		case open == nil && mark != nil:
			open, start = mark, i+1
			block.Reset()
			if language := strings.ToLower(mark[3]); language == "golang" || language == "go" && mark[0] != "```go" {
				return nil, fmt.Errorf("%s:%d: a Go block begins with ```go in the first column", file, start)
			}
		case open == nil:
		case mark != nil && mark[3] == "" && strings.HasPrefix(mark[2], open[2]):
			if open[3] == "go" {
				found = append(found, snippet{file, start, block.String()})
			}
			open = nil
		default:
			block.WriteString(line)
		}
	}
	if open != nil {
		return nil, fmt.Errorf("%s:%d: this block is never closed", file, start)
	}
	return found, nil
}

// uncompiled returns what is wrong with the Markdown of a repository: Go code
// that is no part of any program of examples/ or interop/migrate/, nor of an
// example_test.go, and would therefore rot, and a README without a program.
func uncompiled(t *testing.T, root fs.FS) []string {
	t.Helper()
	all := files(t, root)
	if !slices.Contains(all, "README.md") {
		return []string{"README.md: there is none"}
	}
	var violations []string
	var programs int
	compiled := compiledText(t, root, all)
	for _, name := range all {
		if path.Ext(name) != ".md" {
			continue
		}
		text, err := fs.ReadFile(root, name)
		require.NoError(t, err)
		blocks, err := snippets(name, string(text))
		if err != nil {
			violations = append(violations, err.Error())
		}
		for _, s := range blocks {
			// Whole lines: nothing may be missing at the beginning of the first.
			if strings.TrimSpace(s.text) == "" || !strings.Contains(compiled, "\n"+s.text) {
				violations = append(violations, fmt.Sprintf(
					"%s:%d: this block is not, byte for byte, part of a .go file of examples/ or interop/migrate/, or of an example_test.go", s.file, s.line))
			}
			if name == "README.md" {
				programs++
			}
		}
	}
	if programs == 0 {
		violations = append(violations, "README.md: no Go block, hence no program to begin with")
	}
	return violations
}

// compiledText is all that the compiler sees of what Markdown may show. Files
// are kept apart by a byte that no Go file contains.
func compiledText(t *testing.T, root fs.FS, all []string) string {
	t.Helper()
	var compiled strings.Builder
	for _, name := range all {
		program := strings.HasPrefix(name, "examples/") || strings.HasPrefix(name, "interop/migrate/")
		if (!program || path.Ext(name) != ".go") && path.Base(name) != "example_test.go" {
			continue
		}
		text, err := fs.ReadFile(root, name)
		require.NoError(t, err)
		compiled.WriteString("\x00\n")
		compiled.Write(text)
	}
	return compiled.String()
}

func TestMarkdownIsCompiled(t *testing.T) {
	for _, violation := range uncompiled(t, repository()) {
		t.Error(violation)
	}
}

func TestMarkdownThatIsNot(t *testing.T) {
	const program = "package main\n\nfunc main() {\n\tserve()\n\tdrain()\n}\n"
	const block = "```go\nfunc main() {\n\tserve()\n\tdrain()\n}\n```\n"
	const refused = "byte for byte"

	tests := map[string]struct {
		files map[string]string
		want  string
	}{
		"the program of an example": {
			files: map[string]string{"README.md": "# x\n\n" + block},
		},
		"a part of it": {
			files: map[string]string{"README.md": block + "```go\n\tserve()\n```\n"},
		},
		"a part of an example_test.go": {
			files: map[string]string{"README.md": block + "```go\nvar x int\n```\n", "a/example_test.go": "package a_test\n\nvar x int\n"},
		},
		"blocks of other languages, one of them about Go": {
			files: map[string]string{"README.md": block + "```sh\nmake\n```\n\n````text\n```go\n```\n````\n"},
		},
		"a part of a program that a migration shows": {
			files: map[string]string{"README.md": block, "docs/migrate/x.md": "```go\n\texit()\n```\n", "interop/migrate/before/x/main.go": "package main\n\nfunc main() {\n\texit()\n}\n"},
		},
		"no README":              {files: map[string]string{"CHANGELOG.md": block}, want: "README.md: there is none"},
		"no program":             {files: map[string]string{"README.md": "# x\n\n```sh\nmake\n```\n"}, want: "no Go block"},
		"a line that is changed": {files: map[string]string{"README.md": strings.Replace(block, "serve", "Serve", 1)}, want: refused},
		"a line that is missing": {files: map[string]string{"README.md": strings.Replace(block, "\tserve()\n", "", 1)}, want: refused},
		"spaces for the tab":     {files: map[string]string{"README.md": strings.Replace(block, "\t", "    ", 1)}, want: refused},
		"half a line":            {files: map[string]string{"README.md": block + "```go\nserve()\n```\n"}, want: refused},
		"nothing in the block":   {files: map[string]string{"README.md": block + "```go\n```\n"}, want: refused},
		"CRLF":                   {files: map[string]string{"README.md": strings.ReplaceAll(block, "\n", "\r\n")}, want: refused},
		"another Markdown file":  {files: map[string]string{"README.md": block, "docs/design/001.md": "```go\nother()\n```\n"}, want: "docs/design/001.md:1: "},
		"a block of a package that is no example": {
			files: map[string]string{"README.md": block + "```go\nvar x int\n```\n", "a/a_test.go": "package a\n\nvar x int\n"},
			want:  "README.md:7: ",
		},
		"a fence that is indented":     {files: map[string]string{"README.md": block + "1. x\n   ```go\n   f()\n   ```\n"}, want: "README.md:8: a Go block begins with"},
		"a fence of tildes":            {files: map[string]string{"README.md": block + "~~~go\nf()\n~~~\n"}, want: "a Go block begins with"},
		"a language by another name":   {files: map[string]string{"README.md": block + "```golang\nf()\n```\n"}, want: "a Go block begins with"},
		"a block that is never closed": {files: map[string]string{"README.md": block + "```go\nf()\n"}, want: "README.md:7: this block is never closed"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.files["examples/minimal/main.go"] = program
			violations := uncompiled(t, tree(tt.files))
			if tt.want == "" {
				require.Empty(t, violations)
				return
			}
			require.NotEmpty(t, violations)
			require.Contains(t, violations[0], tt.want)
		})
	}
}
