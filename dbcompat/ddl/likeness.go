package ddl

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/handover-go/handover/dbcompat"
)

// likeness is what an index or a CHECK is to be like that has its name already.
type likeness struct {
	table      relation
	kind, name string
	sample     string // the SQL that makes one on an empty table
	compare    string // returns what PostgreSQL makes of both, without names
	remedy     string
}

// sample is the name of those that are made; in pg_temp, so it can be in nobody's way.
const sample = "handover_sample"

func likeIndex(r relation, name, create, definition string) *likeness {
	return &likeness{
		table: r, kind: "index", name: name, remedy: "DropIndex",
		sample: create + " " + sample + " ON pg_temp." + dbcompat.Quote(r.name) + " " + definition,
		compare: `SELECT regexp_replace(pg_get_indexdef(c.oid), '^CREATE (UNIQUE )?INDEX ("([^"]|"")+"|[^" ]+) ON ("([^"]|"")+"|[^" .]+)[.]("([^"]|"")+"|[^" ]+) ', '')
			FROM pg_class c JOIN pg_index i ON indexrelid = c.oid WHERE indrelid = to_regclass($1::text) AND relname = $2::text`,
	}
}

func likeCheck(r relation, name, definition string) *likeness {
	return &likeness{
		table: r, kind: "constraint", name: name, remedy: "DropConstraint",
		sample: "ALTER TABLE pg_temp." + dbcompat.Quote(r.name) + " ADD CONSTRAINT " + sample + " " + definition,
		compare: `SELECT 'CHECK (' || pg_get_expr(conbin, conrelid) || CASE WHEN connoinherit THEN ') NO INHERIT' ELSE ')' END
			FROM pg_constraint WHERE conrelid = to_regclass($1::text) AND conname = $2::text`,
	}
}

// state is done, or says in what they differ. Two texts of the same meaning are many, so
// none is read here: what is asked for is made on an empty table, which is nowhere but in a
// transaction that is rolled back. It is called as the real one, as a definition may name
// it: (lower(users.name)).
func (l likeness) state(ctx context.Context, conn *pgx.Conn) (state string, err error) {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return "", err
	}
	defer func() {
		if rollback := tx.Rollback(ctx); err == nil {
			err = rollback
		}
	}()
	var readOnly bool // then there is nothing to be made, and nothing to be spoilt
	if err := tx.QueryRow(ctx, "SELECT current_setting('transaction_read_only')::bool", once).Scan(&readOnly); err != nil || readOnly {
		return done, err
	}
	if err := l.make(ctx, conn); err != nil {
		return "", l.unclear(err)
	}
	var is, asked string
	err = tx.QueryRow(ctx, l.compare, once, l.table.String(), l.name).Scan(&is)
	if errors.Is(err, pgx.ErrNoRows) { // somebody has just dropped it
		return todo, nil
	}
	if err == nil {
		err = tx.QueryRow(ctx, l.compare, once, "pg_temp."+dbcompat.Quote(l.table.name), sample).Scan(&asked)
	}
	if err != nil || is == asked {
		return done, err
	}
	return fmt.Sprintf("there is another %s of that name: %s, and asked for is %s: give this one another name, or %s before", l.kind, is, asked, l.remedy), nil
}

func (l likeness) make(ctx context.Context, conn *pgx.Conn) error {
	for _, sql := range []string{
		"SET LOCAL lock_timeout = '2s'",
		"CREATE TEMPORARY TABLE " + dbcompat.Quote(l.table.name) + " (LIKE " + l.table.String() + ")",
		l.sample,
		"SET LOCAL search_path = pg_catalog", // so that names are written out in both
	} {
		if err := single(ctx, conn, sql); err != nil {
			return err
		}
	}
	return nil
}

// unclear says what to do, if it is known.
func (l likeness) unclear(err error) error {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == "42501" {
		err = fmt.Errorf("%w: GRANT TEMPORARY ON DATABASE", err)
	}
	return fmt.Errorf("compare it with the %s that is there: %w", l.kind, err)
}
