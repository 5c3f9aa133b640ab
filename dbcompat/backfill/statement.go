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
	differ      string   // whether a row is not what it should be
	writes      string   // and can be helped
}

func newStatements(b *Backfill, types []string, stage dbcompat.Stage) (s statements, err error) {
	s = statements{schema: dbcompat.Quote(b.config.Schema), relation: b.columns.Relation(), types: types}
	for _, name := range b.columns.Key {
		s.key = append(s.key, dbcompat.Quote(name))
	}
	if b.fill != "" {
		s.twins, s.from = []string{dbcompat.Quote(b.columns.New[0])}, []string{"(" + b.fill + ")"}
		s.differ = s.twins[0] + " IS NULL"
		s.writes = s.differ + " AND NOT (" + s.from[0] + " IS NULL)" // IS NOT NULL of a row is about each of its fields
		return s, nil
	}
	s.twins, s.from, err = b.columns.Twin(stage)
	differ := make([]string, len(s.twins))
	for i := range s.twins {
		differ[i] = s.twins[i] + " IS DISTINCT FROM " + s.from[i]
	}
	s.differ = "(" + strings.Join(differ, " OR ") + ")"
	s.writes = s.differ
	return s, err
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

func (s statements) within(begun bool) string { return s.until(begun, s.parameters(1)) }

// until is a range that ends with a key, which belongs to it.
func (s statements) until(begun bool, end []string) string {
	condition := tuple(s.key) + " <= " + tuple(end)
	if begun {
		condition = tuple(s.key) + " > " + tuple(s.parameters(1+len(s.key))) + " AND " + condition
	}
	return condition
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
func (s statements) nth(begun bool, n string) string {
	return fmt.Sprintf("SELECT %s FROM %s WHERE %s ORDER BY %s OFFSET %s - 1 LIMIT 1",
		texts(s.key), s.relation, s.within(begun), s.order(""), n)
}

// update has the value from the target row and from nothing else: what somebody has
// changed while we waited for the row's lock is read again, and compared again. A value
// that is carried from elsewhere, a CTE or the program, is a lost update.
func (s statements) update(where string) string {
	sets := make([]string, len(s.twins))
	for i := range s.twins {
		sets[i] = s.twins[i] + " = " + s.from[i]
	}
	return fmt.Sprintf("UPDATE %s SET %s WHERE %s AND %s", s.relation, strings.Join(sets, ", "), where, s.writes)
}

// compare counts the rows of a range and those that differ.
func (s statements) compare(begun bool) string {
	return fmt.Sprintf("SELECT count(*), count(*) FILTER (WHERE %s) FROM %s WHERE %s", s.differ, s.relation, s.within(begun))
}

// examples are keys of rows that differ.
func (s statements) examples(begun bool, n int) string {
	return fmt.Sprintf("SELECT %s FROM %s WHERE %s AND %s ORDER BY %s LIMIT %d",
		texts(s.key), s.relation, s.within(begun), s.differ, s.order(""), n)
}

// job is what a run does, and where. A table that has been dropped, and made again, is
// another one.
func (s statements) job(table uint32) string {
	return fmt.Sprintf("/* table %d */ %s", table, s.update(s.within(false)))
}

// after numbers the parameters behind those of a range.
func (s statements) after(begun bool, n int) string {
	if begun {
		n += len(s.key)
	}
	return "$" + strconv.Itoa(len(s.key)+n)
}

// ours locks the run's row, if it is still what we think: nobody can take it over before
// the commit. Its parameters are the run's name, the runner, and the position.
func (s statements) ours(begun bool) string {
	return "SELECT FROM " + s.schema + ".backfills WHERE name = " + s.after(begun, 1) + "::text AND runner = " + s.after(begun, 2) +
		"::text AND state = 'running' AND coalesce(position::text, '') = " + s.after(begun, 3) + "::text FOR UPDATE"
}

// advance is the batch with its checkpoint: one statement, one round trip. The parameters
// after the range's are those of ours, and then the number of rows, the rate and the
// lease. Without a row that is the n-th the batch goes to the range's end. It returns
// nothing if the run is no longer ours, and has then not looked at any row.
func (s statements) advance(begun bool) string {
	at := func(n int) string { return s.after(begun, n) }
	end, position := make([]string, len(s.key)), make([]string, len(s.key))
	for i, last := range s.parameters(1) {
		end[i] = "coalesce((SELECT " + s.key[i] + " FROM handover_page), " + last + ")"
		position[i] = "position[" + strconv.Itoa(i+1) + "]"
	}
	return `WITH handover_ours AS (` + s.ours(begun) + `),
handover_page AS MATERIALIZED (SELECT ` + strings.Join(s.key, ", ") + ` FROM ` + s.relation + ` WHERE ` + s.within(begun) + `
	ORDER BY ` + s.order("") + ` OFFSET ` + at(4) + `::bigint - 1 LIMIT 1),
handover_done AS (` + s.update("EXISTS (SELECT FROM handover_ours) AND "+s.until(begun, end)) + ` RETURNING 1)
UPDATE ` + s.schema + `.backfills SET position = ARRAY[` + texts(end) + `],
	rows = rows + CASE WHEN EXISTS (SELECT FROM handover_page) THEN ` + at(4) + `::bigint
		ELSE (SELECT count(*) FROM ` + s.relation + ` WHERE ` + s.within(begun) + `) END,
	changed = changed + (SELECT count(*) FROM handover_done), rate = ` + at(5) + `::float8, waiting = '',
	leased_until = clock_timestamp() + ` + at(6) + `::interval, updated_at = clock_timestamp()
WHERE name = ` + at(1) + `::text AND EXISTS (SELECT FROM handover_ours)
RETURNING (SELECT count(*) FROM handover_done), EXISTS (SELECT FROM handover_page), position::text, ` + strings.Join(position, ", ")
}

// skip passes a row that cannot be written, if it is still the next one, and notes it:
// name, and why. Its parameters are those of the range that ends with the row, of ours,
// and the reason.
func (s statements) skip(begun bool) string {
	at := func(n int) string { return s.after(begun, n) }
	position := "ARRAY[" + texts(s.parameters(1)) + "]"
	return `WITH handover_ours AS (` + s.ours(begun) + `),
handover_next AS (SELECT FROM (` + s.nth(begun, "1") + `) next (` + strings.Join(s.key, ", ") + `)
	WHERE ARRAY[` + strings.Join(s.key, ", ") + `] = ` + position + ` AND EXISTS (SELECT FROM handover_ours)),
handover_noted AS (INSERT INTO ` + s.schema + `.backfill_skipped (name, key, why)
	SELECT ` + at(1) + `::text, ` + position + `, ` + at(4) + `::text FROM handover_next
	ON CONFLICT (name, key) DO UPDATE SET why = EXCLUDED.why, at = EXCLUDED.at)
UPDATE ` + s.schema + `.backfills SET position = ` + position + `, rows = rows + 1, skipped = skipped + 1,
	updated_at = clock_timestamp()
WHERE name = ` + at(1) + `::text AND EXISTS (SELECT FROM handover_next) RETURNING position::text`
}
