package snippettest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Dir is examples/deploy, from a package that lies one below the module.
const Dir = "../../../examples/deploy"

// Read returns a file of examples/deploy.
func Read(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(Dir, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Names are the files that match a pattern; there has to be one.
func Names(t testing.TB, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(Dir, filepath.FromSlash(pattern)))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no file matches %s (%v)", pattern, err)
	}
	names := make([]string, len(paths))
	for i, path := range paths {
		name, err := filepath.Rel(Dir, path)
		if err != nil {
			t.Fatal(err)
		}
		names[i] = filepath.ToSlash(name)
	}
	return names
}

// Edit replaces the first occurrence of what has to be there.
func Edit(t testing.TB, text, from, to string) string {
	t.Helper()
	if !strings.Contains(text, from) {
		t.Fatalf("there is no %q", from)
	}
	return strings.Replace(text, from, to, 1)
}
