package heal

import (
	"slices"
	"strings"

	"github.com/handover-go/handover/dbcompat"
)

// ups has an expression for each new column, over the old ones of a row.
func ups(c dbcompat.Columns, row string) []string { return c.Believed(dbcompat.Old, row) }

// downs has one for each old column, over the new ones: up, seen from the other side.
func downs(c dbcompat.Columns, row string) []string {
	return dbcompat.Columns{Old: c.New, New: c.Old, Up: c.Down}.Believed(dbcompat.Old, row)
}

// of are the columns of a row: new or old in a trigger, or a table.
func of(row string, names []string) []string {
	all := slices.Clone(names)
	for i, name := range all {
		all[i] = dbcompat.Quote(row) + "." + dbcompat.Quote(name)
	}
	return all
}

// distinct is true if one of a is not what it is in b.
func distinct(a, b []string) string {
	parts := make([]string, len(a))
	for i := range a {
		parts[i] = a[i] + " IS DISTINCT FROM " + b[i]
	}
	return "(" + strings.Join(parts, " OR ") + ")"
}

// null is true if all are.
func null(row string, names []string) string {
	return strings.Join(of(row, names), " IS NULL AND ") + " IS NULL"
}

// literal is a text in SQL, whatever standard_conforming_strings says.
func literal(text string) string {
	quoted := "'" + strings.ReplaceAll(text, "'", "''") + "'"
	if strings.Contains(text, `\`) {
		quoted = "E" + strings.ReplaceAll(quoted, `\`, `\\`)
	}
	return quoted
}
