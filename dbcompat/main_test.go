package dbcompat_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/internal/pgtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var pg = pgtest.New(pgtest.Config{})

var stages = []dbcompat.Stage{dbcompat.Old, dbcompat.DualWrite, dbcompat.ReadNew, dbcompat.New}

// connect has a session in a database of the test's own, with what a statement makes.
func connect(tb testing.TB, statements ...string) *pgx.Conn {
	tb.Helper()
	conn, err := pgx.Connect(tb.Context(), pg.Database(tb))
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = conn.Close(context.WithoutCancel(tb.Context())) })
	for _, s := range statements {
		execute(tb, conn, s)
	}
	return conn
}

func execute(tb testing.TB, conn *pgx.Conn, sql string, args ...any) {
	tb.Helper()
	_, err := conn.Exec(tb.Context(), sql, args...)
	require.NoError(tb, err, sql)
}

// text is what a query gives, as PostgreSQL prints rows.
func text(tb testing.TB, conn *pgx.Conn, table, order string) []string {
	tb.Helper()
	rows, err := conn.Query(tb.Context(), "SELECT t::text FROM "+table+" t ORDER BY "+order)
	require.NoError(tb, err)
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(tb, err)
	return all
}
