package ddl

import (
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/handover-go/handover/dbcompat"
)

// relation is a table. Once the catalog has been asked its schema is known, so that what
// is done does not depend on the search_path any more.
type relation struct{ schema, name string }

func relationOf(table string) relation {
	schema, name, ok := strings.Cut(table, ".")
	if !ok {
		return relation{name: table}
	}
	return relation{schema, name}
}

func (r relation) String() string { return r.sibling(r.name) }

// sibling is something in the table's schema, as its indexes are.
func (r relation) sibling(name string) string {
	if r.schema == "" {
		return dbcompat.Quote(name)
	}
	return dbcompat.Quote(r.schema) + "." + dbcompat.Quote(name)
}

// alter begins a statement.
func (r relation) alter() string { return "ALTER TABLE " + r.String() + " " }

func quoteAll(names []string) string {
	all := make([]string, len(names))
	for i, n := range names {
		all[i] = dbcompat.Quote(n)
	}
	return strings.Join(all, ", ")
}

// longest is where PostgreSQL cuts a name, with a notice that nobody reads.
const longest = 63

// named joins a name from parts, and keeps what had to be cut different.
func named(parts ...string) string {
	name := strings.Join(parts, "_")
	if len(name) <= longest {
		return name
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	return strings.ToValidUTF8(name[:longest-9], "") + fmt.Sprintf("_%08x", h.Sum32())
}

// mistakes are what an operation's fields contradict.
type mistakes []error

func (m *mistakes) wrong(format string, args ...any) { *m = append(*m, fmt.Errorf(format, args...)) }

func (m *mistakes) table(field, table string) {
	r := relationOf(table)
	if strings.Count(table, ".") > 1 || strings.HasPrefix(table, ".") {
		m.wrong("%s is %q: give users, or shop.users", field, table)
		return
	}
	m.name(field, r.name)
	if r.schema != "" {
		m.name(field, r.schema)
	}
}

func (m *mistakes) name(field, name string) {
	switch {
	case name == "":
		m.wrong("%s is empty: give a name", field)
	case strings.Contains(name, "\x00"):
		m.wrong("%s has a NUL, which no name has", field)
	case len(name) > longest:
		m.wrong("%s is %d bytes long, and PostgreSQL cuts a name after %d: shorten %s", field, len(name), longest, name)
	}
}

func (m *mistakes) names(field string, names []string) {
	for i, n := range names {
		m.name(fmt.Sprintf("%s[%d]", field, i), n)
	}
}

// sql is the program's own, so all that can be said is whether there is any.
func (m *mistakes) sql(field, sql string) {
	if strings.TrimSpace(sql) == "" {
		m.wrong("%s is empty: give the SQL for it", field)
	}
}
