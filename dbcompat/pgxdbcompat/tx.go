package pgxdbcompat

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/handover-go/handover/dbcompat"
)

// InTx runs fn in a transaction, at the stage that source says at its beginning: however
// the stage moves meanwhile, all statements of a transaction are of one stage. begin is
// pool.Begin, or conn.Begin, or what calls BeginTx with the options that it takes.
//
// The transaction is committed if fn returns nil, and rolled back if it returns an error
// or panics. source is asked before a connection is taken, so it may use the same pool.
func InTx(
	ctx context.Context,
	begin func(context.Context) (pgx.Tx, error),
	source dbcompat.Source,
	fn func(pgx.Tx, dbcompat.Stage) error,
) error {
	if begin == nil || source == nil || fn == nil {
		return errors.New("pgxdbcompat: nothing to do: give a begin, a source and a function, none of them nil")
	}
	stage, err := source(ctx)
	if err != nil {
		return fmt.Errorf("pgxdbcompat: ask for stage: %w", err)
	}
	if !stage.Valid() {
		return fmt.Errorf("pgxdbcompat: ask for stage: %v is no stage", stage)
	}
	tx, err := begin(ctx)
	if err != nil {
		return fmt.Errorf("pgxdbcompat: begin at %v: %w", stage, err)
	}
	// After a commit this does nothing; it is here for what panics.
	defer func() { _ = tx.Rollback(ctx) }()
	if err := fn(tx, stage); err != nil {
		if rollBack := rollBack(ctx, tx); rollBack != nil {
			return errors.Join(err, rollBack)
		}
		return err
	}
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("pgxdbcompat: commit at %v: %w", stage, err)
	}
	return nil
}

func rollBack(ctx context.Context, tx pgx.Tx) error {
	if err := tx.Rollback(ctx); err != nil && !errors.Is(err, pgx.ErrTxClosed) {
		return fmt.Errorf("pgxdbcompat: roll back: %w", err)
	}
	return nil
}

// InTx is the function InTx, and runs it once more if a statement has met a change of the
// schema. What fn did to the database is undone by then; what it did elsewhere is not, so
// it should only do it after the commit.
func (s *Schema) InTx(
	ctx context.Context,
	begin func(context.Context) (pgx.Tx, error),
	source dbcompat.Source,
	fn func(pgx.Tx, dbcompat.Stage) error,
) error {
	return s.Do(ctx, func(ctx context.Context) error { return InTx(ctx, begin, source, fn) })
}
