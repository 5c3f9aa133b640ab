// Package pgmigrate applies numbered SQL files to a schema, each once, or exports them
// for the tool that a team has for it.
//
// Each file notes its version itself, in a table of the schema, so that it does not
// matter who has applied it. The invariant: what has been released does not change;
// there is only one more file. In the files "handover", in quotes, is the schema, and
// nothing else.
package pgmigrate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"

	"github.com/jackc/pgx/v5"
)

// Set is the files of one package.
type Set struct {
	Files  fs.FS  // sql/0001_what.sql and so on
	Schema string // quoted; what "handover" in the files becomes
	Table  string // of the versions, without the schema: change_migrations
}

// A Beginner is a pool or a connection.
type Beginner interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}

// CheckSchema tells what PostgreSQL would misunderstand: a longer name is cut without a
// word, and then two names are one schema.
func CheckSchema(name string) error {
	odd := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != '-' }
	if len(name) > 63 || strings.IndexFunc(name, odd) >= 0 {
		return fmt.Errorf("Config.Schema is %q: take letters, digits, _ and -, 63 bytes at the most", name)
	}
	return nil
}

// SQL is a query for the schema.
func (s Set) SQL(query string) string { return strings.ReplaceAll(query, `"handover"`, s.Schema) }

// once has a query leave no prepared statement behind: the next one may be on another
// session, if a pooler is in between.
const once = pgx.QueryExecModeExec

// Apply brings the schema up to date, in one transaction; if it is, nothing is locked
// but others who apply. Several may call it at once, as the copies of a program do that
// start together. It needs the right to CREATE in the database, or in the schema if that
// exists; for nothing if there is nothing to do.
func (s Set) Apply(ctx context.Context, db Beginner) error {
	return pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SET TRANSACTION ISOLATION LEVEL READ COMMITTED READ WRITE", once); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended($1::text, 0))", once, s.Schema+"."+s.Table); err != nil {
			return err
		}
		version, err := s.Version(ctx, tx)
		if err != nil {
			return err
		}
		for _, f := range s.list() {
			if f.version <= version {
				continue
			}
			if _, err := tx.Conn().PgConn().Exec(ctx, f.sql).ReadAll(); err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
		}
		return nil
	})
}

// A Querier is a pool, a connection or a transaction.
type Querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Version is that of the last file that has been applied; 0 if none has.
func (s Set) Version(ctx context.Context, db Querier) (version int, err error) {
	var there bool
	err = db.QueryRow(ctx, "SELECT to_regclass($1::text) IS NOT NULL", once, s.Schema+"."+s.Table).Scan(&there)
	if err != nil || !there {
		return 0, err
	}
	err = db.QueryRow(ctx, "SELECT coalesce(max(version), 0) FROM "+s.Schema+"."+s.Table, once).Scan(&version)
	return version, err
}

// Latest is the version of the last file that there is.
func (s Set) Latest() int {
	latest := 0
	for _, f := range s.list() {
		latest = max(latest, f.version)
	}
	return latest
}

type file struct {
	version   int
	name, sql string
}

func (s Set) list() []file {
	names, _ := fs.Glob(s.Files, "sql/*.sql") // sorted; the pattern is well-formed
	all := make([]file, len(names))
	for i, name := range names {
		text, _ := fs.ReadFile(s.Files, name) // what is listed is there
		number, _, _ := strings.Cut(filepath.Base(name), "_")
		version, _ := strconv.Atoi(number) // tests see to the names
		all[i] = file{version, filepath.Base(name), s.SQL(string(text))}
	}
	return all
}

// Export writes the files to a directory: 0001_what.sql and so on, each to be applied
// once, in a transaction. A file that is there is never changed; if it has other contents
// that is an error.
func (s Set) Export(dir string) error {
	var errs []error
	for _, f := range s.list() {
		errs = append(errs, export(filepath.Join(dir, f.name), []byte(f.sql)))
	}
	return errors.Join(errs...)
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

// Grant runs statements in which "role", in quotes, is the role.
func (s Set) Grant(ctx context.Context, db Beginner, role string, statements ...string) error {
	return pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		for _, statement := range statements {
			statement = strings.ReplaceAll(s.SQL(statement), `"role"`, pgx.Identifier{role}.Sanitize())
			if _, err := tx.Exec(ctx, statement, once); err != nil {
				return err
			}
		}
		return nil
	})
}
