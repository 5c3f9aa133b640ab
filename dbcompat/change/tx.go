package change

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/pgxdbcompat"
)

// InTx runs fn in a transaction, at a stage that stays the same for all of it. It is
// committed if fn returns nil and the lease is still held; otherwise it is rolled back,
// and the error is that of fn, or [ErrFenced]. Without a stage fn is not called, and the
// error is that of Pin.
//
// If the change has a fence, the BEGIN asks it: what comes after that holds up a move, or
// is refused, even if this process is stopped in the middle. That is in the same round
// trip. Who needs another isolation level has Pin, and BeginTx.
//
// With Config.Statements, fn runs once more if a statement does not fit the schema any
// more, as there was DDL.
func (c *Change) InTx(ctx context.Context, fn func(tx pgx.Tx, stage dbcompat.Stage) error) error {
	if fn == nil {
		return c.failed("transaction of", errors.New("the function is nil"))
	}
	pin, err := c.Pin()
	if err != nil {
		return err
	}
	defer pin.Release()
	run := pgxdbcompat.InTx
	if c.config.Statements != nil {
		run = c.config.Statements.InTx
	}
	var unsure error
	begin := func(ctx context.Context) (pgx.Tx, error) {
		tx, err := c.pool.BeginTx(ctx, pgx.TxOptions{BeginQuery: pin.era.begin})
		return committed{tx, c.config.Margin, &unsure}, err
	}
	err = run(ctx, begin, dbcompat.Fixed(pin.Stage()), func(tx pgx.Tx, stage dbcompat.Stage) error {
		if err := fn(tx, stage); err != nil {
			return err
		}
		return pin.Held()
	})
	if unsure != nil && pin.era.begin == "" { // a fence waits for what has passed it
		c.doubt(unsure)
	}
	if Fenced(err) && !errors.Is(err, ErrFenced) {
		err = fmt.Errorf("change: %s: %w: %w", c.name, ErrFenced, err)
	}
	return err
}

// committed is a transaction whose COMMIT is waited for, though the caller may have gone: as
// long as it may still be done, the stage is in use.
type committed struct {
	pgx.Tx
	within time.Duration
	unsure *error // whether it is done, if nobody has said
}

// Commit is at its end when PostgreSQL has said so.
func (t committed) Commit(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.within)
	defer cancel()
	err := t.Tx.Commit(ctx)
	_, answered := errors.AsType[*pgconn.PgError](err)
	known := answered || errors.Is(err, pgx.ErrTxCommitRollback) || errors.Is(err, pgx.ErrTxClosed) || pgconn.SafeToRetry(err)
	if err != nil && !known {
		*t.unsure = fmt.Errorf("a COMMIT has not been answered, and may be done later: %w", err)
	}
	return err
}

// doubt gives the lease up, and not back: who moves the change then has to find that no
// transaction from before its end is left, which is the proof that is missing here. Run
// joins again at once, with another lease.
func (c *Change) doubt(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != joined {
		return
	}
	c.unsure = err
	c.current.lease.Drop()
	c.now.Store(nil)
	notify(c.wake)
}

// Fenced reports whether err says that a stage may not be used any more: by [ErrFenced],
// or by the database, when a statement with [Pin.Fence] fails.
func Fenced(err error) bool {
	if errors.Is(err, ErrFenced) {
		return true
	}
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pgErr.Code == "55000" && pgErr.Hint == "handover: fenced"
}
