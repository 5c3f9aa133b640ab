package heal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/handover-go/handover/dbcompat"
)

// plan is all the SQL of a Trigger, with names that leave nothing to search_path.
type plan struct {
	columns  dbcompat.Columns
	table    string // quoted, as are the others
	function string
	count    string   // a sequence: how many
	last     string   // a sequence: when, in milliseconds since 1970; not called: since when
	triggers []string // of INSERT, of UPDATE
	path     string   // where Up finds its functions
}

type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// plan asks where the table is.
func (t *Trigger) plan(ctx context.Context) (*plan, error) {
	if err := t.columns.Check(); err != nil {
		return nil, err
	}
	if t.pool == nil {
		return nil, errors.New("the pool is nil: give one")
	}
	var schema, table, kind string
	var path []string
	err := t.pool.QueryRow(ctx, `SELECT n.nspname::text, c.relname::text, c.relkind::text, current_schemas(false)::text[]
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1)`,
		once, t.columns.Relation()).Scan(&schema, &table, &kind, &path)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, fmt.Errorf("there is no table %s: check the name, and search_path", t.columns.Relation())
	case err != nil:
		return nil, err
	case kind != "r" && kind != "p":
		return nil, fmt.Errorf("%s is no table: a row trigger cannot be made for it", t.columns.Relation())
	}
	return named(t.columns, schema, table, path), nil
}

// named gives names that fit into 63 bytes, and end with what tells one change from
// another. zzz_ has the triggers fire after others, and so see what these have done.
func named(c dbcompat.Columns, schema, table string, path []string) *plan {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", append([]string{schema, table}, c.New...)))
	readable := table + "_" + c.New[0]
	base := "heal_" + strings.ToValidUTF8(readable[:min(len(readable), 36)], "") + "_" + hex.EncodeToString(sum[:4])
	in := func(name string) string { return dbcompat.Quote(schema) + "." + dbcompat.Quote(name) }
	quoted := make([]string, len(path))
	for i, name := range path {
		quoted[i] = dbcompat.Quote(name)
	}
	return &plan{
		columns: c, table: in(table),
		function: in(base), count: in(base + "_count"), last: in(base + "_last"),
		triggers: []string{dbcompat.Quote("zzz_" + base + "_insert"), dbcompat.Quote("zzz_" + base + "_update")},
		path:     strings.Join(append(quoted, "pg_temp"), ", "), // last: a temporary type is not to stand for another
	}
}

func (p *plan) lock() string {
	return "LOCK TABLE " + p.table + " IN SHARE ROW EXCLUSIVE MODE"
}

func (p *plan) remove() []string {
	return []string{
		"DROP TRIGGER IF EXISTS " + p.triggers[0] + " ON " + p.table,
		"DROP TRIGGER IF EXISTS " + p.triggers[1] + " ON " + p.table,
		"DROP FUNCTION IF EXISTS " + p.function + "()",
		"DROP SEQUENCE IF EXISTS " + p.count + ", " + p.last,
	}
}

func (p *plan) install() []string {
	trigger := func(i int, event, when string) string {
		return "CREATE TRIGGER " + p.triggers[i] + " BEFORE " + event + " ON " + p.table +
			" FOR EACH ROW\n\tWHEN (" + when + ")\n\tEXECUTE FUNCTION " + p.function + "()"
	}
	unaware := p.unaware()
	all := []string{
		"CREATE SEQUENCE " + p.count,
		"CREATE SEQUENCE " + p.last,
		"SELECT setval(" + literal(p.last) + ", " + now + ", false)",
		p.body(),
		"GRANT USAGE, UPDATE ON SEQUENCE " + p.count + ", " + p.last + " TO PUBLIC", // whoever may write
		trigger(0, "INSERT", unaware+" AND NOT ("+null("new", p.columns.Old)+")"),
		// What a dual-writer has changed is told first: its rows get no further.
		trigger(1, "UPDATE", "NOT "+distinct(of("new", p.columns.New), of("old", p.columns.New))+
			" AND "+distinct(of("new", p.columns.Old), of("old", p.columns.Old))+" AND "+unaware),
	}
	return append(all, "COMMENT ON FUNCTION "+p.function+"() IS "+literal(p.mark(all)))
}

// mark is how Install knows its own.
func (p *plan) mark(statements []string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", statements))
	return "handover: heals " + p.table + " " + hex.EncodeToString(sum[:8])
}

const now = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"

// body is the function. It is only called for a row that it heals.
func (p *plan) body() string {
	var b strings.Builder
	b.WriteString("\nBEGIN\n")
	for i, up := range ups(p.columns, "new") {
		b.WriteString("\t" + of("new", p.columns.New)[i] + " := " + up + ";\n")
	}
	b.WriteString("\tPERFORM nextval(" + literal(p.count) + "), setval(" + literal(p.last) + ", " + now + ");\n\tRETURN NEW;\nEND\n")
	tag := "$heal$"
	for i := 0; strings.Contains(b.String(), tag); i++ {
		tag = fmt.Sprintf("$heal%d$", i) // an expression may have texts of its own
	}
	return "CREATE FUNCTION " + p.function + "() RETURNS trigger LANGUAGE plpgsql\n\tSET search_path = " + p.path +
		"\n\tAS " + tag + b.String() + tag
}

// unaware is what only the row of a writer is that does not know of new.
func (p *plan) unaware() string {
	return distinct(of("new", p.columns.New), ups(p.columns, "new")) +
		" AND (" + null("new", p.columns.New) + " OR " + distinct(of("new", p.columns.Old), downs(p.columns, "new")) + ")"
}
