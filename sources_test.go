package handover_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// source is one Go file of the root module, whatever its build tags.
type source struct {
	path string // from the root of the repository, with slashes
	fset *token.FileSet
	tree *ast.File
}

func (s source) dir() string { return path.Dir(s.path) }

func (s source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }

func (s source) line(p token.Pos) int { return s.fset.Position(p).Line }

// repository is what the rules are held against. It is read here, file by file,
// and not asked of `go list`: the go command keeps account of the files that a
// test opens, but not of those that a subprocess of the test opens, and would
// answer from its cache after the tree has changed.
func repository() fs.FS { return os.DirFS(".") }

// files lists all files, but for hidden directories and those that the go
// command does not see either.
func files(t *testing.T, root fs.FS) []string {
	t.Helper()
	var found []string
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		base := path.Base(name)
		unseen := base == "testdata" || base == "vendor" || base[0] == '_' || base[0] == '.' && name != "."
		switch {
		case err != nil:
			return err
		case entry.IsDir() && unseen:
			return fs.SkipDir
		case !entry.IsDir():
			found = append(found, name)
		}
		return nil
	})
	require.NoError(t, err)
	return found
}

// sources parses the Go files of the root module; a directory with a go.mod of
// its own is another module.
func sources(t *testing.T, root fs.FS, mode parser.Mode) []source {
	t.Helper()
	all := files(t, root)
	var parsed []source
	for _, name := range all {
		if !strings.HasSuffix(name, ".go") || ofAnotherModule(all, name) {
			continue
		}
		text, err := fs.ReadFile(root, name)
		require.NoError(t, err)
		fset := token.NewFileSet()
		tree, err := parser.ParseFile(fset, name, text, mode)
		require.NoError(t, err)
		parsed = append(parsed, source{path: name, fset: fset, tree: tree})
	}
	return parsed
}

func ofAnotherModule(all []string, name string) bool {
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if slices.Contains(all, dir+"/go.mod") {
			return true
		}
	}
	return false
}

// tree makes a repository in memory; each negative test breaks one rule in it.
func tree(content map[string]string) fs.FS {
	files := fstest.MapFS{}
	for name, text := range content {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

func TestSourcesAreThoseOfTheRootModule(t *testing.T) {
	root := tree(map[string]string{
		"go.mod":                   "module m",
		"doc.go":                   "package m",
		"a/a.go":                   "package a",
		"a/a_windows_test.go":      "package a_test",
		"a/testdata/bad.go":        "no Go at all",
		"a/README.md":              "no Go either",
		".tools/tool.go":           "package tool",
		"_old/old.go":              "package old",
		"interop/go.mod":           "module m/interop",
		"interop/grpc/grpc.go":     "package grpc",
		"interoperable/operate.go": "package interoperable",
	})
	var names []string
	for _, s := range sources(t, root, parser.ImportsOnly) {
		names = append(names, s.path)
	}
	require.Equal(t, []string{"a/a.go", "a/a_windows_test.go", "doc.go", "interoperable/operate.go"}, names)
}

func TestTheRepositoryIsFound(t *testing.T) {
	all := files(t, repository())
	require.Contains(t, all, "internal/stack/stack.go")
	require.Contains(t, all, "LICENSE")
}
