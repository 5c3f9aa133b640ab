package ddl

import (
	"fmt"
	"strings"

	"github.com/handover-go/handover/dbcompat"
)

// Check adds a CHECK. New rows have to satisfy it at once; the others are looked at while
// all go on. One of that name that is there already is taken for this one if PostgreSQL
// would write the two in the same way; if not, the error has both.
type Check struct {
	Table, Name string
	Expression  string // the program's own SQL: length(name) > 0
}

// String is as in "check name_is_there on users".
func (o Check) String() string { return fmt.Sprintf("check %s on %s", o.Name, o.Table) }
func (o Check) in() string     { return o.Table }
func (o Check) needs(*table)   {}

func (o Check) check() (m mistakes) {
	m.table("Table", o.Table)
	m.name("Name", o.Name)
	m.expression("Expression", o.Expression)
	return m
}

func (o Check) steps(_ int, r relation) []Step {
	definition := "CHECK (" + o.Expression + ")"
	return validated(r, o.Name, "c", definition, Step{Lock: AccessExclusive, like: likeCheck(r, o.Name, definition)})
}

// ForeignKey adds a foreign key. New rows have to satisfy it at once; the others are looked
// at while all go on. One of that name that is there already is taken for this one.
type ForeignKey struct {
	Table, Name string
	Columns     []string // that refer, in the order of Referenced
	References  string   // the other table
	Referenced  []string // its columns, of a key; empty means the primary one
	Actions     string   // SQL, if it is not to be the default: ON DELETE CASCADE
}

// String is as in "foreign key orders_user_fkey on orders".
func (o ForeignKey) String() string { return fmt.Sprintf("foreign key %s on %s", o.Name, o.Table) }
func (o ForeignKey) in() string     { return o.Table }

func (o ForeignKey) needs(t *table) {
	t.has(o.Columns...)
	t.sees(o.References)
}

func (o ForeignKey) check() (m mistakes) {
	m.table("Table", o.Table)
	m.name("Name", o.Name)
	m.table("References", o.References)
	if len(o.Columns) == 0 {
		m.wrong("Columns is empty: name the columns that refer to %s", o.References)
	}
	if len(o.Referenced) > 0 && len(o.Referenced) != len(o.Columns) {
		m.wrong("Referenced has %d columns and Columns %d: give one for each", len(o.Referenced), len(o.Columns))
	}
	m.names("Columns", o.Columns)
	m.names("Referenced", o.Referenced)
	return m
}

func (o ForeignKey) steps(_ int, r relation) []Step {
	other := relationOf(o.References).String()
	definition := "FOREIGN KEY (" + quoteAll(o.Columns) + ") REFERENCES " + other
	if len(o.Referenced) > 0 {
		definition += " (" + quoteAll(o.Referenced) + ")"
	}
	if o.Actions != "" {
		definition += " " + o.Actions
	}
	return validated(r, o.Name, "f", definition, Step{Lock: ShareRowExclusive, On: []string{r.String(), other}})
}

// validated are the two steps of a constraint that does not read the table while others
// wait. In one transaction the first one's lock would be held as long as the second reads.
func validated(r relation, name, kind, definition string, first Step) []Step {
	first.SQL = r.alter() + "ADD CONSTRAINT " + dbcompat.Quote(name) + " " + definition + " NOT VALID"
	first.Cost = Instant
	first.Undo = r.alter() + "DROP CONSTRAINT " + dbcompat.Quote(name)
	first.probe, first.args = constraintIs("TRUE"), []any{r.String(), name, kind}
	return []Step{first, {
		SQL: r.alter() + "VALIDATE CONSTRAINT " + dbcompat.Quote(name), Lock: ShareUpdateExclusive, Cost: Scan,
		probe: constraintIs("convalidated"), args: first.args,
	}}
}

// constraintIs asks whether a constraint is there, of that kind, and something more.
func constraintIs(more string) string {
	return `SELECT CASE WHEN contype::text <> $3::text THEN 'there is a constraint of that name, and of another kind: ' || pg_get_constraintdef(oid)
		WHEN ` + more + ` THEN 'done' ELSE 'todo' END, NULL
		FROM pg_constraint WHERE conrelid = to_regclass($1::text) AND conname = $2::text`
}

// Unique adds a UNIQUE constraint by way of an index of the same name, which is built while
// all go on. If there are duplicates the error names one, and nothing is left.
type Unique struct {
	Table, Name string
	Columns     []string // in the index's order
	Definition  string   // or instead, what follows the table in CREATE INDEX: USING btree (a) INCLUDE (b)
}

// String is as in "unique users_email_key on users".
func (o Unique) String() string { return fmt.Sprintf("unique %s on %s", o.Name, o.Table) }
func (o Unique) in() string     { return o.Table }
func (o Unique) needs(t *table) { t.has(o.Columns...) }

func (o Unique) check() mistakes { return o.index().check() }

func (o Unique) index() CreateIndex {
	return CreateIndex{Table: o.Table, Name: o.Name, Columns: o.Columns, Definition: o.Definition, Unique: true}
}

func (o Unique) steps(version int, r relation) []Step {
	name := dbcompat.Quote(o.Name)
	steps := o.index().steps(version, r)
	steps[0].Undo = strings.Replace(steps[0].Undo, "CONCURRENTLY", "CONCURRENTLY IF EXISTS", 1) // it goes with the constraint
	return append(steps, Step{
		SQL:  r.alter() + "ADD CONSTRAINT " + name + " UNIQUE USING INDEX " + name,
		Lock: AccessExclusive, Cost: Instant, Undo: r.alter() + "DROP CONSTRAINT " + name,
		probe: constraintIs("TRUE"), args: []any{r.String(), o.Name, "u"},
	})
}

// DropConstraint drops one. It says how it could be made again. One that is not there is
// taken for one that has been dropped.
type DropConstraint struct{ Table, Name string }

// String is as in "drop constraint name_is_there on users".
func (o DropConstraint) String() string {
	return fmt.Sprintf("drop constraint %s on %s", o.Name, o.Table)
}
func (o DropConstraint) in() string   { return o.Table }
func (o DropConstraint) needs(*table) {}

func (o DropConstraint) check() (m mistakes) {
	m.table("Table", o.Table)
	m.name("Name", o.Name)
	return m
}

func (o DropConstraint) steps(_ int, r relation) []Step {
	name := dbcompat.Quote(o.Name)
	return []Step{{
		SQL: r.alter() + "DROP CONSTRAINT " + name, Lock: AccessExclusive, Cost: Instant,
		Undo: untold,
		probe: `SELECT CASE WHEN max(oid) IS NULL THEN 'done' ELSE 'todo' END, $3::text || pg_get_constraintdef(max(oid))
			FROM pg_constraint WHERE conrelid = to_regclass($1::text) AND conname = $2::text`,
		args: []any{r.String(), o.Name, r.alter() + "ADD CONSTRAINT " + name + " "},
	}}
}

// untold stands for what only the catalog knows.
const untold = "-- Runner.Plan asks for the definition"
