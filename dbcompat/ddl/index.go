package ddl

import (
	"fmt"

	"github.com/handover-go/handover/dbcompat"
)

// CreateIndex builds an index while all go on. For a column that is being back-filled the
// time is after it: before, each row that is filled would be one in the index too.
//
// One of that name is taken for it if PostgreSQL would write the two in the same way, WITH
// and all; if not, the error has both.
//
// CONCURRENTLY leaves an INVALID index behind when it fails, which is kept up to date and
// used by nobody; it is found, dropped, and built again. If the index is unique and there
// are duplicates, the error names one, and nothing is left.
type CreateIndex struct {
	Table, Name string
	Columns     []string // in the index's order
	Definition  string   // or instead, what follows the table, the program's own SQL: (lower(name)) WHERE name <> ''
	Unique      bool
}

// String is as in "create index users_name_idx on users".
func (o CreateIndex) String() string { return fmt.Sprintf("create index %s on %s", o.Name, o.Table) }
func (o CreateIndex) in() string     { return o.Table }
func (o CreateIndex) needs(t *table) { t.has(o.Columns...) }

func (o CreateIndex) check() (m mistakes) {
	m.table("Table", o.Table)
	m.name("Name", o.Name)
	m.names("Columns", o.Columns)
	if (len(o.Columns) > 0) == (o.Definition != "") {
		m.wrong("give either Columns or Definition")
	}
	return m
}

func (o CreateIndex) steps(_ int, r relation) []Step {
	create, definition := "CREATE INDEX", o.Definition
	if o.Unique {
		create = "CREATE UNIQUE INDEX"
	}
	if len(o.Columns) > 0 {
		definition = "(" + quoteAll(o.Columns) + ")"
	}
	drop := "DROP INDEX CONCURRENTLY " + r.sibling(o.Name)
	return []Step{{
		SQL:  create + " CONCURRENTLY " + dbcompat.Quote(o.Name) + " ON " + r.String() + " " + definition,
		Lock: ShareUpdateExclusive, Cost: Build, Undo: drop, Concurrently: true,
		probe: indexIs, args: []any{r.String(), o.Name, o.Unique, o.Columns}, clean: drop,
		like: likeIndex(r, o.Name, create, definition),
	}}
}

// indexIs asks for more than whether there is one of that name. Who builds it may be
// another instance, and is seen by its progress or its query, or else, without the right to
// see either, by its lock.
const indexIs = `SELECT CASE
	WHEN indrelid <> to_regclass($1::text) THEN 'there is an index of that name, on ' || indrelid::regclass
	WHEN indisunique <> $3::boolean OR has <> $4::text[] THEN 'there is another index of that name: ' || pg_get_indexdef(indexrelid)
	WHEN indisvalid AND indisready THEN 'done'
	WHEN EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = indexrelid)
	  OR EXISTS (SELECT FROM pg_stat_activity a WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
		AND a.state = 'active' AND position($2::text IN a.query) > 0 AND a.query ILIKE '%index%concurrently%')
	  OR EXISTS (SELECT FROM pg_locks JOIN pg_stat_activity a USING (pid) WHERE relation = indrelid AND a.datname = current_database()
		AND mode = 'ShareUpdateExclusiveLock' AND granted AND a.query = '<insufficient privilege>') THEN 'busy'
	ELSE 'invalid' END, NULL
	FROM pg_index JOIN pg_class c ON c.oid = indexrelid, LATERAL (SELECT ARRAY(
		SELECT attname::text FROM unnest(indkey::int2[]) WITH ORDINALITY AS k(n, o)
		LEFT JOIN pg_attribute ON attrelid = indrelid AND attnum = k.n WHERE o <= indnkeyatts ORDER BY o) AS has) AS columns
	WHERE c.relname = $2::text AND c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass($1::text))`

// DropIndex drops an index while all go on. Before DropColumn this is what keeps that
// short. It says how the index could be made again. One that is not there is taken for
// one that has been dropped.
type DropIndex struct{ Table, Name string }

// String is as in "drop index users_name_idx on users".
func (o DropIndex) String() string { return fmt.Sprintf("drop index %s on %s", o.Name, o.Table) }
func (o DropIndex) in() string     { return o.Table }
func (o DropIndex) needs(*table)   {}

func (o DropIndex) check() mistakes { return DropConstraint(o).check() }

func (o DropIndex) steps(_ int, r relation) []Step {
	return []Step{{
		SQL: "DROP INDEX CONCURRENTLY " + r.sibling(o.Name), Lock: ShareUpdateExclusive, Cost: Wait, Concurrently: true,
		Undo: untold,
		probe: `SELECT CASE WHEN max(i.indexrelid) IS NULL THEN 'done'
			WHEN bool_or(i.indrelid <> to_regclass($1::text)) THEN 'it is an index on ' || max(i.indrelid)::regclass || ': name that table' ELSE 'todo' END,
			regexp_replace(pg_get_indexdef(max(i.indexrelid)), '^CREATE (UNIQUE )?INDEX ', 'CREATE \1INDEX CONCURRENTLY ')
			FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
			WHERE c.relname = $2::text AND c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass($1::text))`,
		args: []any{r.String(), o.Name},
	}}
}
