package ddl

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Reference is something that still refers to a column.
type Reference struct {
	Name   string // view shop.names, function greet(), statement 4711
	Remedy string // what to do about it, or how it may be known to be of no concern
}

// String is the two in a line.
func (r Reference) String() string { return r.Name + ": " + r.Remedy }

// ReferencedError is of a column that is not dropped because something refers to it. The
// operations before are done, and Run can be called again.
type ReferencedError struct {
	Table, Column string      // the table quoted, the column not
	References    []Reference // all of them
}

// Error is a line for each of References.
func (e *ReferencedError) Error() string {
	lines := make([]string, len(e.References))
	for i, r := range e.References {
		lines[i] = r.String()
	}
	return fmt.Sprintf("ddl: drop column %s.%s: %d refer to it:\n\t%s", e.Table, e.Column, len(e.References), strings.Join(lines, "\n\t"))
}

// references asks the catalog, the functions' texts, which PostgreSQL does not look into
// before they are called, and the statements that have been run.
func references(ctx context.Context, conn *pgx.Conn, s Step) ([]Reference, error) {
	all, err := collect(ctx, conn, dependencies, s.args...)
	if err != nil {
		return nil, err
	}
	texts, err := collect(ctx, conn, functions, s.args...)
	if err != nil {
		return nil, err
	}
	statements, err := statementsOf(ctx, conn, s)
	if err != nil {
		return nil, err
	}
	for _, r := range append(texts, statements...) {
		if !slices.Contains(s.accept, r.Name) {
			all = append(all, r)
		}
	}
	return all, nil
}

func collect(ctx context.Context, conn *pgx.Conn, sql string, args ...any) ([]Reference, error) {
	rows, err := conn.Query(ctx, sql, append([]any{once}, args...)...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Reference])
}

// dependencies are those that PostgreSQL knows. What belongs to the column alone, as its
// default does, goes with it, and so does its sequence, which PostgreSQL does not drop if
// it is used elsewhere. A view depends by its rule, a generated column by its default.
const dependencies = `WITH target AS (
		SELECT attrelid, attnum FROM pg_attribute
		WHERE attrelid = to_regclass($1::text) AND attname = $2::text AND NOT attisdropped), found AS (
		SELECT DISTINCT CASE WHEN w.oid IS NULL AND f.oid IS NULL THEN d.classid ELSE 'pg_class'::regclass END AS class,
			coalesce(w.ev_class, f.adrelid, d.objid) AS object, CASE WHEN w.oid IS NULL THEN coalesce(f.adnum, d.objsubid) ELSE 0 END AS part
		FROM target t JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = attrelid AND d.refobjsubid = attnum
		LEFT JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
		LEFT JOIN pg_attrdef f ON d.classid = 'pg_attrdef'::regclass AND f.oid = d.objid
		LEFT JOIN pg_constraint c ON d.classid = 'pg_constraint'::regclass AND c.oid = d.objid
		WHERE (f.adrelid, f.adnum) IS DISTINCT FROM (attrelid, attnum)
		  AND (c.contype = 'n' AND c.conkey = ARRAY[attnum]) IS NOT TRUE
		  AND NOT (d.classid = 'pg_class'::regclass AND d.objid = attrelid AND d.objsubid = attnum)
		  AND NOT (d.classid = 'pg_class'::regclass AND EXISTS (SELECT FROM pg_class WHERE oid = d.objid AND relkind = 'S')))
	SELECT pg_describe_object(class, object, part) AS name,
		CASE WHEN class = 'pg_class'::regclass AND EXISTS (SELECT FROM pg_index WHERE indexrelid = object) THEN 'DropIndex before this'
			WHEN class = 'pg_constraint'::regclass THEN 'DropConstraint before this'
			ELSE 'change it so that it does without the column, or drop it' END
	FROM found ORDER BY 1`

// functions are found by the word alone: a trigger's text does not name its table.
const functions = `SELECT 'function ' || p.oid::regprocedure, 'its text has the word: change it, or name it in DropColumn.Accept'
	FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
	WHERE $1::text IS NOT NULL AND l.lanname NOT IN ('c', 'internal') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
	  AND p.prosrc ~* ('\m' || regexp_replace($2::text, '(\W)', '\\\1', 'g') || '\M')
	  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
	ORDER BY 1`

// statementsOf asks pg_stat_statements if it is there, and may be asked.
func statementsOf(ctx context.Context, conn *pgx.Conn, s Step) ([]Reference, error) {
	var schema string
	err := conn.QueryRow(ctx, `SELECT quote_ident(nspname) FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace
		WHERE extname = 'pg_stat_statements'`, once).Scan(&schema)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	all, err := collect(ctx, conn, fmt.Sprintf(statements, schema), s.args...)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && (pg.Code == "55000" || pg.Code == "42501") { // not preloaded; no rights
		return nil, nil
	}
	return all, err
}

const statements = `SELECT 'statement ' || queryid,
		'has been run ' || sum(calls) || ' times: when nobody does any more, pg_stat_statements_reset() forgets it: '
		|| left(regexp_replace(min(query), '\s+', ' ', 'g'), 120)
	FROM %s.pg_stat_statements
	WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
	  AND query ~* '^\s*(SELECT|INSERT|UPDATE|DELETE|MERGE|WITH|COPY)\M'
	  AND query ~* ('\m' || regexp_replace($2::text, '(\W)', '\\\1', 'g') || '\M')
	  AND query ~* ('\m' || (SELECT regexp_replace(relname::text, '(\W)', '\\\1', 'g') FROM pg_class WHERE oid = to_regclass($1::text)) || '\M')
	GROUP BY queryid ORDER BY 1`
