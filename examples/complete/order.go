package main

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/handover-go/handover/dbcompat"
)

type order struct {
	ID       int64   `json:"id"`
	User     int64   `json:"user"`
	Item     string  `json:"item"`
	GiftWrap bool    `json:"gift_wrap"`
	State    string  `json:"state"`           // placed, shipped or failed
	Label    *string `json:"label,omitempty"` // what is on the parcel

	attempt int // whoever has taken it: the attempt after it is somebody else's
}

const (
	lease    = time.Minute // how long a process may work on an order, before it is another's
	longest  = lease / 2
	attempts = 5
)

// orders are a table that is a queue as well. An order may be taken when it is due; to
// take it makes it due again after the lease, so that a process which is killed keeps
// nothing.
type orders struct {
	pool    *pgxpool.Pool
	users   *users
	version string
	work    time.Duration
}

func (o *orders) place(ctx context.Context, placed *order, in time.Duration) error {
	placed.State = "placed"
	return o.pool.QueryRow(ctx, `INSERT INTO orders (user_id, item, gift_wrap, due_at) VALUES ($1, $2, $3, now() + $4) RETURNING id`,
		placed.User, placed.Item, placed.GiftWrap, in).Scan(&placed.ID)
}

func (o *orders) find(ctx context.Context, id int64) (found order, err error) {
	err = o.pool.QueryRow(ctx, `SELECT id, user_id, item, gift_wrap, label,
		CASE WHEN shipped_at IS NOT NULL THEN 'shipped' WHEN attempts >= $2 AND due_at <= now() THEN 'failed' ELSE 'placed' END
		FROM orders WHERE id = $1`, id, attempts).
		Scan(&found.ID, &found.User, &found.Item, &found.GiftWrap, &found.Label, &found.State)
	return found, err
}

// take is the order that has been due for longest; pgx.ErrNoRows if none is.
func (o *orders) take(ctx context.Context) (taken order, err error) {
	err = o.pool.QueryRow(ctx, `UPDATE orders SET due_at = now() + $1, attempts = attempts + 1 WHERE id = (
			SELECT id FROM orders WHERE shipped_at IS NULL AND due_at <= now() AND attempts < $2
			ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
		) RETURNING id, user_id, item, gift_wrap, attempts`, lease, attempts).
		Scan(&taken.ID, &taken.User, &taken.Item, &taken.GiftWrap, &taken.attempt)
	return taken, err
}

// ship takes its time, and notes in one transaction that it is done. Where a parcel would
// go twice, the carrier is told the order's id with it.
func (o *orders) ship(ctx context.Context, taken order) error {
	select {
	case <-time.After(o.work):
	case <-ctx.Done():
		return ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return o.users.change.InTx(ctx, func(tx pgx.Tx, stage dbcompat.Stage) error {
		return one(tx.Exec(ctx, "UPDATE orders SET shipped_at = now(), shipped_by = $3,"+
			" label = item || ' for ' || (SELECT "+o.users.name.Believed(stage, "")+" FROM users WHERE users.id = user_id)"+
			" WHERE id = $1 AND attempts = $2 AND shipped_at IS NULL", taken.ID, taken.attempt, o.version))
	})
}

// putBack makes an order due again, unless it is shipped, or somebody else's by now.
func (o *orders) putBack(ctx context.Context, taken order, in time.Duration) error {
	_, err := o.pool.Exec(ctx, `UPDATE orders SET due_at = now() + $3 WHERE id = $1 AND attempts = $2 AND shipped_at IS NULL`,
		taken.ID, taken.attempt, in)
	return err
}

// one makes an error of a statement that has not found its row.
func one(tag pgconn.CommandTag, err error) error {
	if err == nil && tag.RowsAffected() != 1 {
		return pgx.ErrNoRows
	}
	return err
}

// Codes of PostgreSQL's.
const (
	noSuchReference = "23503" // an order for somebody who is not there
	noText          = "22021" // a zero, or no UTF-8
)

func refusedFor(err error, code string) bool {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	return ok && refused.Code == code
}
