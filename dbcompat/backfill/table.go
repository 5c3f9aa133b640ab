package backfill

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/handover-go/handover/dbcompat"
)

// table is what the catalog says of the table.
type table struct {
	oid     uint32
	kind    string
	owned   bool // by a role that we are a member of
	parent  bool // has children by inheritance, and is no partitioned one
	columns map[string]column
	unique  [][]string // the columns of its unique indexes
	types   []string   // of the key
	rows    int64      // an estimate
	bytes   int64
}

type column struct {
	kind                  string
	notNull, generated    bool
	mayRead, mayBeWritten bool
}

// inspect reads the catalog and finds everything that would stop the run, before it is
// begun. write is whether it is going to write the table.
func (b *Backfill) inspect(ctx context.Context, stage dbcompat.Stage, write bool) (table, statements, error) {
	var standby, readOnly bool
	err := b.pool.QueryRow(ctx, "SELECT pg_is_in_recovery(), current_setting('transaction_read_only')::boolean", once).Scan(&standby, &readOnly)
	if err != nil {
		return table{}, statements{}, err
	}
	if standby || readOnly {
		return table{}, statements{}, errors.New("the server is read-only, a standby perhaps: give a pool of the primary")
	}
	t, err := b.describe(ctx)
	if err != nil {
		return t, statements{}, err
	}
	if err := b.objections(t, stage, write); err != nil {
		return t, statements{}, err
	}
	for _, name := range b.columns.Key {
		t.types = append(t.types, t.columns[name].kind)
	}
	s, err := newStatements(b, t.types, stage)
	if err != nil {
		return t, s, err
	}
	return t, s, b.try(ctx, s, &t, write)
}

// describe reads what is there, in the words of the catalog.
func (b *Backfill) describe(ctx context.Context) (table, error) {
	t := table{columns: map[string]column{}}
	err := b.pool.QueryRow(ctx, `SELECT oid, relkind::text, pg_has_role(relowner, 'MEMBER'), pg_total_relation_size(oid),
			relkind = 'r' AND EXISTS (SELECT FROM pg_inherits WHERE inhparent = c.oid)
		FROM pg_class c WHERE oid = to_regclass($1::text)`, once, b.columns.Relation()).Scan(&t.oid, &t.kind, &t.owned, &t.bytes, &t.parent)
	if errors.Is(err, pgx.ErrNoRows) {
		return t, fmt.Errorf("there is no table %s: correct Table, or give it with its schema", b.columns.Relation())
	}
	if err != nil {
		return t, err
	}
	rows, err := b.pool.Query(ctx, `SELECT attname::text, format_type(atttypid, atttypmod), attnotnull, attgenerated <> '',
			has_column_privilege(attrelid, attnum, 'SELECT'), has_column_privilege(attrelid, attnum, 'UPDATE')
		FROM pg_attribute WHERE attrelid = $1::oid AND attnum > 0 AND NOT attisdropped`, once, t.oid)
	if err != nil {
		return t, err
	}
	var name string
	var c column
	_, err = pgx.ForEachRow(rows, []any{&name, &c.kind, &c.notNull, &c.generated, &c.mayRead, &c.mayBeWritten}, func() error {
		t.columns[name] = c
		return nil
	})
	if err != nil {
		return t, err
	}
	// An index with another collation than its column's is of no use for the column's order.
	rows, err = b.pool.Query(ctx, `SELECT ARRAY(SELECT a.attname::text FROM generate_series(0, i.indnkeyatts - 1) n
			JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[n] AND a.attcollation = i.indcollation[n] ORDER BY n)
		FROM pg_index i WHERE indrelid = $1::oid AND indisunique AND indisvalid AND indpred IS NULL AND indexprs IS NULL
		ORDER BY indisprimary DESC, indexrelid`, once, t.oid)
	if err != nil {
		return t, err
	}
	t.unique, err = pgx.CollectRows(rows, pgx.RowTo[[]string])
	return t, err
}

// objections are all of them at once.
func (b *Backfill) objections(t table, stage dbcompat.Stage, write bool) error {
	if t.kind != "r" && t.kind != "p" {
		return errors.New("it is no table: give the table behind it")
	}
	var all []error
	if t.parent {
		all = append(all, errors.New("tables inherit from it, whose keys may be the same: its key is none"))
	}
	for _, name := range slices.Concat(b.columns.Key, b.columns.Old, b.columns.New) {
		all = append(all, t.unreadable(name))
	}
	for _, name := range b.columns.Key {
		if c, there := t.columns[name]; there && !c.notNull {
			all = append(all, fmt.Errorf("column %q of the key may be NULL, and NULL is in no order: SET NOT NULL first", name))
		}
	}
	all = append(all, b.keyless(t))
	if write {
		all = append(all, b.unwritable(t, stage))
	}
	return errors.Join(all...)
}

func (t table) unreadable(name string) error {
	switch c, there := t.columns[name]; {
	case !there:
		return fmt.Errorf("there is no column %q: add it first, or correct its name", name)
	case !c.mayRead:
		return fmt.Errorf("the role may not read column %q: GRANT SELECT", name)
	}
	return nil
}

func (b *Backfill) unwritable(t table, stage dbcompat.Stage) error {
	written := b.columns.New
	if stage.BelievesNew() {
		written = b.columns.Old
	}
	var all []error
	for _, name := range written {
		switch c, there := t.columns[name]; {
		case !there: // which has been said
		case c.generated:
			all = append(all, fmt.Errorf("column %q is generated, which nobody can write: make it a plain one", name))
		case !c.mayBeWritten:
			all = append(all, fmt.Errorf("the role may not write column %q: GRANT UPDATE", name))
		}
	}
	if b.config.VacuumEvery > 0 && !t.owned {
		all = append(all, errors.New("only its owner may vacuum the table: leave out Config.VacuumEvery, or be a member of that role"))
	}
	return errors.Join(all...)
}

// keyless says what to do for a key.
func (b *Backfill) keyless(t table) error {
	var others []string
	for _, index := range t.unique {
		if slices.Equal(index, b.columns.Key) {
			return nil
		}
		others = append(others, strings.Join(index, ", "))
	}
	key := strings.Join(b.columns.Key, ", ")
	if len(others) > 0 {
		return fmt.Errorf("no unique index is on (%s) in this order: give as Key one that there is (%s), or make it", key, strings.Join(others, "; "))
	}
	return fmt.Errorf("it has no unique index, so no key: CREATE UNIQUE INDEX CONCURRENTLY ON %s (%s), and SET NOT NULL", b.columns.Relation(), key)
}

// try has PostgreSQL plan the statement: what is wrong with an expression or a type it
// says better than anybody else.
func (b *Backfill) try(ctx context.Context, s statements, t *table, write bool) error {
	statement := s.compare(false)
	if write {
		statement = s.update(s.within(false))
	}
	nulls := make([]any, len(s.key)+1)
	nulls[0] = once
	if _, err := b.pool.Exec(ctx, "EXPLAIN "+statement, nulls...); err != nil {
		return fmt.Errorf("%w, in %s", err, statement)
	}
	// The planner knows the size of a table that has never been analysed, too.
	var plan []struct {
		Plan struct {
			Rows float64 `json:"Plan Rows"`
		}
	}
	err := b.pool.QueryRow(ctx, "EXPLAIN (FORMAT JSON) SELECT FROM "+s.relation, once).Scan(&plan)
	if err == nil && len(plan) > 0 {
		t.rows = int64(plan[0].Plan.Rows)
	}
	return err
}
