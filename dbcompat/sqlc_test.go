package dbcompat_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
)

// sqlc compiles queries that stand in a file, so there are as many of them as there are
// statements: three to write, and two to read. Old's is the one that there was, and New's
// is the one that remains. A query with a parameter that is named stands for each of its
// uses: sqlc makes one argument of it.
//
//	-- name: RenameOld :exec
//	UPDATE users SET name = @name WHERE id = @id;
//	-- name: RenameBoth :exec
//	UPDATE users SET name = @name, display_name = @name WHERE id = @id;
//	-- name: RenameNew :exec
//	UPDATE users SET display_name = @name WHERE id = @id;
//	-- name: NameOld :one
//	SELECT name FROM users WHERE id = @id;
//	-- name: NameNew :one
//	SELECT display_name FROM users WHERE id = @id;
type queries struct{ db *sql.DB }

func (q queries) exec(ctx context.Context, sql string, id int64, name string) error {
	_, err := q.db.ExecContext(ctx, sql, id, name)
	return err
}

func (q queries) RenameOld(ctx context.Context, id int64, name string) error {
	return q.exec(ctx, "UPDATE users SET name = $2 WHERE id = $1", id, name)
}

func (q queries) RenameBoth(ctx context.Context, id int64, name string) error {
	return q.exec(ctx, "UPDATE users SET name = $2, display_name = $2 WHERE id = $1", id, name)
}

func (q queries) RenameNew(ctx context.Context, id int64, name string) error {
	return q.exec(ctx, "UPDATE users SET display_name = $2 WHERE id = $1", id, name)
}

func (q queries) one(ctx context.Context, sql string, id int64) (name string, err error) {
	err = q.db.QueryRowContext(ctx, sql, id).Scan(&name)
	return name, err
}

func (q queries) NameOld(ctx context.Context, id int64) (string, error) {
	return q.one(ctx, "SELECT name FROM users WHERE id = $1", id)
}

func (q queries) NameNew(ctx context.Context, id int64) (string, error) {
	return q.one(ctx, "SELECT display_name FROM users WHERE id = $1", id)
}

// The program asks the stage which one it is, by what it writes and what it believes.

func rename(ctx context.Context, q queries, s dbcompat.Stage, id int64, name string) error {
	switch {
	case s.WritesOld() && s.WritesNew():
		return q.RenameBoth(ctx, id, name)
	case s.WritesNew():
		return q.RenameNew(ctx, id, name)
	case s.WritesOld():
		return q.RenameOld(ctx, id, name)
	}
	return fmt.Errorf("rename: %v is no stage", s)
}

func nameOf(ctx context.Context, q queries, s dbcompat.Stage, id int64) (string, error) {
	if s.BelievesNew() {
		return q.NameNew(ctx, id)
	}
	return q.NameOld(ctx, id)
}

func TestSQLC(t *testing.T) {
	db, err := sql.Open("pgx", pg.Database(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	_, err = db.ExecContext(t.Context(), "CREATE TABLE users (id bigint PRIMARY KEY, name text, display_name text); INSERT INTO users VALUES (1)")
	require.NoError(t, err)
	q := queries{db}
	for _, writes := range stages {
		for _, reads := range stages {
			if writes.Neighbours(reads) {
				want := fmt.Sprint(writes, " to ", reads)
				require.NoError(t, rename(t.Context(), q, writes, 1, want))
				got, err := nameOf(t.Context(), q, reads, 1)
				require.NoError(t, err)
				require.Equal(t, want, got)
			}
		}
	}
	require.EqualError(t, rename(t.Context(), q, 0, 1, "x"), "rename: Stage(0) is no stage")
}

// database/sql takes the same parts. The stage is asked for once, and holds for the
// transaction.
func TestDatabaseSQL(t *testing.T) {
	url := pg.Database(t)
	db, err := sql.Open("pgx", url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	_, err = db.ExecContext(t.Context(), "CREATE TABLE users (id bigint PRIMARY KEY, settings text, preferences jsonb)")
	require.NoError(t, err)
	settings := dbcompat.Column[sql.Null[string]]{
		Table: "users", Key: "id", Old: "settings", New: "preferences", Up: "settings::jsonb", Down: "preferences::text", Type: "jsonb",
	}
	require.NoError(t, settings.Check())
	for i, stage := range stages {
		for j, want := range []sql.Null[string]{{V: `{"dark": true}`, Valid: true}, {}} {
			source := dbcompat.Fixed(stage)
			tx, err := db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			s, err := source(t.Context())
			require.NoError(t, err)
			id := 2*i + j
			columns, places := settings.Insert(s, 2)
			_, err = tx.ExecContext(t.Context(), "INSERT INTO users (id, "+columns+") VALUES ($1, "+places+")", id, want)
			require.NoError(t, err)
			var got sql.Null[string]
			var m dbcompat.Mismatches
			row := tx.QueryRowContext(t.Context(), "UPDATE users SET "+settings.Set(s, 2)+" WHERE id = $1 RETURNING "+settings.Select(s, ""), id, want)
			require.NoError(t, row.Scan(settings.Into(s, &got, &m)...))
			require.Equal(t, want, got)
			compared, differ := m.Counts()
			require.Equal(t, s.Compares(), compared == 1)
			require.Zero(t, differ)
			require.NoError(t, tx.Commit())
		}
	}
}
