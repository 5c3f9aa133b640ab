package dbcompat

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/handover-go/handover/dbcompat/internal/expression"
)

// A write speaks the new columns' language at all stages; what goes into an old column
// is down of the values. At a stage that is none, the parts are SQL that PostgreSQL
// refuses, and which says why.

// Set is for UPDATE: "name" = $2, "display_name" = $2. n is the number of the first
// parameter; there is one for each of New.
//
// It is put together each time, which is a microsecond; nothing is kept.
func (c Columns) Set(s Stage, n int) string { return set(c.written(s, c.parameters(n))) }

// SetTo is Set with SQL for values, one expression for each of New: stock + $2, where
// the name of a new column stands for the value that the stage believes. alias is what
// the table is called in the statement; it has to be given where there is another one,
// as in UPDATE … FROM and ON CONFLICT DO UPDATE. Names behind a dot, those of the other
// one, are left alone: what was to be inserted is Believed(s, "excluded").
func (c Columns) SetTo(s Stage, alias string, values ...string) string {
	if len(values) != len(c.New) {
		return set(refusal(fmt.Sprintf("%d values for %d columns", len(values), len(c.New))))
	}
	return set(c.written(s, expressions(values, c.New, c.Believed(s, alias))))
}

// SetExcluded is for INSERT … ON CONFLICT DO UPDATE SET: each column that the stage
// writes gets the value that was to be inserted.
func (c Columns) SetExcluded(s Stage) string {
	all := c.written(s, c.parameters(1))
	for i := range all {
		all[i].value = "EXCLUDED." + Quote(all[i].column)
	}
	return set(all)
}

// Insert is for INSERT: the columns of the list, and their values as $n and following.
func (c Columns) Insert(s Stage, n int) (columns, values string) {
	return list(c.written(s, c.parameters(n)))
}

// InsertFrom is for INSERT … SELECT from something that has the new columns, and is
// called alias in the statement: a temporary table into which one has copied.
func (c Columns) InsertFrom(s Stage, alias string) (columns, values string) {
	return list(c.written(s, at(alias, c.New)))
}

// Copy is for COPY: the columns, without quotes as pgx.CopyFrom wants them, and what
// makes their values of those of New. If it is given more or less of these it makes none,
// which pgx refuses.
//
// COPY has no expressions, so it is an error at the stages that write the old columns if
// Down is more than the columns themselves; COPY into a temporary table then, and INSERT
// with InsertFrom.
func (c Columns) Copy(s Stage) (columns []string, row func(values ...any) []any, err error) {
	from := slices.Clone(c.New) // of each column, the one whose value it gets
	switch plain := c.plainDown(); {
	case !s.Valid():
		return nil, nil, fmt.Errorf("dbcompat: copy into %s: %v is no stage", c.Table, s)
	case !s.WritesOld():
		columns = c.New
	case plain == nil:
		return nil, nil, fmt.Errorf("dbcompat: copy into %s: at %v it takes SQL to make %s: "+
			"COPY into a temporary table, and INSERT … SELECT with InsertFrom", c.Table, s, strings.Join(c.Old, ", "))
	case s == Old:
		columns, from = c.Old, plain
	default:
		columns, from = slices.Concat(c.Old, c.New), slices.Concat(plain, c.New)
	}
	return slices.Clone(columns), func(values ...any) []any {
		if len(values) != len(c.New) {
			return nil
		}
		all := make([]any, len(from))
		for i, name := range from {
			all[i] = values[slices.Index(c.New, name)]
		}
		return all
	}, nil
}

// plainDown are the new columns that are all there is to Down; nil if there is more.
func (c Columns) plainDown() []string {
	if len(c.Down) == 0 {
		return c.New
	}
	names := make([]string, len(c.Down))
	for i, e := range c.Down {
		name, is := expression.Column(e)
		if !is || !slices.Contains(c.New, name) {
			return nil
		}
		names[i] = name
	}
	return names
}

// parameters are $n and those after it, with their types.
func (c Columns) parameters(n int) []string {
	all := make([]string, len(c.New))
	for i := range all {
		all[i] = "$" + strconv.Itoa(n+i)
		if i < len(c.Types) {
			all[i] += "::" + c.Types[i]
		}
	}
	return all
}

// assignment is a column, not yet quoted, and the SQL that it gets.
type assignment struct{ column, value string }

// written is what a stage writes: the believed columns first.
func (c Columns) written(s Stage, values []string) []assignment {
	switch {
	case !s.Valid():
		return refusal(fmt.Sprintf("%v is no stage", s))
	case len(c.Down) != len(c.Old) && (len(c.Down) > 0 || len(c.Old) != len(c.New)):
		return refusal("Check has not been called")
	}
	all := make([]assignment, 0, len(c.Old)+len(c.New))
	if s.BelievesNew() {
		all = pair(all, c.New, values)
	}
	if s.WritesOld() {
		all = pair(all, c.Old, expressions(c.Down, c.New, values))
	}
	if s == DualWrite {
		all = pair(all, c.New, values)
	}
	return all
}

func pair(all []assignment, columns, values []string) []assignment {
	for i := range columns {
		all = append(all, assignment{columns[i], values[i]})
	}
	return all
}

// refusal is a column that there cannot be: the statement fails, and touches nothing.
func refusal(why string) []assignment { return []assignment{{"dbcompat: " + why, "NULL"}} }

func set(all []assignment) string {
	var b strings.Builder
	b.Grow(size(all))
	for i, a := range all {
		if i > 0 {
			b.WriteString(", ")
		}
		quote(&b, a.column)
		b.WriteString(" = ")
		b.WriteString(a.value)
	}
	return b.String()
}

func list(all []assignment) (columns, values string) {
	var c, v strings.Builder
	for i, a := range all {
		if i > 0 {
			c.WriteString(", ")
			v.WriteString(", ")
		}
		quote(&c, a.column)
		v.WriteString(a.value)
	}
	return c.String(), v.String()
}

// size is about how long a text of them is.
func size(all []assignment) int {
	n := 0
	for _, a := range all {
		n += len(a.column) + len(a.value) + len(`"" = , `)
	}
	return n
}
