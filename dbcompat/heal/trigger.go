package heal

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/handover-go/handover/dbcompat"
)

// once plans each statement for itself: behind a pooler by transaction, a prepared one
// would be somebody else's.
const once = pgx.QueryExecModeExec

// A Trigger is that of one change. It keeps nothing between calls, and its methods may be
// called from any goroutine and process. Make one with [New].
type Trigger struct {
	pool    *pgxpool.Pool
	columns dbcompat.Columns
	source  dbcompat.Source
	config  Config
}

// New makes a Trigger, and asks the database nothing. source tells the stage.
func New(pool *pgxpool.Pool, columns dbcompat.Columns, source dbcompat.Source, config Config) *Trigger {
	return &Trigger{pool, columns, source, config.withDefaults()}
}

// Install checks that new is exactly up(old), which reads the table once, and makes the
// triggers, their function and two sequences, in one transaction. It is refused from
// ReadNew on. If they are there nothing happens, and nothing is locked; if they
// are there with other expressions they are replaced, and the count begins anew.
//
// It needs to own the table, and CREATE on its schema. Those who write need USAGE on that
// schema, which they have, unless they write through a view. The function is not SECURITY
// DEFINER, which would run Up, and whatever that finds in search_path, as the owner.
//
// If the lock was not to be had in Config.Attempts, the error says who has the table, and
// nothing has changed; so it is with Remove.
func (t *Trigger) Install(ctx context.Context) error {
	return t.failed("install", t.install(ctx))
}

func (t *Trigger) install(ctx context.Context) error {
	if err := t.stage(ctx); err != nil {
		return err
	}
	p, err := t.plan(ctx)
	if err != nil {
		return err
	}
	if there, err := p.installed(ctx, t.pool); err != nil || there {
		return err
	}
	if err := t.exact(ctx, p); err != nil {
		return err
	}
	return t.locked(ctx, p, func(tx pgx.Tx) error {
		if there, err := p.installed(ctx, tx); err != nil || there {
			return err // another instance was faster
		}
		return run(ctx, tx, append(p.remove(), p.install()...))
	})
}

// Remove drops what Install has made. If there is nothing, nothing happens. It may be
// called at any stage, and has to be before somebody is at New: what that inserts looks,
// if old has a default, like the row of a writer that does not know of new.
func (t *Trigger) Remove(ctx context.Context) error {
	p, err := t.plan(ctx)
	if err == nil {
		var there bool
		if there, err = p.traces(ctx, t.pool); there {
			err = t.locked(ctx, p, func(tx pgx.Tx) error { return run(ctx, tx, p.remove()) })
		}
	}
	return t.failed("remove", err)
}

// Plan is the SQL that Install runs, but for its checks; to be read before it is.
func (t *Trigger) Plan(ctx context.Context) ([]string, error) {
	p, err := t.plan(ctx)
	if err != nil {
		return nil, t.failed("plan", err)
	}
	return append([]string{p.lock()}, p.install()...), nil
}

// stage refuses what would write a believed column.
func (t *Trigger) stage(ctx context.Context) error {
	if t.source == nil {
		return errors.New("no source tells the stage: give dbcompat.Fixed(dbcompat.Old), or what the program asks")
	}
	s, err := t.source(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("ask the stage: %w", err)
	case !s.Valid():
		return fmt.Errorf("%v is no stage", s)
	case s.BelievesNew():
		return fmt.Errorf("the stage is %v, where new is believed and only the program writes it: "+
			"go back to %v, or find out who still writes old", s, dbcompat.DualWrite)
	}
	return nil
}

func run(ctx context.Context, tx pgx.Tx, statements []string) error {
	for _, sql := range statements {
		if _, err := tx.Exec(ctx, sql, once); err != nil {
			return fmt.Errorf("%.40s…: %w", sql, err)
		}
	}
	return nil
}

func (t *Trigger) failed(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("heal: %s %s.%s: %w", what, t.columns.Table, strings.Join(t.columns.New, ","), err)
}
