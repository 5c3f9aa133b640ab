package pgramp

import (
	"context"
	"embed"

	"github.com/handover-go/handover/internal/pgmigrate"
)

//go:embed sql/*.sql
var embedded embed.FS

func (s *Store) migrations() pgmigrate.Set {
	return pgmigrate.Set{Files: embedded, Schema: s.schema(), Table: "ramp_migrations"}
}

// Migrate makes the tables, or brings them up to date, in one transaction. Those of
// pgflags have to be there. Several may call it at once. The role that calls it owns the
// tables, and has to be the one that owns those of pgflags, as the functions write both.
func (s *Store) Migrate(ctx context.Context) error {
	if s.wrong != nil {
		return s.failed(ctx, "migrate schema", s.config.Schema, s.wrong)
	}
	return s.failed(ctx, "migrate schema", s.config.Schema, s.migrations().Apply(ctx, s.pool))
}

// Export writes the migrations to a directory, for those whose own tool applies them:
// 0001_ramps.sql and so on, each to be applied once, in a transaction, after all of those
// of pgflags.
func (s *Store) Export(dir string) error {
	err := s.config.wrong()
	if err == nil {
		err = s.migrations().Export(dir)
	}
	return s.failed(context.Background(), "export to", dir, err)
}

// GrantMember lets a role be a member, with what a leader does, and no more; to serve
// flags it takes pgflags' GrantRead:
//
//	GRANT USAGE ON SCHEMA handover TO app;
//	GRANT EXECUTE ON FUNCTION handover.ramp_attend, handover.ramp_move, handover.ramp_trip, handover.ramp_leave TO app;
//	GRANT SELECT ON handover.ramps, handover.ramp_audit, handover.ramp_instances, handover.ramp_leaders, handover.ramp_samples TO app;
func (s *Store) GrantMember(ctx context.Context, role string) error {
	return s.grant(ctx, role, `GRANT USAGE ON SCHEMA "handover" TO "role"`,
		`GRANT EXECUTE ON FUNCTION "handover".ramp_attend, "handover".ramp_move, "handover".ramp_trip, "handover".ramp_leave TO "role"`,
		`GRANT SELECT ON "handover".ramps, "handover".ramp_audit, "handover".ramp_instances, "handover".ramp_leaders, "handover".ramp_samples TO "role"`)
}

// GrantWrite lets a role pause and resume ramps, by this package or by SQL; to abort them
// it takes pgflags' GrantWrite:
//
//	GRANT USAGE ON SCHEMA handover TO ops;
//	GRANT SELECT, DELETE, UPDATE (state, why) ON handover.ramps TO ops;
//	GRANT SELECT ON handover.ramp_audit, handover.ramp_instances, handover.ramp_leaders, handover.ramp_samples TO ops;
//	GRANT EXECUTE ON FUNCTION handover.flag_turn() TO ops;
func (s *Store) GrantWrite(ctx context.Context, role string) error {
	return s.grant(ctx, role, `GRANT USAGE ON SCHEMA "handover" TO "role"`,
		`GRANT SELECT, DELETE, UPDATE (state, why) ON "handover".ramps TO "role"`,
		`GRANT SELECT ON "handover".ramp_audit, "handover".ramp_instances, "handover".ramp_leaders, "handover".ramp_samples TO "role"`,
		`GRANT EXECUTE ON FUNCTION "handover".flag_turn() TO "role"`)
}

func (s *Store) grant(ctx context.Context, role string, statements ...string) error {
	err := s.wrong
	if err == nil {
		err = s.migrations().Grant(ctx, s.pool, role, statements...)
	}
	return s.failed(ctx, "grant to", role, err)
}
