package walk

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/change/internal/store"
)

// Walk moves one change, or looks at it. All that is known is in the database: two of
// one name are the same. Its methods may be called from any goroutine and process. The
// error of each but Migrate, Export, Create, Delete and Events is ErrNoChange if nobody
// has created the change.
type Walk struct {
	pool   *pgxpool.Pool
	name   string
	config Config
	wrong  error // of the arguments: of each call
}

// New asks nothing: what is wrong with the arguments is the error of each call. The role
// of the pool's connections sees all sessions and replicas if it has pg_monitor; hidden
// ones are in the way. To hide and drop columns it has to own the table.
func New(pool *pgxpool.Pool, name string, config Config) *Walk {
	w := &Walk{pool: pool, name: name, config: config.withDefaults()}
	var mistakes []error
	if pool == nil {
		mistakes = append(mistakes, errors.New("the pool is nil: make one with pgxpool.New"))
	}
	if strings.TrimSpace(name) == "" || strings.Contains(name, "\x00") {
		mistakes = append(mistakes, fmt.Errorf("the name of the change is %q: give one, as in users-name", name))
	}
	w.wrong = errors.Join(append(mistakes, w.config.wrong())...)
	return w
}

var (
	// ErrMoved is of a call that no longer fits: somebody else has moved the change, or
	// the step is not the next one.
	ErrMoved = errors.New("the change is elsewhere")

	// ErrNoChange is of a change that nobody has created.
	ErrNoChange = errors.New("there is no such change: call Create")
)

// Migrate brings the tables up to date; see Export for those who have a tool for that.
// It needs the right to CREATE in the database, or in the schema if that exists.
//
// A role of its own for the instances needs USAGE on the schema, SELECT on changes,
// SELECT, INSERT, UPDATE and DELETE on change_instances, UPDATE on changes to lock a row,
// and for a fence SELECT on its sequence.
func (w *Walk) Migrate(ctx context.Context) error {
	return w.call("migrate", func() error { return store.In(w.config.Schema).Apply(ctx, w.pool) })
}

// Export writes the numbered SQL files into a directory, for another migration tool. A
// file that is there is never changed.
func (w *Walk) Export(dir string) error {
	return w.call("export", func() error { return store.In(w.config.Schema).Export(dir) })
}

func (w *Walk) call(verb string, do func() error) error {
	err := w.wrong
	if err == nil {
		err = do()
	}
	if err == nil {
		return nil
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch {
		case (pg.Code == "42P01" || pg.Code == "3F000") && strings.Contains(pg.Message, "change"):
			err = fmt.Errorf("%w (the tables are not there: call Migrate first)", err)
		case pg.Code == "0A000" || pg.Code == "25006": // BEGIN READ WRITE, or a write
			err = fmt.Errorf("%w (the server is a standby: connect to the primary)", err)
		}
	}
	return fmt.Errorf("walk: %s %s: %w", verb, w.name, err)
}

func (w *Walk) schema() string { return dbcompat.Quote(w.config.Schema) }

func (w *Walk) sql(query string) string { return store.In(w.config.Schema).SQL(query) }

// once has a query leave no prepared statement behind: the next one may be on another
// session, if a pooler is in between.
const once = pgx.QueryExecModeExec

// locked runs a transaction that gives up soon for a lock, lets those pass who have come
// behind it, and tries again.
func (w *Walk) locked(ctx context.Context, do func(pgx.Tx) error) error {
	options := pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite}
	for attempt := 1; ; attempt++ {
		err := pgx.BeginTxFunc(ctx, w.pool, options, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, fmt.Sprintf("SET LOCAL lock_timeout = %d", w.config.LockTimeout.Milliseconds()), once); err != nil {
				return err
			}
			return do(tx)
		})
		if !busy(err) {
			return err
		}
		if attempt >= w.config.Attempts {
			return fmt.Errorf("somebody else is in the way, at each of %d attempts: %w", attempt, err)
		}
		if err := sleep(ctx, w.config.LockTimeout/2+rand.N(w.config.LockTimeout)); err != nil {
			return err
		}
	}
}

// busy is a lock that was not to be had, or had in another order.
func busy(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pg.Code == "55P03" || pg.Code == "40P01")
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
