package change

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/internal/lease"
)

// errNotStarted is of whoever is first and is not Join.
var errNotStarted = errors.New("Join has not been called: it is the component's Start")

// Join takes the lease, and with it the stage; it is a component's Start. It tries once,
// for 5 s at the most. A database that is down, a change that is not there and code that
// does not fit it are no errors: Check tells of them, and Run tries again. What is an
// error is a wrong argument, a second call, and one after Leave.
func (c *Change) Join(ctx context.Context) error {
	if err := c.start(); err != nil {
		return c.failed("join", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if c.take(ctx) == nil {
		defer c.give()
		c.join(ctx)
	}
	return nil
}

func (c *Change) start() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.wrong != nil:
		return c.wrong
	case c.leaving:
		return fmt.Errorf("%w: make another one with New", ErrLeft)
	case c.started:
		return errors.New("it has been called before, and Run joins again by itself")
	}
	c.started = true
	return nil
}

// join makes the row, if it may. It has the turn.
func (c *Change) join(ctx context.Context) {
	fresh := c.id == ""
	if fresh {
		c.id = rand.Text() // a late statement of an earlier lease does not meet it
	}
	keeper := lease.New(c.config.lease())
	var there change
	var unfit error
	sent := time.Now()
	err := keeper.Renew(ctx, func(ctx context.Context) (err error) {
		there, err = c.insert(ctx, func(there change) error {
			unfit = c.mayJoin(there)
			return unfit
		})
		return err
	})
	if fresh && (unfit != nil || noRow(err)) {
		c.id = ""
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	pause := keeper.Pause(err)
	if err != nil && c.config.Poll > 0 {
		pause = min(pause, c.config.Poll)
	}
	c.renewAt = sent.Add(pause)
	switch {
	case unfit != nil:
		c.refused(unfit)
	case err != nil:
		c.refused(explained(err))
	case !c.leaving: // or else Leave, which waits for its turn, deletes the row
		c.adopt(keeper, there)
		c.state, c.why, c.trouble, c.acked, c.before = joined, nil, nil, there.seen, ""
		c.logger().Info("change: joined", "change", c.name, "stage", there.stage.String(), "epoch", there.epoch)
	}
}

// noRow reports whether a join that failed has certainly left no row behind: nothing was
// sent, or PostgreSQL has answered. Leave then has nothing to give back.
func noRow(err error) bool {
	_, dialled := errors.AsType[*pgconn.ConnectError](err)
	_, answered := errors.AsType[*pgconn.PgError](err)
	return dialled || answered || errors.Is(err, pgx.ErrNoRows) || err != nil && pgconn.SafeToRetry(err)
}

// mayJoin is asked in the transaction in which the change cannot move.
func (c *Change) mayJoin(there change) error {
	if err := c.unfit(there); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := c.others(there.seen); n > 0 {
		return fmt.Errorf("transactions of another stage are open here, and it joins when they have ended: %d", n)
	}
	return nil
}

// refused notes why it has not joined. The lock is held.
func (c *Change) refused(why error) {
	if c.trouble == nil || c.trouble.Error() != why.Error() {
		c.logger().Warn("change: not joined", "change", c.name, "err", why)
	}
	c.why, c.trouble = why, why
}

// unfit is why this build cannot take part, and what to do.
func (c *Change) unfit(there change) error {
	if !c.config.can(there.stage) {
		return fmt.Errorf("the change is at %v, and this build can do %v to %v: deploy one that can, or move the change",
			there.stage, c.config.Min, c.config.Max)
	}
	if there.columns == "" {
		return nil // has been asked when it joined
	}
	var columns dbcompat.Columns
	if err := json.Unmarshal([]byte(there.columns), &columns); err != nil {
		return fmt.Errorf("the columns of the change cannot be read: %w", err)
	}
	var all []error
	for _, list := range []struct {
		what        string
		here, there []string
	}{
		{"Table", []string{c.columns.Table}, []string{columns.Table}},
		{"Key", c.columns.Key, columns.Key},
		{"Old", c.columns.Old, columns.Old},
		{"New", c.columns.New, columns.New},
		{"Up", c.columns.Up, columns.Up},
		{"Down", c.columns.Down, columns.Down},
		{"Types", c.columns.Types, columns.Types},
	} {
		if !slices.Equal(list.here, list.there) {
			all = append(all, fmt.Errorf("%s is %q here, and %q there: deploy a build that has the same, or make another change",
				list.what, list.here, list.there))
		}
	}
	return errors.Join(all...)
}

// explained is the database's error, with what to do where that is clear.
func explained(err error) error {
	pgErr, answered := errors.AsType[*pgconn.PgError](err)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return errors.New("there is no such change: create it with package walk")
	case answered && (pgErr.Code == "42P01" || pgErr.Code == "3F000"):
		return fmt.Errorf("the tables are not there: Migrate of package walk makes them: %w", err)
	case answered:
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("the database does not answer, or the pool has no connection to spare: %w", err)
	}
	return fmt.Errorf("the database does not answer: %w", err)
}
