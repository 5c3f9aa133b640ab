package walk

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/ddl"
)

// nameBytes is where PostgreSQL cuts a name.
const nameBytes = 63

// hidden are the names that the old columns have while they are.
func hidden(s State) []string {
	names := make([]string, len(s.Columns.Old))
	for i, name := range s.Columns.Old {
		name = fmt.Sprintf("hidden_%d_%s", s.id, name)
		names[i] = strings.ToValidUTF8(name[:min(len(name), nameBytes)], "")
	}
	return names
}

func hiding(s State) []string { return renames(s, s.Columns.Old, hidden(s)) }

func showing(s State) []string { return renames(s, hidden(s), s.Columns.Old) }

// renames is a statement for each, as PostgreSQL renames one column at a time.
func renames(s State, from, to []string) []string {
	all := make([]string, len(from))
	for i := range from {
		all[i] = fmt.Sprintf("ALTER TABLE %s RENAME COLUMN %s TO %s", s.Columns.Relation(), dbcompat.Quote(from[i]), dbcompat.Quote(to[i]))
	}
	return all
}

func dropping(s State) []string {
	all := make([]string, len(s.Columns.Old))
	for i, name := range hidden(s) {
		all[i] = fmt.Sprintf("ALTER TABLE %s DROP COLUMN %s", s.Columns.Relation(), dbcompat.Quote(name))
	}
	return all
}

func (w *Walk) runner() *ddl.Runner {
	return ddl.New(w.pool, ddl.Config{
		LockTimeout: w.config.LockTimeout, Attempts: w.config.Attempts, Pause: w.config.LockTimeout, Logger: w.config.Logger,
	})
}

// drops are the operations. The tables' own functions have words that are columns
// elsewhere: name, stage, epoch.
func (w *Walk) drops(ctx context.Context, table string, columns []string) ([]ddl.Operation, error) {
	rows, err := w.pool.Query(ctx, `SELECT 'function ' || oid::regprocedure FROM pg_proc
		WHERE pronamespace = to_regnamespace($1::text) AND proname ~ '^change_(moves|\d+_fence)$'`, once, w.schema())
	if err != nil {
		return nil, err
	}
	ours, err := pgx.CollectRows(rows, pgx.RowTo[string])
	all := make([]ddl.Operation, len(columns))
	for i, column := range columns {
		all[i] = ddl.DropColumn{Table: table, Column: column, Accept: slices.Concat(w.config.Accept, ours)}
	}
	return all, err
}

// survives is what a column's new name is of no concern to, and what has it back with the
// old one: indexes and constraints.
func survives(r ddl.Reference) bool {
	return strings.HasPrefix(r.Remedy, "DropIndex") || strings.HasPrefix(r.Remedy, "DropConstraint")
}

// references are who would miss the columns. except may be nil.
func (w *Walk) references(ctx context.Context, table string, columns []string, except func(ddl.Reference) bool) ([]Missing, error) {
	operations, err := w.drops(ctx, table, columns)
	if err != nil {
		return nil, err
	}
	plan, err := w.runner().Plan(ctx, operations...)
	if err != nil {
		return nil, err
	}
	var missing []Missing
	for _, step := range plan {
		for _, r := range step.References {
			if except != nil && (except(r) || slices.Contains(w.config.Accept, r.Name)) {
				continue
			}
			missing = append(missing, Missing{r.Name, "refers to the column (" + step.Operation + ")", r.Remedy})
		}
	}
	return missing, nil
}
