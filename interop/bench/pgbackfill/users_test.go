//go:build unix && !race

package pgbackfill_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// users is a table without dead rows, in a database of its own.
type users struct {
	url  string
	pool *pgxpool.Pool // of the back-fill
	rows int
}

func makeUsers(b *testing.B, url string, rows int) users {
	u := users{url: url, pool: open(b, url, 4), rows: rows}
	u.exec(b, `CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL, email text, bio text, at timestamptz DEFAULT now())`)
	u.exec(b, `INSERT INTO users (id, name, email, bio)
		SELECT i, 'name ' || i, i || '@example.org', repeat('x', 120) FROM generate_series(1, $1::int) i`, rows)
	u.exec(b, `VACUUM ANALYZE users`)
	u.exec(b, `CHECKPOINT`)
	return u
}

func addLabel(b *testing.B, u users) { u.exec(b, `ALTER TABLE users ADD label text`) }

func (u users) exec(b *testing.B, sql string, args ...any) {
	_, err := u.pool.Exec(b.Context(), sql, args...)
	require.NoError(b, err)
}

// mismatches are the rows whose column is not the name.
func (u users) mismatches(b *testing.B, column string) (n int) {
	err := u.pool.QueryRow(b.Context(), `SELECT count(*) FROM users WHERE `+column+` IS DISTINCT FROM name`).Scan(&n)
	require.NoError(b, err)
	return n
}

// size is that of the table in bytes, without its index.
func (u users) size(b *testing.B) (bytes float64) {
	require.NoError(b, u.pool.QueryRow(b.Context(), `SELECT pg_table_size('users')`).Scan(&bytes))
	return bytes
}

func open(b *testing.B, url string, connections int32) *pgxpool.Pool {
	config, err := pgxpool.ParseConfig(url)
	require.NoError(b, err)
	config.MaxConns = connections
	pool, err := pgxpool.NewWithConfig(context.WithoutCancel(b.Context()), config)
	require.NoError(b, err)
	b.Cleanup(pool.Close)
	return pool
}
