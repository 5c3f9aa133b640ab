package ledger

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/handover-go/handover/dbcompat"
)

// set is an UPDATE without a look, as only the owner of a row can do it.
func (l *Lane) set(ctx context.Context, tx pgx.Tx, stage dbcompat.Stage, id int64) (int64, error) {
	return l.put(ctx, tx, stage, id, l.known[id]+1)
}

func (l *Lane) put(ctx context.Context, tx pgx.Tx, stage dbcompat.Stage, id, number int64) (int64, error) {
	tag, err := tx.Exec(ctx, "UPDATE "+l.Columns.Relation()+" SET seq = $2, "+l.Columns.Set(stage, 3)+" WHERE id = $1",
		id, number, l.value(id, number))
	if err == nil && tag.RowsAffected() != 1 {
		err = fmt.Errorf("row %d is away", id)
	}
	return number, err
}

// insert is INSERT … ON CONFLICT DO UPDATE.
func (l *Lane) insert(ctx context.Context, tx pgx.Tx, stage dbcompat.Stage, id int64) (int64, error) {
	number := l.known[id] + 1
	columns, values := l.Columns.Insert(stage, 3)
	_, err := tx.Exec(ctx, fmt.Sprintf("INSERT INTO %s (id, seq, %s) VALUES ($1, $2, %s) ON CONFLICT (id) DO UPDATE SET seq = EXCLUDED.seq, %s",
		l.Columns.Relation(), columns, values, l.Columns.SetExcluded(stage)), id, number, l.value(id, number))
	return number, err
}

// lock is SELECT FOR UPDATE, and an UPDATE.
func (l *Lane) lock(ctx context.Context, tx pgx.Tx, stage dbcompat.Stage, id int64) (int64, error) {
	number, err := l.read(ctx, tx, stage, id, " FOR UPDATE")
	if err != nil || number < 0 {
		return 0, err
	}
	return l.put(ctx, tx, stage, id, number+1)
}

// swap is compare-and-set: an UPDATE that finds the row only as it was read.
func (l *Lane) swap(ctx context.Context, tx pgx.Tx, stage dbcompat.Stage, id int64) (int64, error) {
	number, err := l.read(ctx, tx, stage, id, "")
	if err != nil || number < 0 {
		return 0, err
	}
	tag, err := tx.Exec(ctx, "UPDATE "+l.Columns.Relation()+" SET seq = $2, "+l.Columns.Set(stage, 3)+
		" WHERE id = $1 AND "+l.Columns.Believed(stage, "")[0]+" = $4",
		id, number+1, l.value(id, number+1), l.value(id, number))
	if err != nil || tag.RowsAffected() == 0 {
		return 0, err // somebody else was faster
	}
	return number + 1, nil
}

// add is an UPDATE from what the row has.
func (l *Lane) add(ctx context.Context, tx pgx.Tx, stage dbcompat.Stage, id int64) (int64, error) {
	var seq int64
	value := l.into()
	err := tx.QueryRow(ctx, fmt.Sprintf("UPDATE %s SET seq = seq + 1, %s WHERE id = $1 RETURNING %s, seq",
		l.Columns.Relation(), l.Columns.SetTo(stage, "", l.following), l.Columns.Select(stage, "")), id).
		Scan(append(l.Columns.Into(stage, []any{value}, nil), &seq)...)
	if err != nil {
		return 0, err
	}
	return max(0, l.check(stage, id, value, seq)), nil
}

func (l *Lane) read(ctx context.Context, tx pgx.Tx, stage dbcompat.Stage, id int64, lock string) (int64, error) {
	var seq int64
	value := l.into()
	err := tx.QueryRow(ctx, "SELECT "+l.Columns.Select(stage, "")+", seq FROM "+l.Columns.Relation()+" WHERE id = $1"+lock, id).
		Scan(append(l.Columns.Into(stage, []any{value}, nil), &seq)...)
	if err != nil {
		return 0, fmt.Errorf("read row %d at %v: %w", id, stage, err)
	}
	return l.check(stage, id, value, seq), nil
}

// check returns the number of a value that was read.
func (l *Lane) check(stage dbcompat.Stage, id int64, value any, seq int64) int64 {
	number := l.number(id, value)
	switch {
	case number != seq:
		l.doubts = append(l.doubts, fmt.Sprintf("fault %s: row %d: number %d at %v, where %d was written", Stale, id, number, stage, seq))
	case number < l.known[id]:
		l.doubts = append(l.doubts, fmt.Sprintf("fault %s: row %d: number %d at %v, after %d", Stale, id, number, stage, l.known[id]))
	}
	return number
}
