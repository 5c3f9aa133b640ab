package ddl

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/internal/expression"
)

// relation is a table. Once the catalog has been asked its schema is known, so that what
// is done does not depend on the search_path any more.
type relation struct{ schema, name string }

func relationOf(table string) relation {
	parts := partsOf(table)
	if len(parts) == 1 {
		return relation{name: parts[0]}
	}
	return relation{parts[0], parts[1]}
}

// partsOf are the names in users, shop.users and shop."my.users". What is a quote, and
// what a dot, is for dbcompat to say, so that a table is the same one everywhere.
func partsOf(table string) (parts []string) {
	for rest := (dbcompat.Columns{Table: table}).Relation(); rest != ""; rest = strings.TrimPrefix(rest, ".") {
		var part string
		part, rest, _ = expression.CutQuoted(rest)
		parts = append(parts, part)
	}
	return parts
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
	parts := partsOf(table)
	switch {
	case table == "":
		m.name(field, table)
	case len(parts) > 2, slices.Contains(parts, ""):
		m.wrong("%s is %s: give users, shop.users, or shop.\"my.users\"", field, table)
	case strings.Contains(table, "\x00"):
		m.name(field, table)
	default:
		m.names(field, parts)
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

// expression is the program's own too, but one that is more than that is a mistake.
func (m *mistakes) expression(field, sql string) {
	if err := expression.Check(sql); err != nil {
		m.wrong("%s, %s: %w", field, sql, err)
	}
}

// sql is the program's own, so all that can be said is whether there is any.
func (m *mistakes) sql(field, sql string) {
	if strings.TrimSpace(sql) == "" {
		m.wrong("%s is empty: give the SQL for it", field)
	}
}
