package backfill

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/handover-go/handover/dbcompat"
)

// NewAdded is New for a column that replaces none: its Fill is written where there is
// NULL, and nowhere else. There is no stage, as nobody's value can be overwritten; Stage
// in Plan, Status and Verification is left at its zero. Run it when all programs that run
// write the column, or its default does it for them.
//
// Where Fill is NULL the row stays as it is, and no later run waits for it. Verify counts
// the rows that have NULL, and names ten: SET NOT NULL would fail for them.
func NewAdded[T any](pool *pgxpool.Pool, added dbcompat.Added[T], config Config) *Backfill {
	columns := dbcompat.Column[T]{Table: added.Table, Key: added.Key, New: added.Column}.Columns()
	columns.Old = nil
	return create(&Backfill{pool: pool, columns: columns, fill: added.Fill, source: noStage, config: config}, added.Check())
}

func noStage(context.Context) (dbcompat.Stage, error) { return 0, nil }

// word is a stage as it is kept; none is empty.
func word(stage dbcompat.Stage) string {
	if stage == 0 {
		return ""
	}
	return stage.String()
}
