package ddl

import (
	"fmt"
	"strings"

	"github.com/handover-go/handover/dbcompat"
)

// AddColumn adds a column that may be NULL and has no default, so that no row is touched.
// One of that name and type, of whatever length, that is there already is taken for it.
type AddColumn struct {
	Table, Column string
	Type          string // such as numeric(10,2); no serial, and no domain that checks: those rewrite the table
}

// String is as in "add column users.display_name".
func (o AddColumn) String() string { return fmt.Sprintf("add column %s.%s", o.Table, o.Column) }
func (o AddColumn) in() string     { return o.Table }
func (o AddColumn) needs(t *table) { t.adds(o.Column, o.Type) }

func (o AddColumn) check() (m mistakes) {
	m.table("Table", o.Table)
	m.name("Column", o.Column)
	m.sql("Type", o.Type)
	return m
}

func (o AddColumn) steps(_ int, r relation) []Step {
	column := dbcompat.Quote(o.Column)
	return []Step{{
		SQL: r.alter() + "ADD COLUMN " + column + " " + o.Type, Lock: AccessExclusive, Cost: Instant,
		Undo: r.alter() + "DROP COLUMN " + column,
		probe: `SELECT CASE WHEN atttypid = to_regtype($3::text)::oid THEN 'done'
			ELSE 'it is there, but has the type ' || format_type(atttypid, atttypmod) END, NULL
			FROM pg_attribute WHERE attrelid = to_regclass($1::text) AND attname = $2::text AND NOT attisdropped`,
		args: []any{r.String(), o.Column, o.Type},
	}}
}

// SetDefault gives a column a default for new rows. Those that are there stay as they are.
type SetDefault struct {
	Table, Column string
	Default       string // an expression, the program's own SQL: 'new', now()
}

// String is as in "set default users.plan".
func (o SetDefault) String() string { return fmt.Sprintf("set default %s.%s", o.Table, o.Column) }
func (o SetDefault) in() string     { return o.Table }
func (o SetDefault) needs(t *table) { t.has(o.Column) }

func (o SetDefault) check() (m mistakes) {
	m.table("Table", o.Table)
	m.name("Column", o.Column)
	m.expression("Default", o.Default)
	return m
}

func (o SetDefault) steps(_ int, r relation) []Step {
	column := r.alter() + "ALTER COLUMN " + dbcompat.Quote(o.Column)
	return []Step{{
		SQL: column + " SET DEFAULT " + o.Default, Lock: AccessExclusive, Cost: Instant,
		Undo: column + " DROP DEFAULT",
		// PostgreSQL writes an expression in its own way. If it is another one the
		// step is done once more, which costs nothing.
		probe: `SELECT CASE WHEN old IN ($3::text, $3::text || '::' || type) THEN 'done' ELSE 'todo' END, $4::text || ' SET DEFAULT ' || old
			FROM (SELECT pg_get_expr(d.adbin, d.adrelid) AS old, format_type(a.atttypid, a.atttypmod) AS type
				FROM pg_attribute a JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
				WHERE a.attrelid = to_regclass($1::text) AND a.attname = $2::text) d`,
		args: []any{r.String(), o.Column, o.Default, column},
	}}
}

// DropNotNull lets a column be NULL. It belongs to the step before anybody writes rows
// without it: those would fail (23502).
type DropNotNull struct{ Table, Column string }

// String is as in "drop not null users.name".
func (o DropNotNull) String() string { return fmt.Sprintf("drop not null %s.%s", o.Table, o.Column) }
func (o DropNotNull) in() string     { return o.Table }
func (o DropNotNull) needs(t *table) { t.has(o.Column) }

func (o DropNotNull) check() mistakes { return SetNotNull(o).check() }

func (o DropNotNull) steps(version int, r relation) []Step {
	var undo []string
	for _, s := range SetNotNull(o).steps(version, r) {
		undo = append(undo, s.SQL)
	}
	return []Step{{
		SQL:  r.alter() + "ALTER COLUMN " + dbcompat.Quote(o.Column) + " DROP NOT NULL",
		Lock: AccessExclusive, Cost: Instant, Undo: strings.Join(undo, "; "),
		probe: `SELECT CASE WHEN attnotnull THEN 'todo' ELSE 'done' END, NULL FROM pg_attribute
			WHERE attrelid = to_regclass($1::text) AND attname = $2::text AND NOT attisdropped`,
		args: []any{r.String(), o.Column},
	}}
}

// SetNotNull has PostgreSQL see for itself that there is no NULL, while all go on, and
// only then forbids it: SET NOT NULL alone reads the table while everybody waits. NULLs
// that are written meanwhile are refused. If there are some in the table, Run fails; the
// constraint stays, NOT VALID, and Run goes on from there once they have been filled.
type SetNotNull struct{ Table, Column string }

// String is as in "set not null users.name".
func (o SetNotNull) String() string { return fmt.Sprintf("set not null %s.%s", o.Table, o.Column) }
func (o SetNotNull) in() string     { return o.Table }
func (o SetNotNull) needs(t *table) { t.has(o.Column) }

func (o SetNotNull) check() (m mistakes) {
	m.table("Table", o.Table)
	m.name("Column", o.Column)
	return m
}

func (o SetNotNull) steps(version int, r relation) []Step {
	constraint := named(r.name, o.Column, "not_null")
	column, name := dbcompat.Quote(o.Column), dbcompat.Quote(constraint)
	args := []any{r.String(), o.Column, constraint}
	if version >= 18 {
		return []Step{{
			SQL:  r.alter() + "ADD CONSTRAINT " + name + " NOT NULL " + column + " NOT VALID",
			Lock: AccessExclusive, Cost: Instant, Undo: r.alter() + "ALTER COLUMN " + column + " DROP NOT NULL",
			probe: `SELECT CASE WHEN convalidated OR conname = $3::text THEN 'done'
				ELSE 'it has got ' || quote_ident(conname) || ', which is not valid: VALIDATE that, or drop it' END, NULL ` + nativeNotNull,
			args: args,
		}, {
			SQL: r.alter() + "VALIDATE CONSTRAINT " + name, Lock: ShareUpdateExclusive, Cost: Scan,
			probe: `SELECT CASE WHEN convalidated OR $3::text IS NULL THEN 'done' ELSE 'todo' END, NULL ` + nativeNotNull, args: args,
		}}
	}
	drop := r.alter() + "DROP CONSTRAINT " + name
	return []Step{{
		SQL:  r.alter() + "ADD CONSTRAINT " + name + " CHECK (" + column + " IS NOT NULL) NOT VALID",
		Lock: AccessExclusive, Cost: Instant, Undo: r.alter() + "DROP CONSTRAINT IF EXISTS " + name,
		// With another one of that name SET NOT NULL would have to read the table.
		probe: `SELECT CASE WHEN attnotnull OR pg_get_expr(conbin, conrelid) = format('(%I IS NOT NULL)', attname) THEN 'done'
			WHEN conname IS NULL THEN 'todo' ELSE 'there is a constraint ' || quote_ident(conname) || ' of another kind: rename it' END, NULL` + notNull,
		args: args,
	}, {
		SQL: r.alter() + "VALIDATE CONSTRAINT " + name, Lock: ShareUpdateExclusive, Cost: Scan,
		probe: `SELECT CASE WHEN attnotnull OR convalidated THEN 'done' ELSE 'todo' END, NULL` + notNull, args: args,
	}, {
		SQL: r.alter() + "ALTER COLUMN " + column + " SET NOT NULL", Lock: AccessExclusive, Cost: Instant,
		Undo:  r.alter() + "ALTER COLUMN " + column + " DROP NOT NULL",
		probe: `SELECT CASE WHEN attnotnull THEN 'done' ELSE 'todo' END, NULL` + notNull, args: args,
	}, {
		SQL: drop, Lock: AccessExclusive, Cost: Instant,
		probe: `SELECT CASE WHEN attnotnull AND conname IS NULL THEN 'done' ELSE 'todo' END, NULL` + notNull, args: args,
	}}
}

const (
	notNull = ` FROM pg_attribute LEFT JOIN pg_constraint ON conrelid = attrelid AND conname = $3::text
		WHERE attrelid = to_regclass($1::text) AND attname = $2::text AND NOT attisdropped`
	nativeNotNull = ` FROM pg_attribute JOIN pg_constraint ON conrelid = attrelid AND contype = 'n' AND conkey = ARRAY[attnum]
		WHERE attrelid = to_regclass($1::text) AND attname = $2::text AND NOT attisdropped`
)
