package dbcompat

import (
	"fmt"
	"slices"
	"strings"
)

// Select is the list for SELECT or RETURNING: the new columns, with the values that the
// stage believes (where it believes old, that is up of it), and at DualWrite and ReadNew
// one boolean more, whether the row's old and new differ. It is called as the first of
// New with _differs at its end. alias is what the table is called in the statement, as
// in u."name"; it may be empty.
//
// The boolean costs no query: both are in the row that is read. It is lost in the time of
// a row that is read by its key, and a quarter more for 10,000 (BenchmarkCompare). At both
// stages it compares what the program would read from old with new, so that down
// need not hold what only new can hold: a bigint that New has written is a difference
// at ReadNew, and no error. The new columns' types need an =, so json and xml do not do.
func (c Columns) Select(s Stage, alias string) string {
	parts := c.Believed(s, alias)
	news := at(alias, c.New)
	for i := range parts {
		if i < len(news) && parts[i] != news[i] {
			parts[i] += " AS " + Quote(c.New[i])
		}
	}
	if s.Compares() && len(news) > 0 {
		parts = append(parts, differ(news, c.ups(alias))+" AS "+Quote(c.New[0]+"_differs"))
	}
	return strings.Join(parts, ", ")
}

// Believed are the values alone, one expression for each of New: for WHERE, ORDER BY and
// GROUP BY. An index serves it from the stage on that believes the index's column.
func (c Columns) Believed(s Stage, alias string) []string {
	var why string
	switch {
	case !s.Valid():
		why = fmt.Sprintf("%v is no stage", s)
	case s.BelievesNew():
		return at(alias, c.New)
	case len(c.Up) != len(c.New) && (len(c.Up) > 0 || len(c.Old) != len(c.New)):
		why = "Check has not been called"
	default:
		return c.ups(alias)
	}
	return slices.Repeat([]string{Quote(refusal(why)[0].column)}, max(1, len(c.New)))
}

// Into is what a row's Scan gets for what Select has asked for: values, one target for
// each of New, and at the stages that compare one for the boolean, which is noted in m.
// m may be nil. key are targets that the same Scan fills before these, and that tell
// which row it is in m's samples.
func (c Columns) Into(s Stage, values []any, m *Mismatches, key ...any) []any {
	into := slices.Clone(values)
	if s.Compares() {
		into = append(into, &mismatch{m, s, key})
	}
	return into
}

func (c Columns) ups(alias string) []string { return expressions(c.Up, c.Old, at(alias, c.Old)) }

// at are names of a table that is called alias.
func at(alias string, names []string) []string {
	all := quoteAll(names)
	if alias != "" {
		for i := range all {
			all[i] = Quote(alias) + "." + all[i]
		}
	}
	return all
}

// differ is true if one of the columns is not what it should be.
func differ(columns, values []string) string {
	parts := make([]string, min(len(columns), len(values)))
	for i := range parts {
		parts[i] = columns[i] + " IS DISTINCT FROM " + values[i]
	}
	return "(" + strings.Join(parts, " OR ") + ")"
}

// Compares reports whether Select has the boolean at the end.
func (s Stage) Compares() bool { return s == DualWrite || s == ReadNew }
