package dbcompat

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/handover-go/handover/dbcompat/internal/expression"
)

// Columns are one or more columns that are being replaced together, as full_name is by
// first_name and last_name. For one there is Column. It is a plain value; its methods may
// be called from any goroutine. Check it once, at the start: what the other methods make
// of one that contradicts itself, PostgreSQL refuses.
//
// Names are given as they are in the database, without quotes; they are quoted wherever
// they are put into a statement. Up and Down are SQL, and the program's own: never build
// them from input.
type Columns struct {
	// Table is users, or shop.users. If a name has a dot, it is written with quotes, as
	// in SQL: shop."my.users".
	Table string
	Key   []string // the columns of a unique key that are NOT NULL, in its order

	Old, New []string // in the same table, and all different

	// Up has an expression for each of New over the columns of Old, and Down one for
	// each of Old over New, as they would stand in an UPDATE of the row: lower(name).
	// They must be immutable, and undo each other for the values that there are. If one
	// is left out and there are as many old columns as new ones, it is the column itself.
	Up, Down []string

	// Types are the SQL types of the new columns, for parameters: text, numeric(10,2).
	// PostgreSQL cannot deduce the type of a $1 that is written to columns of two types,
	// and takes it from Down if that is more than the column. Say them in these cases.
	Types []string
}

// Check tells what contradicts itself, all at once. It asks no database.
func (c Columns) Check() error {
	var mistakes []error
	wrong := func(format string, args ...any) {
		mistakes = append(mistakes, fmt.Errorf("dbcompat: columns of %q: "+format, append([]any{c.Table}, args...)...))
	}
	if err := checkTable(c.Table); err != nil {
		wrong("Table: %w", err)
	}
	for _, list := range []struct {
		what  string
		names []string
	}{{"Key", c.Key}, {"Old", c.Old}, {"New", c.New}} {
		for i, name := range list.names {
			if err := checkName(name); err != nil {
				wrong("%s[%d], %q: %w", list.what, i, name, err)
			}
		}
	}
	if len(c.Key) == 0 {
		wrong("Key is empty: name the columns of the primary key, or of a unique one that is NOT NULL")
	}
	if len(c.Old) == 0 || len(c.New) == 0 {
		wrong("Old and New have to name a column at least")
	}
	if name := twice(slices.Concat(c.Old, c.New)); name != "" {
		wrong("%q is there twice: a column is replaced by another one", name)
	}
	if name := twice(slices.Concat(c.Key, c.New)); name != "" {
		wrong("%q is twice in Key, or is being filled: name a key of other columns", name)
	}
	c.checkExpressions(wrong)
	return errors.Join(mistakes...)
}

func checkTable(table string) error {
	names := tableNames(table)
	if len(names) > 2 {
		return errors.New(`it has too many dots: give users, shop.users, or shop."my.users"`)
	}
	for _, name := range names {
		if checkName(name) != nil {
			return errors.New("it is no name: give users, or shop.users")
		}
	}
	return nil
}

func (c Columns) checkExpressions(wrong func(string, ...any)) {
	for _, d := range []struct {
		what            string
		given, from, to []string
	}{{"Up", c.Up, c.Old, c.New}, {"Down", c.Down, c.New, c.Old}} {
		if len(d.given) != len(d.to) && (len(d.given) > 0 || len(d.from) != len(d.to)) {
			wrong("%s has %d expressions for %d columns: give one for each of %s", d.what, len(d.given), len(d.to), strings.Join(d.to, ", "))
		}
		for i, e := range d.given {
			if err := expression.Check(e); err != nil {
				wrong("%s[%d], %s: %w", d.what, i, e, err)
			}
		}
	}
	c.checkTypes(wrong)
}

func (c Columns) checkTypes(wrong func(string, ...any)) {
	if len(c.Types) > 0 && len(c.Types) != len(c.New) {
		wrong("Types has %d for %d columns: give one for each of New, or none", len(c.Types), len(c.New))
	}
	for i, t := range c.Types {
		if !typeNames.MatchString(t) {
			wrong("Types[%d], %q, is no type: give its name, as in numeric(10,2)", i, t)
		}
	}
}

func twice(names []string) string {
	seen := map[string]bool{}
	for _, n := range names {
		if n != "" && seen[n] {
			return n
		}
		seen[n] = true
	}
	return ""
}

// Twin is what a machine may write at a stage, and from what: the columns that are not
// believed, and for each the expression over those that are. Names are quoted, and
// those in the expressions stand alone, as in an UPDATE of one table.
func (c Columns) Twin(s Stage) (columns, values []string, err error) {
	switch {
	case !s.Valid():
		return nil, nil, fmt.Errorf("dbcompat: twin of %s: %v is no stage", c.Table, s)
	case s.BelievesNew():
		return quoteAll(c.Old), expressions(c.Down, c.New, quoteAll(c.New)), nil
	default:
		return quoteAll(c.New), expressions(c.Up, c.Old, quoteAll(c.Old)), nil
	}
}

// Relation is the table's name, quoted.
func (c Columns) Relation() string { return relation(c.Table) }

// expressions are those given, with each column exchanged for what stands for it, or if
// there are none the values themselves.
func expressions(given, columns, values []string) []string {
	if len(given) == 0 {
		return values
	}
	closed := slices.Clone(values)
	for i, v := range closed {
		if strings.HasPrefix(v, "$") && strings.Contains(v, "::") {
			closed[i] = "(" + v + ")" // $1::text[1] would be a type
		}
	}
	all := make([]string, len(given))
	for i, e := range given {
		name, plain := expression.Column(e)
		if c := slices.Index(columns, name); plain && c >= 0 {
			all[i] = values[c]
			continue
		}
		e, err := expression.Substitute(e, columns, closed)
		if err != nil {
			e = Quote("dbcompat: " + err.Error()) // a column that there cannot be
		}
		all[i] = "(" + e + ")"
	}
	return all
}
