package handover_test

import (
	"fmt"
	"go/parser"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/handover-go/handover"

// rooms are the five packages that main ties together.
var rooms = []string{"lifecycle", "shutdown", "probes", "flags", "dbcompat"}

// A ban says what may not be imported where, of our own packages (they begin
// with "./") and of the standard library. In patterns "a/..." is a and all
// below, "..." is everything, and * stands for a part of one name.
type ban struct {
	in, imports []string
	except      []string // directories
	but         []string // imports
	tests       bool     // holds for _test.go files as well
	why         string
}

// A permit says where a package of another module may be imported. What no
// permit names may be imported nowhere.
type permit struct {
	imports, in []string
	tests       bool // in _test.go files only
	why         string
}

func bans() []ban {
	all := []ban{
		{
			in: []string{"internal/..."}, imports: below(rooms...), tests: true,
			why: "internal/ is what the rooms share; it lies under them (docs/design/002)",
		},
		{
			in: []string{"lifecycle"}, imports: []string{"os/signal", "net/http/..."},
			why: "lifecycle knows order and time; signals and servers are shutdown's",
		},
		{
			in: []string{"probes"}, imports: []string{"os/signal"},
			why: "probes are told of a stop by Drain; signals are shutdown's",
		},
		{
			in: []string{"lifecycle", "shutdown", "probes", "flags"}, imports: []string{"./internal/pg*"},
			why: "these rooms stay free of PostgreSQL; a sub-package is for that (pgflags, pgprobes)",
		},
		{
			in: []string{"..."}, except: []string{"examples/..."}, imports: []string{"./examples/..."}, tests: true,
			why: "examples show the library; nothing is built on them",
		},
		{
			in: []string{"..."}, except: []string{"*/*test"}, imports: []string{"testing/..."},
			why: "testing stays out of programs; packages for tests have names that end in test",
		},
		{
			in: []string{"..."}, except: []string{"*/*test", "examples/..."}, imports: []string{"./*/*test"},
			why: "what is for tests stays out of programs, but for examples, which may be experiments",
		},
	}
	for _, room := range rooms {
		others := slices.DeleteFunc(slices.Clone(rooms), func(other string) bool { return other == room })
		all = append(all, ban{
			in: []string{room + "/..."}, imports: below(others...), tests: true,
			why: "no sideways imports: " + room + " meets the others in main, as func(context.Context) error (docs/design/002)",
		}, ban{
			in: []string{room}, imports: []string{"./" + room + "/..."}, but: []string{"./" + room + "/internal/..."},
			why: "what a sub-package of " + room + " drags in is for those who import the sub-package",
		})
	}
	return all
}

func permits() []permit {
	return []permit{
		{
			imports: []string{"github.com/stretchr/testify/require"}, in: []string{"..."}, tests: true,
			why: "a test stops at what it requires: no assert, no suite, no mock, and nothing of it in programs",
		},
		{
			imports: []string{"go.uber.org/goleak"}, in: []string{"..."}, tests: true,
			why: "it is for TestMain",
		},
		{
			imports: []string{"golang.org/x/sync/..."}, in: []string{"probes/..."},
			why: "it costs nothing, but a sync.WaitGroup is nearer",
		},
		{
			imports: []string{"github.com/prometheus/client_golang/..."}, in: []string{"*/prom*", "*/*/prom*", "probes/heptioprobes", "examples/..."},
			why: "Prometheus is 2 MB and nine modules: prom… sub-packages only, and heptioprobes, which links it anyway",
		},
		{
			imports: []string{"github.com/coder/websocket"}, in: []string{"examples/..."},
			why: "examples show how a WebSocket says goodbye; the library knows no protocol above HTTP",
		},
		{
			imports: []string{"github.com/heptiolabs/healthcheck"}, in: []string{"probes/heptioprobes"},
			why: "it links Prometheus: heptioprobes only",
		},
		{
			imports: []string{"go.yaml.in/yaml/v3"}, in: []string{"probes/podspec/..."},
			why: "a pod's specification is YAML; nothing that runs in a service reads any",
		},
		{
			imports: []string{"github.com/cespare/xxhash/v2", "github.com/twmb/murmur3"}, in: []string{"flags/internal/bucket"},
			why: "a set names its hash, which has to be the very one; each is a small module without dependencies",
		},
		{
			imports: []string{"golang.org/x/mod/module", "golang.org/x/mod/modfile", "golang.org/x/mod/zip"}, in: []string{"."}, tests: true,
			why: "a test gets the module as a stranger does, from a zip",
		},
		{
			imports: []string{"golang.org/x/mod/semver"}, in: []string{"flags/internal/logic"},
			why: "rules compare versions; nothing else here does",
		},
		{
			imports: []string{"github.com/fsnotify/fsnotify"}, in: []string{"flags/fileflags"},
			why: "a file that changes is noticed in fileflags only",
		},
		{
			imports: []string{"github.com/jackc/pgx/v5/..."},
			in:      []string{"dbcompat/...", "*/pg*", "*/*/pg*", "internal/pg*", "examples/..."},
			why:     "pgx is 2 MB and four modules: dbcompat, pg… sub-packages and examples only",
		},
	}
}

func below(rooms ...string) []string {
	var patterns []string
	for _, room := range rooms {
		patterns = append(patterns, "./"+room+"/...")
	}
	return patterns
}

// A refusal is an import that breaks one of the two tables.
type refusal struct {
	file      string
	line      int
	name, why string
}

func (r refusal) String() string {
	return fmt.Sprintf("%s:%d: may not import %s: %s", r.file, r.line, r.name, r.why)
}

func refused(all []source) []refusal {
	var found []refusal
	for _, s := range all {
		for _, spec := range s.tree.Imports {
			name, _ := strconv.Unquote(spec.Path.Value) // the parser has seen to it
			if name == module {
				name = "."
			} else if own, ok := strings.CutPrefix(name, module+"/"); ok {
				name = "./" + own
			}
			for _, why := range objections(s, name) {
				found = append(found, refusal{s.path, s.line(spec.Pos()), name, why})
			}
		}
	}
	return found
}

func objections(s source, name string) []string {
	var whys []string
	for _, b := range bans() {
		here := (b.tests || !s.isTest()) && matches(b.in, s.dir()) && !matches(b.except, s.dir())
		if here && matches(b.imports, name) && !matches(b.but, name) {
			whys = append(whys, b.why)
		}
	}
	if first, _, _ := strings.Cut(name, "/"); !strings.Contains(first, ".") || first == "." {
		return whys // the standard library and our own: banned or allowed
	}
	why := "a new dependency is not accepted by default (CONTRIBUTING.md); testify is require only"
	for _, p := range permits() {
		if !matches(p.imports, name) {
			continue
		}
		if matches(p.in, s.dir()) && (s.isTest() || !p.tests) {
			return whys
		}
		why = p.why
	}
	return append(whys, why)
}

func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		prefix, deep := strings.CutSuffix(pattern, "...")
		if !deep {
			ok, err := path.Match(pattern, name)
			return ok && err == nil
		}
		if prefix == "" {
			return true
		}
		// As many names as the pattern has, and whatever comes below.
		names := strings.Split(name, "/")
		n := strings.Count(prefix, "/")
		ok, err := path.Match(strings.TrimSuffix(prefix, "/"), strings.Join(names[:min(n, len(names))], "/"))
		return ok && err == nil
	})
}

func TestImports(t *testing.T) {
	for _, r := range refused(sources(t, repository(), parser.ImportsOnly)) {
		t.Error(r)
	}
}

func TestImportsThatAreRefused(t *testing.T) {
	tests := map[string]struct{ file, imports, why string }{
		"internal leans on a room":             {"internal/haste/haste.go", module + "/probes", "lies under them"},
		"internal leans on one in a test":      {"internal/haste/haste_test.go", module + "/probes", "lies under them"},
		"lifecycle hears signals":              {"lifecycle/app.go", "os/signal", "knows order and time"},
		"lifecycle serves":                     {"lifecycle/app.go", "net/http", "knows order and time"},
		"lifecycle serves with a proxy":        {"lifecycle/app.go", "net/http/httputil", "knows order and time"},
		"probes hear signals":                  {"probes/set.go", "os/signal", "told of a stop by Drain"},
		"a room takes PostgreSQL by a detour":  {"flags/client.go", module + "/internal/pglease", "stay free of PostgreSQL"},
		"a test is built on an example":        {"probes/set_test.go", module + "/examples/minimal", "show the library"},
		"a program links testing":              {"probes/set.go", "testing", "testing stays out"},
		"a program links testing/synctest":     {"examples/rollout/main.go", "testing/synctest", "testing stays out"},
		"a program links a package for tests":  {"flags/pgflags/source.go", module + "/internal/pgtest", "for tests stays out"},
		"a room imports its own sub-package":   {"shutdown/server.go", module + "/shutdown/promshutdown", "drags in"},
		"testify's assert":                     {"probes/set_test.go", "github.com/stretchr/testify/assert", "require only"},
		"testify in a program":                 {"flags/flagstest/suite.go", "github.com/stretchr/testify/require", "stops at what it requires"},
		"goleak in a program":                  {"probes/probestest/main.go", "go.uber.org/goleak", "for TestMain"},
		"x/sync elsewhere":                     {"lifecycle/run.go", "golang.org/x/sync/errgroup", "nearer"},
		"Prometheus in a room":                 {"shutdown/tracker.go", "github.com/prometheus/client_golang/prometheus", "prom… sub-packages only"},
		"Prometheus in a room's test":          {"shutdown/tracker_test.go", "github.com/prometheus/client_golang/prometheus", "prom… sub-packages only"},
		"a WebSocket library":                  {"shutdown/handler.go", "github.com/coder/websocket", "no protocol above HTTP"},
		"healthcheck beside heptioprobes":      {"probes/promprobes/collector.go", "github.com/heptiolabs/healthcheck", "heptioprobes only"},
		"YAML in a program":                    {"probes/set.go", "go.yaml.in/yaml/v3", "a pod's specification is YAML"},
		"pgx in flags":                         {"flags/client.go", "github.com/jackc/pgx/v5", "pg… sub-packages"},
		"pgxpool in an internal package":       {"internal/stack/stack.go", "github.com/jackc/pgx/v5/pgxpool", "pg… sub-packages"},
		"a hash beside the one that is named":  {"flags/client.go", "github.com/cespare/xxhash/v2", "has to be the very one"},
		"a module's zip in a program":          {"flags/client.go", "golang.org/x/mod/zip", "as a stranger"},
		"a version elsewhere":                  {"dbcompat/column.go", "golang.org/x/mod/semver", "rules compare versions"},
		"a watch in another source":            {"flags/httpflags/endpoint.go", "github.com/fsnotify/fsnotify", "in fileflags only"},
		"a dependency that nobody argued for":  {"examples/complete/main.go", "github.com/spf13/cobra", "not accepted by default"},
		"an older pgx is another dependency":   {"dbcompat/column.go", "github.com/jackc/pgx/v4", "not accepted by default"},
		"a neighbour's name is no permission":  {"probes/heptioprobestoo/x.go", "github.com/heptiolabs/healthcheck", "heptioprobes only"},
		"a file that is only for another GOOS": {"shutdown/notify_windows.go", module + "/lifecycle", "no sideways imports"},
	}
	for _, room := range rooms {
		add := func(name, file, imports, why string) {
			tests[room+" imports "+name] = struct{ file, imports, why string }{room + file, module + "/" + imports, why}
		}
		add("its own prom", "/x.go", room+"/prom"+room, "sub-package of "+room)
		for _, other := range rooms {
			if other != room {
				add(other, "/x.go", other, "no sideways imports: "+room)
				add(other+" in a test", "/x_test.go", other, "no sideways imports: "+room)
				add("what is below "+other, "/y/x.go", other+"/z", "no sideways imports: "+room)
			}
		}
	}

	seen := map[string]bool{}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			code := fmt.Sprintf("package x\n\nimport _ %q\n", tt.imports)
			found := refused(sources(t, tree(map[string]string{tt.file: code}), parser.ImportsOnly))
			require.Len(t, found, 1)
			require.Contains(t, found[0].String(), tt.file+":3: may not import ")
			require.Contains(t, found[0].why, tt.why)
			seen[found[0].why] = true
		})
	}

	// A rule that is added needs a test that shows that it can fail.
	for _, b := range bans() {
		require.Contains(t, seen, b.why)
	}
	for _, p := range permits() {
		require.Contains(t, seen, p.why)
	}
}

func TestImportsThatAreAllowed(t *testing.T) {
	tests := map[string]struct{ file, imports string }{
		"a room uses internal":              {"lifecycle/run.go", module + "/internal/stack"},
		"a test of lifecycle serves HTTP":   {"lifecycle/example_test.go", "net/http"},
		"shutdown hears signals":            {"shutdown/notify.go", "os/signal"},
		"main ties the rooms":               {"examples/minimal/main.go", module + "/probes"},
		"a sub-package imports its room":    {"shutdown/promshutdown/collector.go", module + "/shutdown"},
		"a room's test uses its sub-tests":  {"flags/client_test.go", module + "/flags/flagstest"},
		"a package for tests links testing": {"flags/flagstest/suite.go", "testing"},
		"an example counts what is lost":    {"examples/rollout/main.go", module + "/shutdown/droptest"},
		"require in a test":                 {"probes/set_test.go", "github.com/stretchr/testify/require"},
		"goleak in a test":                  {"probes/set_test.go", "go.uber.org/goleak"},
		"x/sync in probes":                  {"probes/run.go", "golang.org/x/sync/singleflight"},
		"Prometheus in promprobes":          {"probes/promprobes/collector.go", "github.com/prometheus/client_golang/prometheus"},
		"healthcheck in heptioprobes":       {"probes/heptioprobes/check.go", "github.com/heptiolabs/healthcheck"},
		"a WebSocket in an example":         {"examples/websocket/main.go", "github.com/coder/websocket"},
		"a hash in bucket":                  {"flags/internal/bucket/bucket.go", "github.com/twmb/murmur3"},
		"a version in a rule":               {"flags/internal/logic/version.go", "golang.org/x/mod/semver"},
		"a watch in fileflags":              {"flags/fileflags/watch.go", "github.com/fsnotify/fsnotify"},
		"pgx in dbcompat":                   {"dbcompat/column.go", "github.com/jackc/pgx/v5"},
		"pgxpool in a part of dbcompat":     {"dbcompat/change/lease.go", "github.com/jackc/pgx/v5/pgxpool"},
		"pgx in pgflags":                    {"flags/pgflags/source.go", "github.com/jackc/pgx/v5"},
		"pgx in pgramp":                     {"flags/ramp/pgramp/store.go", "github.com/jackc/pgx/v5"},
		"Prometheus in promramp":            {"flags/ramp/promramp/collector.go", "github.com/prometheus/client_golang/prometheus"},
		"pgx in pgtest":                     {"internal/pgtest/server.go", "github.com/jackc/pgx/v5/pgconn"},
		"pgx in an example":                 {"examples/complete/main.go", "github.com/jackc/pgx/v5/pgxpool"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			code := fmt.Sprintf("package x\n\nimport _ %q\n", tt.imports)
			require.Empty(t, refused(sources(t, tree(map[string]string{tt.file: code}), parser.ImportsOnly)))
		})
	}
}
