package handover_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/parser"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/modfile"
	modpath "golang.org/x/mod/module"
	modzip "golang.org/x/mod/zip"
)

// release is the version that a stranger gets: the tree as it is.
const release = "v0.0.1"

// A row is a package in the README's table, and what that says it needs.
type row struct {
	dir   string
	apart bool // a module of its own
	needs []string
}

const tableHead = "| Package | The question it answers | Needs, besides the standard library |"

var (
	link  = regexp.MustCompile(`\[[^]]+\]\(([a-z/]+)\)`)
	aside = regexp.MustCompile(` *\([^)]*\)`)
)

// table reads the README's table. A row of several packages says of each what it needs, in
// the same order. A sub-package needs what its room needs too, which is not said again.
func table(readme string) (rows []row, err error) {
	_, body, found := strings.Cut(readme, tableHead+"\n|---|---|---|\n")
	if !found {
		return nil, fmt.Errorf("README.md: there is no %q", tableHead)
	}
	for line := range strings.Lines(body) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 5 {
			break
		}
		links := link.FindAllStringSubmatch(cells[1], -1)
		needs := strings.Split(strings.TrimSpace(cells[3]), ", ")
		if len(links) == 0 || len(links) > 1 && len(links) != len(needs) {
			return nil, fmt.Errorf("README.md: not one need for each package: %s", line)
		}
		for i, l := range links {
			of := needs
			if len(links) > 1 {
				of = needs[i : i+1]
			}
			r := row{dir: l[1], apart: strings.Contains(cells[2], "(a module of its own)")}
			for _, need := range of {
				if need = aside.ReplaceAllString(need, ""); need != "nothing" {
					r.needs = append(r.needs, need)
				}
			}
			rows = append(rows, r)
		}
	}
	return rows, nil
}

// withRoom adds what the room of a package needs.
func withRoom(r row, rows []row) []string {
	needs := slices.Clone(r.needs)
	room, _, below := strings.Cut(r.dir, "/")
	for _, other := range rows {
		if below && other.dir == room {
			needs = append(needs, other.needs...)
		}
	}
	slices.Sort(needs)
	return slices.Compact(needs)
}

// A published tree is one that the go command gets from a proxy in a directory, with a
// module cache of its own: what is got under this version is different each time.
type published struct {
	dir string
	env []string
}

// publish puts the root module into a proxy, as it would be if the tree were tagged. All
// else comes from the module cache of the machine, which is filled here, if it is not yet.
// Nobody else is asked, so it is no matter what answers for names that begin like ours.
func publish(t *testing.T, root fs.FS) published {
	t.Helper()
	p := published{dir: t.TempDir()}
	versions := filepath.Join(p.dir, "proxy", filepath.FromSlash(module), "@v")
	require.NoError(t, os.MkdirAll(versions, 0o755))
	var zip bytes.Buffer
	require.NoError(t, modzip.Create(&zip, modpath.Version{Path: module, Version: release}, zipped(t, root)))
	mod, err := fs.ReadFile(root, "go.mod")
	require.NoError(t, err)
	sum, err := fs.ReadFile(root, "go.sum")
	require.NoError(t, err)
	for name, text := range map[string][]byte{
		"list":            []byte(release + "\n"),
		release + ".info": []byte(`{"Version":"` + release + `","Time":"2026-01-01T00:00:00Z"}`),
		release + ".mod":  mod,
		release + ".zip":  zip.Bytes(),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(versions, name), text, 0o600))
	}

	own := p.module(t, "own", map[string]string{"go.mod": string(mod), "go.sum": string(sum)})
	p.run(t, own, "mod", "download")
	p.run(t, own, "list", "-m", "all")
	var there struct{ GOMODCACHE string }
	require.NoError(t, json.Unmarshal(p.run(t, own, "env", "-json", "GOMODCACHE"), &there))
	p.env = []string{
		"GOPROXY=" + proxy(filepath.Join(p.dir, "proxy")) + "," + proxy(filepath.Join(there.GOMODCACHE, "cache", "download")),
		"GOMODCACHE=" + filepath.Join(p.dir, "cache"),
		"GOFLAGS=-modcacherw -trimpath", // it can be removed, and the build cache does not care where it is
		"GOPRIVATE=", "GONOPROXY=none", "GOSUMDB=off",
	}
	return p
}

func proxy(dir string) string { return "file://" + path.Join("/", filepath.ToSlash(dir)) }

func (p published) module(t *testing.T, name string, content map[string]string) (dir string) {
	t.Helper()
	dir = filepath.Join(p.dir, filepath.FromSlash(name))
	require.NoError(t, os.MkdirAll(dir, 0o755))
	for file, text := range content {
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600))
	}
	return dir
}

func (p published) run(t *testing.T, dir string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir, cmd.Env = dir, append(append(os.Environ(), "GOWORK=off"), p.env...)
	var told bytes.Buffer
	cmd.Stderr = &told
	out, err := cmd.Output()
	require.NoError(t, err, "go %s: %s", strings.Join(args, " "), &told)
	return out
}

// A part is one file of the zip.
type part struct {
	root fs.FS
	name string
}

func (f part) Path() string                 { return f.name }
func (f part) Lstat() (fs.FileInfo, error)  { return fs.Stat(f.root, f.name) }
func (f part) Open() (io.ReadCloser, error) { return f.root.Open(f.name) }

// zipped are the files of a repository, but for hidden directories, where the tools are.
// The other modules are left out by Create.
func zipped(t *testing.T, root fs.FS) (parts []modzip.File) {
	t.Helper()
	require.NoError(t, fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && name != "." && strings.HasPrefix(entry.Name(), ".") {
			return fs.SkipDir
		}
		if err == nil && !entry.IsDir() {
			parts = append(parts, part{root, name})
		}
		return err
	}))
	return parts
}

// got is what a stranger has after go get of one package.
type got struct {
	imports  []string // modules that our packages import, without version
	linked   []string // all modules that are linked, but ours
	required []string // those that go get has written into go.mod, but ours
}

// A dep is a package as go list tells of it.
type dep struct {
	ImportPath string
	Imports    []string
	Module     *struct{ Path string }
}

// get gets packages into a module in which there is nothing else, and returns it, with all
// packages that are linked.
func (p published) get(t *testing.T, name string, dirs ...string) (stranger string, deps map[string]dep) {
	t.Helper()
	code, get := "package stranger\n", []string{"get"}
	for _, dir := range dirs {
		code += fmt.Sprintf("\nimport _ %q\n", module+"/"+dir)
		get = append(get, module+"/"+dir+"@"+release)
	}
	stranger = p.module(t, "strangers/"+name, map[string]string{
		"go.mod": "module stranger.example\n\ngo 1.26\n", "stranger.go": code,
	})
	p.run(t, stranger, get...)
	deps = map[string]dep{}
	for d := json.NewDecoder(bytes.NewReader(p.run(t, stranger, "list", "-deps", "-json=ImportPath,Imports,Module", "."))); d.More(); {
		var next dep
		require.NoError(t, d.Decode(&next))
		deps[next.ImportPath] = next
	}
	return stranger, deps
}

// of is what there is for the sake of one package.
func of(deps map[string]dep, dir string) (g got) {
	imports, linked, seen := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for next := []string{module + "/" + dir}; len(next) > 0; next = next[1:] {
		d := deps[next[0]]
		if seen[next[0]] || d.Module == nil {
			continue // the standard library
		}
		seen[next[0]] = true
		next = append(next, d.Imports...)
		if d.Module.Path != module {
			linked[d.Module.Path] = true
			continue
		}
		for _, i := range d.Imports {
			if m := deps[i].Module; m != nil && m.Path != module {
				bare, _, _ := modpath.SplitPathVersion(m.Path)
				imports[bare] = true
			}
		}
	}
	g.imports, g.linked = slices.Sorted(maps.Keys(imports)), slices.Sorted(maps.Keys(linked))
	return g
}

// required is what a go.mod says, but for ours.
func required(t *testing.T, dir string) (paths []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	require.NoError(t, err)
	mod, err := modfile.Parse("go.mod", text, nil)
	require.NoError(t, err)
	for _, r := range mod.Require {
		if r.Mod.Path != module {
			paths = append(paths, r.Mod.Path)
		}
	}
	slices.Sort(paths)
	return paths
}

// broken says what a promise and what came of it have against each other.
func broken(needs []string, g got) (violations []string) {
	left := slices.Clone(g.imports)
	for _, need := range needs {
		i := slices.IndexFunc(left, func(m string) bool { return m == need || strings.HasSuffix(m, "/"+need) })
		if i < 0 {
			violations = append(violations, "it needs no "+need+", though the README says so")
			continue
		}
		left = slices.Delete(left, i, i+1)
	}
	for _, m := range left {
		violations = append(violations, "it needs "+m+", of which the README says nothing")
	}
	for _, m := range g.required {
		if !slices.Contains(g.linked, m) {
			violations = append(violations, "go get writes "+m+" into go.mod, which nothing here imports")
		}
	}
	return violations
}

// Who takes one package gets what it says that it needs, and what that needs, and nothing
// for the sake of the others.
func TestAStrangerGetsOnePackage(t *testing.T) {
	root := repository()
	rows := readme(t, root)
	p := publish(t, root)
	t.Run("each room alone", func(t *testing.T) {
		for _, r := range rows {
			if !slices.Contains(rooms, r.dir) {
				continue
			}
			t.Run(r.dir, func(t *testing.T) {
				t.Parallel()
				stranger, deps := p.get(t, r.dir, r.dir)
				g := of(deps, r.dir)
				g.required = required(t, stranger)
				require.Empty(t, broken(withRoom(r, rows), g))
				p.run(t, stranger, "build", "./...")
			})
		}
	})
	t.Run("what is below", func(t *testing.T) {
		var dirs []string
		for _, r := range rows {
			if !r.apart {
				dirs = append(dirs, r.dir)
			}
		}
		_, deps := p.get(t, "all", dirs...)
		violations := map[string][]string{}
		for _, r := range rows {
			_, err := fs.Stat(root, r.dir+"/go.mod")
			require.Equal(t, r.apart, err == nil, "%s: is it a module of its own?", r.dir)
			if !r.apart {
				require.Contains(t, deps, module+"/"+r.dir)
				if v := broken(withRoom(r, rows), of(deps, r.dir)); len(v) > 0 {
					violations[r.dir] = v
				}
			}
		}
		require.Empty(t, violations)
	})
}

func readme(t *testing.T, root fs.FS) []row {
	t.Helper()
	text, err := fs.ReadFile(root, "README.md")
	require.NoError(t, err)
	rows, err := table(string(text))
	require.NoError(t, err)
	return rows
}

// The table is the map: a package that is not in it is not found.
func TestEveryPackageIsInTheTable(t *testing.T) {
	root := repository()
	var there, told []string
	for _, r := range readme(t, root) {
		told = append(told, r.dir)
	}
	for _, s := range sources(t, root, parser.PackageClauseOnly) {
		room, _, _ := strings.Cut(s.dir(), "/")
		if slices.Contains(rooms, room) && !s.isTest() && s.tree.Name.Name != "main" && !strings.Contains(s.dir(), "internal") {
			there = append(there, s.dir())
		}
	}
	for _, dir := range slices.Compact(there) {
		require.Contains(t, told, dir, "the README's table has no row for it")
	}
}

func TestPromisesThatAreBroken(t *testing.T) {
	const head = tableHead + "\n|---|---|---|\n"
	pgx := got{imports: []string{"github.com/jackc/pgx"}, linked: []string{"github.com/jackc/pgx/v5", "golang.org/x/text"}}
	tests := map[string]struct {
		readme string
		got    got
		want   []string
	}{
		"nothing, and it is so": {readme: head + "| [a](flags/a) | ? | nothing |\n"},
		"what is said, and what that needs": {
			readme: head + "| [a](flags/a) | ? | pgx |\n", got: pgx,
		},
		"what the room needs is not said again": {
			readme: head + "| [a](flags/a) | ? | nothing |\n| [flags](flags) | ? | pgx |\n", got: pgx,
		},
		"of several in a row the first is meant": {
			readme: head + "| [a](flags/a), [b](flags/b) | ? | pgx, nothing |\n", got: pgx,
		},
		"nothing is said": {
			readme: head + "| [a](flags/a) | ? | nothing |\n", got: pgx,
			want: []string{"it needs github.com/jackc/pgx, of which the README says nothing"},
		},
		"what is not needed is said": {
			readme: head + "| [a](flags/a) | ? | pgx, fsnotify |\n", got: pgx,
			want: []string{"it needs no fsnotify, though the README says so"},
		},
		"a name that ends alike is another": {
			readme: head + "| [a](flags/a) | ? | gx |\n", got: pgx,
			want: []string{"it needs no gx, though the README says so", "it needs github.com/jackc/pgx, of which the README says nothing"},
		},
		"more comes with it than is imported": {
			readme: head + "| [a](flags/a) | ? | nothing |\n", got: got{required: []string{"go.uber.org/goleak"}},
			want: []string{"go get writes go.uber.org/goleak into go.mod, which nothing here imports"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			rows, err := table(tt.readme)
			require.NoError(t, err)
			require.Equal(t, tt.want, broken(withRoom(rows[0], rows), tt.got))
		})
	}
	for name, readme := range map[string]string{
		"no table":                     "# handover\n",
		"fewer needs than packages":    head + "| [a](a), [b](b), [c](c) | ? | pgx, nothing |\n",
		"a row without a package":      head + "| a | ? | nothing |\n",
		"a table with another heading": "| Package | Needs |\n|---|---|\n| [a](a) | nothing |\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := table(readme)
			require.ErrorContains(t, err, "README.md: ")
		})
	}
}
