package ddl

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// once has a query leave no prepared statement behind: the next one may be on another
// session, if a pooler is in between.
const once = pgx.QueryExecModeExec

// table is what is known of a table before anything is touched, and then what will be
// there when the operations before have been done.
type table struct {
	relation
	columns      []string
	types, other []string // to be asked for
	mistakes     mistakes
}

func (t *table) has(columns ...string) {
	for _, c := range columns {
		if !slices.Contains(t.columns, c) {
			t.mistakes.wrong("there is no column %q in %s: add it, or correct the name", c, t.relation)
		}
	}
}

func (t *table) adds(column, typ string) {
	t.columns, t.types = append(t.columns, column), append(t.types, typ)
}

func (t *table) drops(column string) {
	t.columns = slices.DeleteFunc(t.columns, func(c string) bool { return c == column })
}

func (t *table) sees(other string) { t.other = append(t.other, other) }

// load asks for a table, and whether it is one of those that can be altered.
func load(ctx context.Context, conn *pgx.Conn, name string) (*table, error) {
	var kind string
	var owner, parent, part bool
	t := &table{}
	err := conn.QueryRow(ctx, `SELECT nspname, relname, relkind::text, pg_has_role(relowner, 'USAGE'),
			EXISTS (SELECT FROM pg_inherits WHERE inhparent = c.oid), relispartition,
			ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped)
		FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE c.oid = to_regclass($1)`,
		once, relationOf(name).String()).Scan(&t.schema, &t.name, &kind, &owner, &parent, &part, &t.columns)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, fmt.Errorf("there is no table %s: create it, or name its schema", name)
	case err != nil:
		return nil, err
	case kind == "p" || parent:
		return nil, fmt.Errorf("%s has partitions or children, and a step would lock them all at once: "+
			"do it for each of them, CREATE INDEX ON ONLY and ATTACH for an index", name)
	case kind != "r":
		return nil, fmt.Errorf("%s is no table (relkind %s): name the table behind it", name, kind)
	case part:
		t.mistakes.wrong("%s is a partition: its columns and constraints are those of its parent", name)
	}
	if !owner {
		t.mistakes.wrong("no rights: %s belongs to somebody else: run it as the owner, or as a member of that role", name)
	}
	return t, nil
}

// verify asks for what the operations refer to.
func (t *table) verify(ctx context.Context, conn *pgx.Conn) error {
	for _, name := range t.types {
		var checks bool
		err := conn.QueryRow(ctx, `SELECT typtype = 'd' AND (typnotnull OR EXISTS (SELECT FROM pg_constraint WHERE contypid = t.oid))
			FROM pg_type t WHERE t.oid = to_regtype($1)`, once, name).Scan(&checks)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			t.mistakes.wrong("there is no type %s: give one as in numeric(10,2); instead of serial, bigint and a default from a sequence", name)
		case err != nil:
			return fmt.Errorf("type %q: %w: give the type alone; NOT NULL and DEFAULT are operations of their own", name, err)
		case checks:
			t.mistakes.wrong("the type %s is a domain that checks, for which the table would be rewritten: take its base type, and a Check", name)
		}
	}
	for _, name := range t.other {
		var there bool
		if err := conn.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", once, relationOf(name).String()).Scan(&there); err != nil {
			return err
		}
		if !there {
			t.mistakes.wrong("there is no table %s: create it, or name its schema", name)
		}
	}
	return nil
}
