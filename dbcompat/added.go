package dbcompat

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/handover-go/handover/dbcompat/internal/expression"
)

// Added is a column that is new, has to have a value in each row, and replaces no other;
// T is what the program scans it into. It needs no stages:
//
//	1  the column is added, nullable; then its default is set, for the rows of programs
//	   that do not know of it
//	2  the program that uses it is deployed: it writes the column always, and reads Fill
//	   where there is NULL
//	3  rows with NULL are filled, in batches: backfill.NewAdded, or by hand with Missing
//	4  it becomes NOT NULL; the default may go when nobody is left who does not know it
//
// If a constant is right for all rows there is nothing to do: ADD COLUMN … NOT NULL
// DEFAULT 'free' is done at once, however many there are.
//
// Here, and only here, NULL is right to tell what is left to do: nobody writes it, and
// nothing has to follow what an old program writes.
type Added[T any] struct {
	Table  string // users, or shop.users; as in Columns
	Key    string // the columns of the key, separated by commas if there are several
	Column string // the one that was added
	Fill   string // SQL over the row's other columns, never NULL: lower(country)
}

// Check tells what contradicts itself, all at once. It asks no database.
func (a Added[T]) Check() error {
	var mistakes []error
	wrong := func(what string, err error) {
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("dbcompat: added column of %q: %s: %w", a.Table, what, err))
		}
	}
	wrong("Table", checkTable(a.Table))
	wrong("Column", checkName(a.Column))
	wrong("Fill", expression.Check(a.Fill))
	if len(splitKey(a.Key)) == 0 {
		wrong("Key", errors.New("it is empty: name the columns of the primary key"))
	}
	for _, name := range splitKey(a.Key) {
		wrong("Key", checkName(name))
	}
	if name := twice(append(splitKey(a.Key), a.Column)); name != "" {
		wrong("Key", fmt.Errorf("%q is in it twice, or is being filled: name a key of other columns", name))
	}
	if expression.Mentions(a.Fill, a.Column) {
		wrong("Fill", errors.New("it is over the column that is being filled: name others"))
	}
	return errors.Join(mistakes...)
}

// Relation is the table's name, quoted.
func (a Added[T]) Relation() string { return relation(a.Table) }

// Set is for UPDATE, with the value as $n.
func (a Added[T]) Set(n int) string { return Quote(a.Column) + " = $" + strconv.Itoa(n) }

// SetExcluded is for ON CONFLICT DO UPDATE SET.
func (a Added[T]) SetExcluded() string { return Quote(a.Column) + " = EXCLUDED." + Quote(a.Column) }

// Insert is for INSERT, with the value as $n.
func (a Added[T]) Insert(n int) (column, value string) {
	return Quote(a.Column), "$" + strconv.Itoa(n)
}

// Believed is the value, for WHERE and ORDER BY: COALESCE("plan", (Fill)). The names in
// Fill stand as they are, so name the table there where a statement has several.
func (a Added[T]) Believed(alias string) string {
	return "COALESCE(" + at(alias, []string{a.Column})[0] + ", (" + a.Fill + "))"
}

// Select is for SELECT and RETURNING; there is no NULL.
func (a Added[T]) Select(alias string) string { return a.Believed(alias) + " AS " + Quote(a.Column) }

// Into is what a row's Scan gets for what Select has asked for.
func (a Added[T]) Into(value *T) []any { return []any{value} }

// Missing are the parts of an UPDATE that fills the column: what it sets, and where. For
// more than some thousand rows there is backfill.NewAdded, which does it in batches.
func (a Added[T]) Missing() (set, where string) {
	return Quote(a.Column) + " = (" + a.Fill + ")", Quote(a.Column) + " IS NULL"
}
