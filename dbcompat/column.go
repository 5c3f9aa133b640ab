package dbcompat

import "strings"

// Column is one column that is replaced by another; T is what the program scans the new
// one into, a pointer or a sql.Null if it may be NULL. See Columns, whose parts these
// are.
type Column[T any] struct {
	Table    string // users, or shop.users; as in Columns
	Key      string // the columns of the key, separated by commas if there are several
	Old, New string // the names of the two
	Up, Down string // SQL: of the new one from the old, and back
	Type     string // the new column's, if the old one's is another
}

// Columns is the column as one of several.
func (c Column[T]) Columns() Columns {
	several := c.columns()
	several.Key = splitKey(c.Key)
	return several
}

// columns leaves out the key, which no part of a statement has.
func (c Column[T]) columns() Columns {
	several := Columns{Table: c.Table, Old: []string{c.Old}, New: []string{c.New}}
	if c.Up != "" {
		several.Up = []string{c.Up}
	}
	if c.Down != "" {
		several.Down = []string{c.Down}
	}
	if c.Type != "" {
		several.Types = []string{c.Type}
	}
	return several
}

// Check tells what contradicts itself, all at once, as that of Columns does. It asks no
// database.
func (c Column[T]) Check() error { return c.Columns().Check() }

// Relation is the table's name, quoted.
func (c Column[T]) Relation() string { return relation(c.Table) }

// Set is for UPDATE, with the value as $n.
func (c Column[T]) Set(s Stage, n int) string { return c.columns().Set(s, n) }

// SetTo is for UPDATE, with SQL for the value: stock + $2, where the new column's name
// stands for the value that the stage believes. See Columns.SetTo for alias.
func (c Column[T]) SetTo(s Stage, alias, value string) string {
	return c.columns().SetTo(s, alias, value)
}

// SetExcluded is for ON CONFLICT DO UPDATE SET.
func (c Column[T]) SetExcluded(s Stage) string { return c.columns().SetExcluded(s) }

// Insert is for INSERT, with the value as $n.
func (c Column[T]) Insert(s Stage, n int) (columns, values string) { return c.columns().Insert(s, n) }

// InsertFrom is for INSERT … SELECT from what is called alias and has the new column.
func (c Column[T]) InsertFrom(s Stage, alias string) (columns, values string) {
	return c.columns().InsertFrom(s, alias)
}

// Copy is for COPY; row makes a row's values of one of T. See Columns.Copy for when it
// cannot be.
func (c Column[T]) Copy(s Stage) (columns []string, row func(T) []any, err error) {
	columns, several, err := c.columns().Copy(s)
	if err != nil {
		return nil, nil, err
	}
	return columns, func(value T) []any { return several(value) }, nil
}

// Select is the list for SELECT or RETURNING; Into is what to scan it into.
func (c Column[T]) Select(s Stage, alias string) string { return c.columns().Select(s, alias) }

// Believed is the value alone, for WHERE and ORDER BY.
func (c Column[T]) Believed(s Stage, alias string) string {
	return c.columns().Believed(s, alias)[0]
}

// Into is what a row's Scan gets for what Select has asked for: the value, and whether
// old and new differ, which is noted in m. m may be nil. key are targets that the same
// Scan fills before these, and that tell which row it is in m's samples.
func (c Column[T]) Into(s Stage, value *T, m *Mismatches, key ...any) []any {
	return Columns{}.Into(s, []any{value}, m, key...)
}

// splitKey is the key's columns.
func splitKey(key string) []string {
	if strings.TrimSpace(key) == "" {
		return nil
	}
	var all []string
	for name := range strings.SplitSeq(key, ",") {
		all = append(all, strings.TrimSpace(name))
	}
	return all
}
