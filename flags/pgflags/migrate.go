package pgflags

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

//go:embed sql/*.sql
var embedded embed.FS

// A migration is one file. It notes its version itself, so that it does not matter who
// has applied it.
type migration struct {
	version int
	name    string
	sql     string
}

// Migrate makes the schema and the tables, or brings them up to date; if they are,
// nothing is locked but others who migrate. All of it is one transaction. Several may
// call it at once, as the copies of a program do that start together.
//
// The role that calls it owns the tables, and needs the right to CREATE in the database,
// or in the schema if that exists. Others get theirs by [Store.GrantRead] and
// [Store.GrantWrite].
func (s *Store) Migrate(ctx context.Context) error {
	err := s.transaction(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended('pgflags: migrate ' || $1::text, 0))", once, s.config.Schema); err != nil {
			return err
		}
		version, err := s.version(ctx, tx)
		if err != nil {
			return err
		}
		for _, m := range s.migrations() {
			if m.version <= version {
				continue
			}
			if _, err := tx.Conn().PgConn().Exec(ctx, m.sql).ReadAll(); err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
		}
		return nil
	})
	return s.failed(ctx, "migrate schema", s.config.Schema, err)
}

// version is that of the last migration; 0 if there is none.
func (s *Store) version(ctx context.Context, tx pgx.Tx) (version int, err error) {
	var there bool
	err = tx.QueryRow(ctx, "SELECT to_regclass($1::text) IS NOT NULL", once, s.sql(`"handover".flag_migrations`)).Scan(&there)
	if err != nil || !there {
		return 0, err
	}
	err = tx.QueryRow(ctx, s.sql(`SELECT coalesce(max(version), 0) FROM "handover".flag_migrations`), once).Scan(&version)
	return version, err
}

func (s *Store) migrations() []migration {
	names, _ := fs.Glob(embedded, "sql/*.sql") // sorted; the pattern is well-formed
	all := make([]migration, len(names))
	for i, name := range names {
		text, _ := embedded.ReadFile(name) // what is listed is there
		number, _, _ := strings.Cut(filepath.Base(name), "_")
		version, _ := strconv.Atoi(number) // tests see to the names
		all[i] = migration{version, filepath.Base(name), s.sql(string(text))}
	}
	return all
}

// Export writes the migrations to a directory, for those whose own tool applies them:
// 0001_tables.sql and so on, each to be applied once, in a transaction. Migrate knows
// then that they are. A file that is there is never changed; if it has other contents
// that is an error.
func (s *Store) Export(dir string) error {
	all := s.migrations()
	errs := []error{s.config.wrong()}
	if errs[0] != nil {
		all = nil
	}
	for _, m := range all {
		errs = append(errs, export(filepath.Join(dir, m.name), []byte(m.sql)))
	}
	return s.failed(context.Background(), "export to", dir, errors.Join(errs...))
}

func export(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if errors.Is(err, fs.ErrExist) {
		there, err := os.ReadFile(path)
		if err == nil && !bytes.Equal(there, text) {
			err = fmt.Errorf("%s has other contents: migrations do not change; move it away", path)
		}
		return err
	}
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Close())
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
	names := strings.NewReplacer(`"handover"`, pgx.Identifier{s.config.Schema}.Sanitize(), `"role"`, pgx.Identifier{role}.Sanitize())
	err := s.transaction(ctx, func(tx pgx.Tx) error {
		for _, statement := range statements {
			if _, err := tx.Exec(ctx, names.Replace(statement), once); err != nil {
				return err
			}
		}
		return nil
	})
	return s.failed(ctx, "grant to", role, err)
}
