package pgxdbcompat_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/pgxdbcompat"
)

var name = dbcompat.Column[string]{Table: "users", Key: "id", Old: "name", New: "display_name"}

func TestInTx(t *testing.T) {
	pool := open(t, pgx.QueryExecModeCacheStatement, nil)
	_, err := pool.Exec(t.Context(), "ALTER TABLE users ADD COLUMN display_name text")
	require.NoError(t, err)
	broken := errors.New("broken")
	tests := map[string]struct {
		source dbcompat.Source
		fn     func(pgx.Tx) error
		want   string // the error's
		row    string
	}{
		"it is committed":                 {dbcompat.Fixed(dbcompat.DualWrite), func(pgx.Tx) error { return nil }, "", "Grace Grace"},
		"an error rolls it back":          {dbcompat.Fixed(dbcompat.DualWrite), func(pgx.Tx) error { return broken }, "broken", "Ada "},
		"a panic rolls it back":           {dbcompat.Fixed(dbcompat.DualWrite), func(pgx.Tx) error { panic("broken") }, "panic: broken", "Ada "},
		"what fn ended itself":            {dbcompat.Fixed(dbcompat.New), func(tx pgx.Tx) error { return errors.Join(tx.Rollback(t.Context()), broken) }, "broken", "Ada "},
		"a failed statement is no commit": {dbcompat.Fixed(dbcompat.New), func(tx pgx.Tx) error { _, _ = tx.Exec(t.Context(), "SELECT 1/0"); return nil }, "pgxdbcompat: commit at new: commit unexpectedly resulted in rollback", "Ada "},
		"a source that does not know":     {func(context.Context) (dbcompat.Stage, error) { return dbcompat.New, broken }, nil, "pgxdbcompat: ask for stage: broken", "Ada "},
		"a source that says nothing":      {dbcompat.Fixed(0), nil, "pgxdbcompat: ask for stage: Stage(0) is no stage", "Ada "},
	}
	for what, test := range tests {
		t.Run(what, func(t *testing.T) {
			_, err := pool.Exec(t.Context(), "UPDATE users SET name = 'Ada', display_name = NULL")
			require.NoError(t, err)
			err = recovered(func() error {
				return pgxdbcompat.InTx(t.Context(), pool.Begin, test.source, func(tx pgx.Tx, stage dbcompat.Stage) error {
					_, err := tx.Exec(t.Context(), "UPDATE users SET "+name.Set(stage, 2)+" WHERE id = $1", 1, "Grace")
					require.NoError(t, err)
					return test.fn(tx)
				})
			})
			if test.want == "" {
				require.NoError(t, err)
			} else {
				require.EqualError(t, err, test.want)
			}
			var row string
			require.NoError(t, pool.QueryRow(t.Context(), "SELECT concat(name, ' ', display_name) FROM users").Scan(&row))
			require.Equal(t, test.row, row)
			require.Zero(t, pool.Stat().AcquiredConns())
		})
	}
}

func recovered(fn func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = errors.New("panic: " + r.(string))
		}
	}()
	return fn()
}

// The stage moves while a transaction runs, which keeps its own.
func TestAStageIsPinned(t *testing.T) {
	pool := open(t, pgx.QueryExecModeCacheStatement, nil)
	stage, asked := dbcompat.DualWrite, 0
	source := func(context.Context) (dbcompat.Stage, error) {
		asked++
		return stage, nil
	}
	var seen []dbcompat.Stage
	for range 2 {
		require.NoError(t, pgxdbcompat.InTx(t.Context(), pool.Begin, source, func(_ pgx.Tx, s dbcompat.Stage) error {
			stage = dbcompat.ReadNew
			seen = append(seen, s, s)
			return nil
		}))
	}
	require.Equal(t, []dbcompat.Stage{dbcompat.DualWrite, dbcompat.DualWrite, dbcompat.ReadNew, dbcompat.ReadNew}, seen)
	require.Equal(t, 2, asked)
}

func nothing(pgx.Tx, dbcompat.Stage) error { return nil }

func TestWhatWasForgotten(t *testing.T) {
	const want = "pgxdbcompat: nothing to do: give a begin, a source and a function, none of them nil"
	begin := func(context.Context) (pgx.Tx, error) { panic("it is not asked") }
	require.EqualError(t, pgxdbcompat.InTx(t.Context(), nil, dbcompat.Fixed(dbcompat.Old), nothing), want)
	require.EqualError(t, pgxdbcompat.InTx(t.Context(), begin, nil, nothing), want)
	require.EqualError(t, new(pgxdbcompat.Schema).InTx(t.Context(), begin, dbcompat.Fixed(dbcompat.Old), nil), want)
}

func TestNoConnection(t *testing.T) {
	pool := open(t, pgx.QueryExecModeCacheStatement, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := pgxdbcompat.InTx(ctx, pool.Begin, dbcompat.Fixed(dbcompat.Old), nothing)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "pgxdbcompat: begin at old: ")
}
