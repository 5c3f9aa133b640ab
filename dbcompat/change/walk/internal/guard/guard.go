// Package guard asks a database what a move of a change depends on: sessions, columns,
// replicas. It changes nothing, and decides nothing but what is in the way.
package guard

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// A Querier is a pool, or the transaction of a move.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// A Lack is one thing that is in the way: who, what is with them, and what helps.
type Lack struct {
	Who, What, Do string
}

// once has a query leave no prepared statement behind: the next one may be on another
// session, if a pooler is in between.
const once = pgx.QueryExecModeExec

func collect[T any](ctx context.Context, db Querier, sql string, args ...any) ([]T, error) {
	rows, err := db.Query(ctx, sql, append([]any{once}, args...)...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[T])
}
