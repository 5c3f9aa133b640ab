package backfill

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handover-go/handover/dbcompat"
)

// Verification is the comparison of all rows, row by row.
type Verification struct {
	Stage        dbcompat.Stage // during all of it; 0 of an added column
	Began, Ended time.Time      // by the database's clock
	LSN          string         // a replica that has replayed this has what was verified

	Rows       int64    // compared
	Mismatches int64    // rows in which the twin is not what it should be, or up fails
	Examples   []string // the keys of ten of them at most, as in RowError
}

// ErrNotVerified is of columns that have never been.
var ErrNotVerified = errors.New("there is no verification")

// Verified is the last verification that was stored, by whatever process. errors.Is tells
// [ErrNotVerified].
func (b *Backfill) Verified(ctx context.Context) (Verification, error) {
	v, err := Verification{}, b.mistakes()
	if err == nil {
		v, err = b.verified(ctx)
	}
	return v, b.failed("verified", err)
}

func (b *Backfill) verified(ctx context.Context) (v Verification, err error) {
	there, err := b.migrated(ctx)
	if err != nil || !there {
		return v, errors.Join(err, ErrNotVerified)
	}
	if b, err = b.located(ctx); err != nil {
		return v, err
	}
	var stage string
	err = b.pool.QueryRow(ctx, b.sql(`SELECT stage, began_at, ended_at, lsn::text, rows, mismatches, examples
		FROM "handover".backfill_verifications WHERE name = $1::text ORDER BY id DESC LIMIT 1`), once, b.name).
		Scan(&stage, &v.Began, &v.Ended, &v.LSN, &v.Rows, &v.Mismatches, &v.Examples)
	if errors.Is(err, pgx.ErrNoRows) {
		return v, ErrNotVerified
	}
	if err == nil && stage != "" {
		v.Stage, err = dbcompat.ParseStage(stage)
	}
	return v, err
}
