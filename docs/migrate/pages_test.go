package migrate_test

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	pages    = "docs/migrate"
	programs = "interop/migrate"
	screen   = 130 // lines
)

// sections are what each page has, in this order.
var sections = []string{"Today", "What it loses", "Before", "After", "Watch out for", "What you keep"}

func TestPages(t *testing.T) {
	for _, violation := range violations(t, os.DirFS("../..")) {
		t.Error(violation)
	}
}

// violations returns what is wrong with the pages of a repository.
func violations(t *testing.T, root fs.FS) (found []string) {
	t.Helper()
	names, err := fs.Glob(root, pages+"/*.md")
	require.NoError(t, err)
	index, readme := read(t, root, pages+"/README.md"), read(t, root, "README.md")
	code := sources(t, root)
	shown := map[string]bool{} // files of code
	for _, name := range names {
		text := read(t, root, name)
		if n := strings.Count(text, "\n"); n > screen {
			found = append(found, fmt.Sprintf("%s: %d lines, of at most %d", name, n, screen))
		}
		for _, number := range losses.FindAllString(text, -1) {
			if !strings.Contains(readme, "| "+number+" |") {
				found = append(found, fmt.Sprintf("%s: %q is not in the table of the README", name, number))
			}
		}
		if path.Base(name) == "README.md" {
			continue
		}
		if !strings.Contains(index, "("+path.Base(name)+")") {
			found = append(found, name+": the index does not name it")
		}
		found = append(found, unlike(name, text, code, shown)...)
	}
	for _, file := range slices.Sorted(maps.Keys(code)) {
		if !shown[file] && side(file) != "" {
			found = append(found, file+": no page shows it")
		}
	}
	return found
}

// losses are numbers of requests, "132 of 9,075".
var losses = regexp.MustCompile(`[0-9][0-9,]* of [0-9,]*[0-9]\b`)

// unlike compares a page with the programs that it shows parts of.
func unlike(name, text string, code map[string]string, shown map[string]bool) (found []string) {
	var titles []string
	for _, section := range regexp.MustCompile(`(?m)^## `).Split(text, -1)[1:] {
		title, content, _ := strings.Cut(section, "\n")
		titles = append(titles, title)
		blocks := regexp.MustCompile("(?ms)^```go\n(.*?)^```$").FindAllStringSubmatch(content, -1)
		if want := strings.ToLower(title); len(blocks) == 0 && (want == "before" || want == "after") {
			found = append(found, fmt.Sprintf("%s: no Go code in %q", name, title))
		}
		for _, block := range blocks {
			var of []string // the files of this side that have it
			for file, source := range code {
				if side(file) == strings.ToLower(title) && strings.Contains("\n"+source, "\n"+block[1]) {
					of = append(of, file)
					shown[file] = true
				}
			}
			if len(of) == 0 {
				found = append(found, fmt.Sprintf("%s: this is in no program of %q: %s", name, title, block[1]))
			}
		}
	}
	if !slices.Equal(titles, sections) {
		found = append(found, fmt.Sprintf("%s: its sections are %q, of %q", name, titles, sections))
	}
	return found
}

// side is before or after, by a directory's or a file's name; empty for other files.
func side(file string) string {
	for part := range strings.SplitSeq(strings.TrimSuffix(file, ".go"), "/") {
		if part == "before" || part == "after" {
			return part
		}
	}
	return ""
}

// sources are the programs, tests excepted.
func sources(t *testing.T, root fs.FS) map[string]string {
	t.Helper()
	code := map[string]string{}
	require.NoError(t, fs.WalkDir(root, programs, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
			code[name] = read(t, root, name)
		}
		return err
	}))
	require.NotEmpty(t, code)
	return code
}

func read(t *testing.T, root fs.FS, name string) string {
	t.Helper()
	text, err := fs.ReadFile(root, name)
	require.NoError(t, err)
	return string(text)
}

func TestPagesThatAreWrong(t *testing.T) {
	const (
		before = "package main\n\nfunc run() {\n\tshutdown()\n}\n"
		after  = "package main\n\nfunc run() {\n\tdrain()\n}\n"
		page   = "# From x\n\n## Today\n\n## What it loses\n\n132 of 9,075 requests.\n\n" +
			"## Before\n\n```go\nfunc run() {\n\tshutdown()\n}\n```\n\n## After\n\n```go\n\tdrain()\n```\n\n" +
			"## Watch out for\n\n## What you keep\n"
	)
	tests := map[string]struct{ file, from, to, want string }{
		"nothing is wrong":               {},
		"a line that is changed":         {"docs/migrate/x.md", "drain()", "linger()", `this is in no program of "After"`},
		"half a line":                    {"docs/migrate/x.md", "\tdrain()", "drain()", `this is in no program of "After"`},
		"code of the other side":         {"docs/migrate/x.md", "\tdrain()", "\tshutdown()", `this is in no program of "After"`},
		"a program that has changed":     {"interop/migrate/before/x/main.go", "shutdown", "exit", `this is in no program of "Before"`},
		"a program that nobody sees":     {"interop/migrate/pgx/after.go", "", "package pgx\n\nfunc f() {}\n", "interop/migrate/pgx/after.go: no page shows it"},
		"a number of nobody's":           {"docs/migrate/x.md", "132", "133", `"133 of 9,075" is not in the table`},
		"a number that is measured anew": {"README.md", "132", "131", `"132 of 9,075" is not in the table`},
		"a section that is missing":      {"docs/migrate/x.md", "## Today\n", "", "its sections are"},
		"sections in another order":      {"docs/migrate/x.md", "## Today", "## Now", "its sections are"},
		"no code":                        {"docs/migrate/x.md", "```go\n\tdrain()\n```", "", `no Go code in "After"`},
		"a page that is not listed":      {"docs/migrate/README.md", "(x.md)", "", "the index does not name it"},
		"a page that is too long":        {"docs/migrate/x.md", "## Today\n", "## Today\n" + strings.Repeat("\n", screen), "of at most 130"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{
				"README.md":                        "| x | 132 of 9,075 |\n",
				"docs/migrate/README.md":           "[x](x.md)\n",
				"docs/migrate/x.md":                page,
				"interop/migrate/before/x/main.go": before,
				"interop/migrate/after/x/main.go":  after,
				"interop/migrate/doc.go":           "package migrate\n",
			}
			if tt.file != "" {
				if tt.from == "" {
					files[tt.file] = tt.to
				} else {
					require.Contains(t, files[tt.file], tt.from)
					files[tt.file] = strings.Replace(files[tt.file], tt.from, tt.to, 1)
				}
			}
			root := fstest.MapFS{}
			for name, text := range files {
				root[name] = &fstest.MapFile{Data: []byte(text)}
			}
			found := violations(t, root)
			if tt.want == "" {
				require.Empty(t, found)
				return
			}
			require.NotEmpty(t, found)
			require.Contains(t, strings.Join(found, "\n"), tt.want)
		})
	}
}
