package pgflags

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/handover-go/handover/flags"
)

// ErrNotMigrated is of a database that has not got the tables, or of a schema that is
// another one. Each method but Migrate and Export may return it.
var ErrNotMigrated = errors.New("the tables are not there, or not all of them: call Migrate, or apply what Export writes")

// ErrNoSet is of Load: the set has no flag, and never had one.
var ErrNoSet = errors.New("there is no such set: correct Config.Set, or insert its first flag")

// ErrNoFlag is of Delete, Kill and Unkill: the key is not in the set.
var ErrNoFlag = errors.New("there is no such flag in the set")

// Store is a set of flags in PostgreSQL: a flags.Source, a flags.Watcher, and for people
// and programs a way to change it. Its methods may be called from any goroutine.
type Store struct {
	pool   *pgxpool.Pool
	config Config
	wrong  error // of pool and config: of each call
	last   atomic.Pointer[loaded]
}

// loaded is the last document that was read, and what says that it is still that.
type loaded struct {
	document  flags.Document
	updatedAt time.Time // of two histories with the same revision: a restored one, a failover
}

// New returns the set that config names, in the pool's database. It asks nothing: what
// is wrong with the arguments is the error of each call. The pool may be one that is
// closed later than the Client ends.
func New(pool *pgxpool.Pool, config Config) *Store {
	s := &Store{pool: pool, config: config.withDefaults()}
	s.wrong = s.config.wrong()
	if pool == nil {
		s.wrong = errors.Join(errors.New("the pool is nil: make one with pgxpool.New"), s.wrong)
	}
	return s
}

// Load reads the set. All of the document is of one revision, which is in its metadata
// as the version; flagSetId is the set's name. A flag that is killed is DISABLED. It is
// the same document, byte for byte, until something changes, and must not be written to.
//
// If nothing has changed since the last call that is all that is asked, and one row is
// read. errors.Is tells [ErrNotMigrated] and [ErrNoSet] from a database that is down.
func (s *Store) Load(ctx context.Context) (flags.Document, error) {
	document, err := s.load(ctx)
	return document, s.failed(ctx, "load set", s.config.Set, err)
}

func (s *Store) load(ctx context.Context) (flags.Document, error) {
	if s.wrong != nil {
		return flags.Document{}, s.wrong
	}
	if last := s.last.Load(); last != nil {
		same, err := s.unchanged(ctx, last)
		if err != nil {
			return flags.Document{}, err
		}
		if same {
			return last.document, nil
		}
	}
	next, err := s.read(ctx, s.pool)
	if err != nil {
		return flags.Document{}, err
	}
	s.last.Store(next)
	return next.document, nil
}

func (s *Store) unchanged(ctx context.Context, last *loaded) (bool, error) {
	var same bool
	err := s.pool.QueryRow(ctx, s.sql(`
		SELECT revision = $2::bigint AND updated_at = $3::timestamptz FROM "handover".flag_sets WHERE set = $1::text`),
		once, s.config.Set, last.document.Revision, last.updatedAt).Scan(&same)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, ErrNoSet
	}
	return same, err
}

// once has a query leave no prepared statement behind, whatever the pool is configured
// to do: the next one may be on another session, if a pooler is in between.
const once = pgx.QueryExecModeExec

// sql is a query for the schema. The name is quoted in it, and has no quotes of its own.
func (s *Store) sql(query string) string {
	return strings.ReplaceAll(query, `"handover"`, pgx.Identifier{s.config.Schema}.Sanitize())
}

// failed says what could not be done, and why if PostgreSQL would not.
func (s *Store) failed(ctx context.Context, verb, name string, err error) error {
	var pg *pgconn.PgError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &pg) && (pg.Code == "42P01" || pg.Code == "42883" || pg.Code == "3F000"):
		err = fmt.Errorf("schema %s: %w (%w)", s.config.Schema, ErrNotMigrated, err)
	case pg != nil && pg.Hint != "":
		err = fmt.Errorf("%w; %s", err, pg.Hint)
	case ctx.Err() != nil && !errors.Is(err, ctx.Err()):
		err = fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	return fmt.Errorf("pgflags: %s %s: %w", verb, name, err)
}
