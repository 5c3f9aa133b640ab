package backfill

import (
	"context"
	"embed"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/handover-go/handover/dbcompat"
)

//go:embed sql/*.sql
var embedded embed.FS

// version is that of the last file.
const version = 1

// Migrate makes the tables of the runs, if they are not there: sql/0001_backfills.sql.
// Run and Verify call it, so that it is for those whose program has a role that may not
// CREATE: call it with another pool, and GRANT the other role what it needs (USAGE on the
// schema; SELECT, INSERT, UPDATE, DELETE on the tables). Several may call it at once.
func (b *Backfill) Migrate(ctx context.Context) error {
	err := b.mistakes()
	if err == nil {
		err = b.migrate(ctx)
	}
	return b.failed("migrate", err)
}

func (b *Backfill) migrate(ctx context.Context) error {
	text, err := embedded.ReadFile("sql/0001_backfills.sql")
	if err != nil {
		return err
	}
	for range b.config.Attempts {
		there, err := b.migrated(ctx)
		if there || err != nil {
			return err
		}
		_, err = b.pool.Exec(ctx, b.sql(string(text)), pgx.QueryExecModeSimpleProtocol)
		// Of two that make the same table at once, IF NOT EXISTS or not, one fails.
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || pg.Code != "23505" && pg.Code != "42P07" && pg.Code != "42P06" && pg.Code != "40P01" {
			return err
		}
	}
	return errors.New("others make and drop the tables at the same time")
}

func (b *Backfill) migrated(ctx context.Context) (bool, error) {
	var there bool
	err := b.pool.QueryRow(ctx, "SELECT to_regclass($1::text) IS NOT NULL", once, b.sql(`"handover".backfill_migrations`)).Scan(&there)
	if err != nil || !there {
		return false, err
	}
	err = b.pool.QueryRow(ctx, b.sql(`SELECT coalesce(max(version), 0) >= $1::int FROM "handover".backfill_migrations`), once, version).Scan(&there)
	return there, err
}

// once has a query leave no prepared statement behind: the next one may be on another
// session, if a pooler is in between.
const once = pgx.QueryExecModeExec

// sql is a query for the schema.
func (b *Backfill) sql(query string) string {
	return strings.ReplaceAll(query, `"handover"`, dbcompat.Quote(b.config.Schema))
}
