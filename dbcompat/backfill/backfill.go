package backfill

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/handover-go/handover/dbcompat"
)

// Backfill is the back-fill of one replacement of columns, or of one added column. What is
// known of it is in the database, and two of them for the same columns are the same one.
// Its methods may be called from any goroutine and process. Make one with [New] or
// [NewAdded].
type Backfill struct {
	pool    *pgxpool.Pool
	columns dbcompat.Columns // of an added one: without Old
	fill    string           // SQL of an added one
	source  dbcompat.Source
	config  Config
	name    string
	wrong   error // of the arguments: of each call
}

// New asks nothing: what is wrong with the arguments is the error of each call. The
// source is asked before each batch; a fixed stage is for a program that has the whole
// fleet at it.
func New(pool *pgxpool.Pool, columns dbcompat.Columns, source dbcompat.Source, config Config) *Backfill {
	return create(&Backfill{pool: pool, columns: columns, source: source, config: config}, columns.Check())
}

func create(b *Backfill, wrong error) *Backfill {
	b.config = b.config.withDefaults()
	b.name = b.called(b.columns.Table)
	var mistakes []error
	if b.pool == nil {
		mistakes = append(mistakes, errors.New("the pool is nil: make one with pgxpool.New"))
	}
	if b.source == nil {
		mistakes = append(mistakes, errors.New("the stage's source is nil, and without a stage nothing is written: give dbcompat.Fixed, or where the program has it from"))
	}
	b.wrong = errors.Join(append(mistakes, wrong, b.config.wrong())...)
	return b
}

func (b *Backfill) mistakes() error {
	if b.wrong == nil && b.pool == nil {
		return errors.New("the Backfill is empty: make one with New")
	}
	return b.wrong
}

var (
	// ErrBusy is of a run when another one is under way, in whatever process.
	ErrBusy = errors.New("another runner is at it")

	// ErrCancelled is of a run that somebody has ended with Cancel.
	ErrCancelled = errors.New("it has been cancelled: the next run begins at the beginning")

	// ErrTurned is of a run, or a verification, during which the stage has changed what
	// it was to do. Start it again.
	ErrTurned = errors.New("the stage has changed")

	// ErrLost is of a runner that was silent for so long that another one has taken over.
	ErrLost = errors.New("another runner has taken over")
)

// RowError is of a row that cannot be written, or whose expression fails: what ends a run
// without Config.Skip.
type RowError struct {
	Key string // id = 42; with several columns, a = 1, b = 2
	Err error  // PostgreSQL's: a *pgconn.PgError
}

// Error names the row, the cause and what to do.
func (e *RowError) Error() string {
	return fmt.Sprintf("row %s: %v; correct it, or the expression, or set Config.Skip", e.Key, e.Err)
}

// Unwrap is PostgreSQL's error, so that errors.As finds the *pgconn.PgError.
func (e *RowError) Unwrap() error { return e.Err }

func (b *Backfill) called(table string) string {
	if b.fill != "" {
		return table + ": " + strings.Join(b.columns.New, ", ")
	}
	return fmt.Sprintf("%s: %s -> %s", table, strings.Join(b.columns.Old, ", "), strings.Join(b.columns.New, ", "))
}

// located has the table's full name in its own: users is another table with another
// search_path, and the same one as public.users. One that is not there keeps what it was
// given.
func (b *Backfill) located(ctx context.Context) (*Backfill, error) {
	found := *b
	var table string
	err := b.pool.QueryRow(ctx, `SELECT format('%I.%I', nspname, relname) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
		WHERE c.oid = to_regclass($1::text)`, once, b.columns.Relation()).Scan(&table)
	switch {
	case err == nil:
		found.name = b.called(table)
	case errors.Is(err, pgx.ErrNoRows):
		err = nil
	}
	return &found, err
}

// named is a key for people.
func (b *Backfill) named(key []string) string {
	parts := make([]string, len(key))
	for i, value := range key {
		parts[i] = b.columns.Key[i] + " = " + value
	}
	return strings.Join(parts, ", ")
}

// stage asks the source; for an added column there is none.
func (b *Backfill) stage(ctx context.Context) (dbcompat.Stage, error) {
	stage, err := b.source(ctx)
	if err == nil && !stage.Valid() && b.fill == "" {
		err = fmt.Errorf("%v is none", stage)
	}
	if err != nil {
		return 0, fmt.Errorf("without a stage nothing is written: %w", err)
	}
	return stage, nil
}
