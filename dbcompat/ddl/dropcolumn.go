package ddl

import (
	"fmt"

	"github.com/handover-go/handover/dbcompat"
)

// DropColumn drops a column that nobody refers to any more: Run refuses it with a
// *ReferencedError that lists all that still does. What the program's own code refers to
// is only seen where the server has pg_stat_statements. It cannot be undone. One that is
// not there is taken for one that has been dropped.
type DropColumn struct {
	Table, Column string

	// Accept are those of the references, by Name as the error has it, that are known
	// to be of no concern: a function in whose text the word is something else. It is of
	// no use for what PostgreSQL knows to depend on the column.
	Accept []string
}

// String is as in "drop column users.name".
func (o DropColumn) String() string { return fmt.Sprintf("drop column %s.%s", o.Table, o.Column) }
func (o DropColumn) in() string     { return o.Table }
func (o DropColumn) needs(t *table) { t.drops(o.Column) }

func (o DropColumn) check() (m mistakes) {
	m.table("Table", o.Table)
	m.name("Column", o.Column)
	return m
}

func (o DropColumn) steps(_ int, r relation) []Step {
	return []Step{{
		SQL: r.alter() + "DROP COLUMN " + dbcompat.Quote(o.Column), Lock: AccessExclusive, Cost: Instant,
		probe: `SELECT CASE WHEN count(*) = 0 THEN 'done' ELSE 'todo' END, NULL FROM pg_attribute
			WHERE attrelid = to_regclass($1::text) AND attname = $2::text AND NOT attisdropped`,
		args:  []any{r.String(), o.Column},
		drops: o.Column, accept: o.Accept,
	}}
}
