package backfill

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/handover-go/handover/dbcompat"
)

// statements are the SQL of one direction. Parameters are the texts of keys: $1 and on
// the last key of a range, which belongs to it, and after these the one before its
// first, if there is one. Numbers are written into the text.
type statements struct {
	schema      string // of the runs' tables, quoted
	relation    string
	key, types  []string // quoted names, and their types
	twins, from []string // columns that are written, and the expressions
}

func newStatements(schema string, c dbcompat.Columns, types []string, stage dbcompat.Stage) (statements, error) {
	twins, from, err := c.Twin(stage)
	key := make([]string, len(c.Key))
	for i, name := range c.Key {
		key[i] = dbcompat.Quote(name)
	}
	return statements{dbcompat.Quote(schema), c.Relation(), key, types, twins, from}, err
}

// tuple compares as one value, in the order of the index: PostgreSQL knows that
// (a, b) > (1, 2) is a range of an index on a and b, as it would not of a > 1 OR ….
func tuple(parts []string) string {
	if len(parts) == 1 {
		return parts[0]
	}
	return "(" + strings.Join(parts, ", ") + ")"
}

func (s statements) parameters(from int) []string {
	all := make([]string, len(s.types))
	for i, t := range s.types {
		all[i] = "$" + strconv.Itoa(from+i) + "::" + t
	}
	return all
}

func (s statements) within(begun bool) string {
	condition := tuple(s.key) + " <= " + tuple(s.parameters(1))
	if begun {
		condition = tuple(s.key) + " > " + tuple(s.parameters(1+len(s.key))) + " AND " + condition
	}
	return condition
}

func (s statements) differ() string {
	parts := make([]string, len(s.twins))
	for i := range s.twins {
		parts[i] = s.twins[i] + " IS DISTINCT FROM " + s.from[i]
	}
	return "(" + strings.Join(parts, " OR ") + ")"
}

// texts are the key's columns as they are kept.
func texts(parts []string) string { return strings.Join(parts, "::text, ") + "::text" }

// order has the table's name: "id" alone would be the text of that name in the list.
func (s statements) order(direction string) string {
	parts := make([]string, len(s.key))
	for i, column := range s.key {
		parts[i] = s.relation + "." + column + direction
	}
	return strings.Join(parts, ", ")
}

// last finds the greatest key.
func (s statements) last() string {
	return fmt.Sprintf("SELECT %s FROM %s ORDER BY %s LIMIT 1", texts(s.key), s.relation, s.order(" DESC"))
}

// nth finds the key of the n-th row of a range: only the index is read.
func (s statements) nth(begun bool, n int) string {
	return fmt.Sprintf("SELECT %s FROM %s WHERE %s ORDER BY %s OFFSET %d LIMIT 1",
		texts(s.key), s.relation, s.within(begun), s.order(""), n-1)
}

func (s statements) count(begun bool) string {
	return fmt.Sprintf("SELECT count(*) FROM %s WHERE %s", s.relation, s.within(begun))
}

// update has the value from the target row and from nothing else: what somebody has
// changed while we waited for the row's lock is read again, and compared again. A value
// that is carried from elsewhere, a CTE or the program, is a lost update.
func (s statements) update(begun bool) string {
	sets := make([]string, len(s.twins))
	for i := range s.twins {
		sets[i] = s.twins[i] + " = " + s.from[i]
	}
	return fmt.Sprintf("UPDATE %s SET %s WHERE %s AND %s", s.relation, strings.Join(sets, ", "), s.within(begun), s.differ())
}

// compare counts the rows of a range and those that differ.
func (s statements) compare(begun bool) string {
	return fmt.Sprintf("SELECT count(*), count(*) FILTER (WHERE %s) FROM %s WHERE %s", s.differ(), s.relation, s.within(begun))
}

// examples are keys of rows that differ.
func (s statements) examples(begun bool, n int) string {
	return fmt.Sprintf("SELECT %s FROM %s WHERE %s AND %s ORDER BY %s LIMIT %d",
		texts(s.key), s.relation, s.within(begun), s.differ(), s.order(""), n)
}

// position is the last key of the range, as it is kept.
func (s statements) position() string { return "ARRAY[" + texts(s.parameters(1)) + "]" }

// after numbers the parameters behind those of a range.
func (s statements) after(begun bool, n int) string {
	if begun {
		n += len(s.key)
	}
	return "$" + strconv.Itoa(len(s.key)+n)
}

// advance is the batch with its checkpoint: one statement, one round trip. The parameters
// after the range's are the run's name, the rows looked at, the rate, whether it is the
// last batch, and the lease.
func (s statements) advance(begun bool) string {
	at := func(n int) string { return s.after(begun, n) }
	return `WITH done AS (` + s.update(begun) + ` RETURNING 1)
UPDATE ` + s.schema + `.backfills SET position = ` + s.position() + `, rows = rows + ` + at(2) + `::bigint,
	changed = changed + (SELECT count(*) FROM done), rate = ` + at(3) + `::float8, waiting = '',
	state = CASE WHEN ` + at(4) + `::boolean THEN 'done' ELSE state END,
	leased_until = clock_timestamp() + ` + at(5) + `::interval, updated_at = clock_timestamp()
WHERE name = ` + at(1) + `::text RETURNING (SELECT count(*) FROM done), position::text`
}

// skip passes a row that cannot be written, and notes it: name, and why.
func (s statements) skip() string {
	at := func(n int) string { return s.after(false, n) }
	return `WITH noted AS (INSERT INTO ` + s.schema + `.backfill_skipped (name, key, why)
	VALUES (` + at(1) + `::text, ` + s.position() + `, ` + at(2) + `::text)
	ON CONFLICT (name, key) DO UPDATE SET why = EXCLUDED.why, at = EXCLUDED.at)
UPDATE ` + s.schema + `.backfills SET position = ` + s.position() + `, rows = rows + 1, skipped = skipped + 1,
	updated_at = clock_timestamp()
WHERE name = ` + at(1) + `::text RETURNING position::text`
}
