package pgflags

import (
	"context"
	"embed"

	"github.com/jackc/pgx/v5"

	"github.com/handover-go/handover/internal/pgmigrate"
)

//go:embed sql/*.sql
var embedded embed.FS

func (s *Store) migrations() pgmigrate.Set {
	return pgmigrate.Set{Files: embedded, Schema: pgx.Identifier{s.config.Schema}.Sanitize(), Table: "flag_migrations"}
}

// Migrate makes the schema and the tables, or brings them up to date; if they are,
// nothing is locked but others who migrate. All of it is one transaction. Several may
// call it at once, as the copies of a program do that start together.
//
// The role that calls it owns the tables, and needs the right to CREATE in the database,
// or in the schema if that exists. Others get theirs by [Store.GrantRead] and
// [Store.GrantWrite].
func (s *Store) Migrate(ctx context.Context) error {
	err := s.wrong
	if err == nil {
		err = s.migrations().Apply(ctx, s.pool)
	}
	return s.failed(ctx, "migrate schema", s.config.Schema, err)
}

// Export writes the migrations to a directory, for those whose own tool applies them:
// 0001_tables.sql and so on, each to be applied once, in a transaction. Migrate knows
// then that they are. A file that is there is never changed; if it has other contents
// that is an error.
func (s *Store) Export(dir string) error {
	err := s.config.wrong()
	if err == nil {
		err = s.migrations().Export(dir)
	}
	return s.failed(context.Background(), "export to", dir, err)
}

// GrantRead lets a role Load and Watch:
//
//	GRANT USAGE ON SCHEMA handover TO app;
//	GRANT SELECT ON handover.flags, handover.flag_sets TO app;
func (s *Store) GrantRead(ctx context.Context, role string) error {
	return s.grant(ctx, role, `GRANT USAGE ON SCHEMA "handover" TO "role"`,
		`GRANT SELECT ON "handover".flags, "handover".flag_sets TO "role"`)
}

// GrantWrite lets a role change flags and read the audit, by this package or by SQL. It
// cannot change the revision or the audit but through its changes:
//
//	GRANT USAGE ON SCHEMA handover TO ops;
//	GRANT SELECT, INSERT, UPDATE, DELETE ON handover.flags TO ops;
//	GRANT SELECT, UPDATE (metadata, evaluators) ON handover.flag_sets TO ops;
//	GRANT SELECT ON handover.flag_audit TO ops;
//	GRANT EXECUTE ON FUNCTION handover.flag_turn() TO ops;
func (s *Store) GrantWrite(ctx context.Context, role string) error {
	return s.grant(ctx, role, `GRANT USAGE ON SCHEMA "handover" TO "role"`,
		`GRANT SELECT, INSERT, UPDATE, DELETE ON "handover".flags TO "role"`,
		`GRANT SELECT, UPDATE (metadata, evaluators) ON "handover".flag_sets TO "role"`,
		`GRANT SELECT ON "handover".flag_audit TO "role"`,
		`GRANT EXECUTE ON FUNCTION "handover".flag_turn() TO "role"`)
}

func (s *Store) grant(ctx context.Context, role string, statements ...string) error {
	err := s.wrong
	if err == nil {
		err = s.migrations().Grant(ctx, s.pool, role, statements...)
	}
	return s.failed(ctx, "grant to", role, err)
}
