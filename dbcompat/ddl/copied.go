package ddl

import (
	"fmt"

	"github.com/handover-go/handover/dbcompat"
)

// copiedKey is a foreign key as PostgreSQL has written it.
type copiedKey struct {
	ForeignKey
	definition string
}

func (o copiedKey) steps(_ int, r relation) []Step {
	return validated(r, o.Name, "f", o.definition, Step{Lock: ShareRowExclusive})
}

// comment is one on a column; its text is a literal already.
type comment struct{ table, column, literal string }

func (o comment) String() string  { return fmt.Sprintf("comment on %s.%s", o.table, o.column) }
func (o comment) in() string      { return o.table }
func (o comment) needs(t *table)  { t.has(o.column) }
func (o comment) check() mistakes { return nil }

func (o comment) steps(_ int, r relation) []Step {
	on := "COMMENT ON COLUMN " + r.String() + "." + dbcompat.Quote(o.column) + " IS "
	return []Step{{
		SQL: on + o.literal, Lock: ShareUpdateExclusive, Cost: Instant, Undo: on + "NULL",
		probe: `SELECT CASE WHEN quote_literal(col_description(attrelid, attnum)) = $3::text THEN 'done' ELSE 'todo' END, NULL
			FROM pg_attribute WHERE attrelid = to_regclass($1::text) AND attname = $2::text AND NOT attisdropped`,
		args: []any{r.String(), o.column, o.literal},
	}}
}

// has is what a column has, in the order in which it is copied. What refers to the new
// column as well was made for both.
const has = `WITH t AS (
		SELECT c.oid AS rel, n.nspname, c.relname, a.attnum, a.attidentity, a.attgenerated, a.attacl, b.attnum AS twin,
			(SELECT d.oid FROM pg_attrdef d WHERE d.adrelid = c.oid AND d.adnum = a.attnum) AS def
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = $2::text AND NOT a.attisdropped
		LEFT JOIN pg_attribute b ON b.attrelid = c.oid AND b.attname = $3::text AND NOT b.attisdropped
		WHERE c.oid = to_regclass($1::text)), seq AS (
		SELECT FROM t JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = def AND d.refclassid = 'pg_class'::regclass
		JOIN pg_class s ON s.oid = d.refobjid AND s.relkind = 'S'), con AS (
		SELECT o.*, twin = ANY (conkey) AS shared FROM t JOIN pg_constraint o ON conrelid = rel AND attnum = ANY (conkey)), ind AS (
		SELECT i.*, c.relname AS name, format('CREATE %sINDEX %I ON %I.%I ', CASE WHEN indisunique THEN 'UNIQUE ' ELSE '' END, c.relname, nspname, t.relname) AS head,
			twin = ANY (indkey::int2[]) OR EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = indexrelid AND refobjid = rel AND refobjsubid = twin) AS shared,
			o.contype, o.condeferrable
		FROM t JOIN pg_index i ON indrelid = rel AND indisvalid JOIN pg_class c ON c.oid = indexrelid
		LEFT JOIN pg_constraint o ON o.conindid = indexrelid AND o.conrelid = rel AND o.contype IN ('p', 'u', 'x')
		WHERE attnum = ANY (indkey::int2[]) OR EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = indexrelid AND refobjid = rel AND refobjsubid = attnum))
	SELECT kind, name, uniq, definition FROM (
		SELECT 'd' AS kind, 'default' AS name, FALSE AS uniq, pg_get_expr(adbin, adrelid) AS definition, 1 AS place
		FROM t JOIN pg_attrdef d ON d.oid = def WHERE attgenerated = '' AND NOT EXISTS (SELECT FROM seq)
		UNION ALL SELECT 'x', 'default', FALSE, 'it takes its value from a sequence: both would take one', 0 FROM seq
		UNION ALL SELECT 'x', 'identity', FALSE, 'it is an identity column', 0 FROM t WHERE attidentity <> ''
		UNION ALL SELECT 'x', 'generated', FALSE, 'it is a generated column', 0 FROM t WHERE attgenerated <> ''
		UNION ALL SELECT 'x', 'rights', FALSE, 'there are rights on the column: GRANT them on the new one too: ' || attacl::text, 0 FROM t WHERE attacl IS NOT NULL
		UNION ALL SELECT CASE WHEN contype IN ('p', 'x') OR condeferrable OR left(pg_get_indexdef(indexrelid), length(head)) <> head THEN 'x'
			WHEN contype = 'u' THEN 'u' ELSE 'i' END, name, indisunique,
			CASE WHEN contype IN ('p', 'x') OR condeferrable THEN (SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conindid = indexrelid AND conrelid = indrelid AND contype = ind.contype)
			ELSE substr(pg_get_indexdef(indexrelid), length(head) + 1) END, 2
		FROM ind WHERE shared IS NOT TRUE
		UNION ALL SELECT 'c', conname, FALSE, pg_get_expr(conbin, conrelid), 3 FROM con WHERE contype = 'c' AND shared IS NOT TRUE
		UNION ALL SELECT 'f', conname, FALSE, (SELECT 'FOREIGN KEY (' || string_agg(quote_ident(CASE WHEN k = t.attnum THEN $3::text ELSE attname::text END), ', ' ORDER BY o) || ')'
				|| replace(substr(pg_get_constraintdef(con.oid), length('FOREIGN KEY (' || string_agg(quote_ident(attname::text), ', ' ORDER BY o) || ')') + 1), ' NOT VALID', '')
			FROM t, unnest(conkey) WITH ORDINALITY AS u(k, o) JOIN pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = k), 4
		FROM con WHERE contype = 'f' AND shared IS NOT TRUE
		UNION ALL SELECT 'x', conname, FALSE, 'a foreign key of ' || conrelid::regclass || ' refers to it', 0
		FROM t JOIN pg_constraint ON confrelid = rel AND attnum = ANY (confkey) WHERE contype = 'f'
		UNION ALL SELECT 'm', 'comment', FALSE, quote_literal(col_description(rel, attnum)), 5 FROM t WHERE col_description(rel, attnum) IS NOT NULL
	) AS all_of_it ORDER BY place, name`
