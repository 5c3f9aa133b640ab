package change

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/internal/lease"
)

// seen is what makes one era differ from the next.
type seen struct {
	stage  dbcompat.Stage
	epoch  int64
	fenced bool
}

// change is its row, as far as it concerns an instance.
type change struct {
	seen
	id      int    // of the fence
	columns string // JSON; "" if it was not asked for
}

// once has a query leave no prepared statement behind: the next one may be on another
// session, if a pooler is in between.
const once = pgx.QueryExecModeExec

// insert makes the instance's row, at the stage that the change has. FOR SHARE keeps that
// as it is until the row is there for everybody to see.
func (c *Change) insert(ctx context.Context, may func(change) error) (there change, err error) {
	options := pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite}
	err = pgx.BeginTxFunc(ctx, c.pool, options, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, c.tables.SQL(`SELECT stage, epoch, fenced, id, columns::text FROM "handover".changes
			WHERE name = $1::text FOR SHARE`), once, c.name).Scan(stage(&there), &there.epoch, &there.fenced, &there.id, &there.columns)
		if err != nil {
			return err
		}
		if err := may(there); err != nil {
			return err
		}
		// An attempt before this one may have left a row, though it was not heard of.
		if _, err := tx.Exec(ctx, c.tables.SQL(remove), once, c.name, c.id, c.before); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, c.tables.SQL(`INSERT INTO "handover".change_instances
				(change, id, name, version, min_stage, max_stage, stage, epoch, expires_at)
			VALUES ($1::text, $2::text, $3::text, $4::text, $5::smallint, $6::smallint, $7::smallint, $8::bigint,
				clock_timestamp() + $9::interval)`), once, c.name, c.id, c.config.Name, c.config.Version,
			int16(c.config.Min), int16(c.config.Max), int16(there.stage), there.epoch, c.ttl())
		return err
	})
	return there, err
}

// update renews the lease, and acknowledges.
func (c *Change) update(ctx context.Context, ack seen) (now change, err error) {
	err = c.pool.QueryRow(ctx, c.tables.SQL(`UPDATE "handover".change_instances i SET stage = $3::smallint, epoch = $4::bigint,
			renewed_at = clock_timestamp(), expires_at = clock_timestamp() + $5::interval
		FROM "handover".changes c WHERE c.name = i.change AND i.change = $1::text AND i.id = $2::text
		RETURNING c.stage, c.epoch, c.fenced, c.id`), once, c.name, c.id, int16(ack.stage), ack.epoch, c.ttl()).
		Scan(stage(&now), &now.epoch, &now.fenced, &now.id)
	if errors.Is(err, pgx.ErrNoRows) {
		err = fmt.Errorf("%w: somebody has counted it out, or deleted it", lease.ErrGone)
	}
	return now, err
}

// look is a poll.
func (c *Change) look(ctx context.Context) (now change, ours bool, err error) {
	err = c.pool.QueryRow(ctx, c.tables.SQL(`SELECT c.stage, c.epoch, c.fenced, c.id, i.id IS NOT NULL
		FROM "handover".changes c LEFT JOIN "handover".change_instances i ON i.change = c.name AND i.id = $2::text
		WHERE c.name = $1::text`), once, c.name, c.id).Scan(stage(&now), &now.epoch, &now.fenced, &now.id, &ours)
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	return now, ours, err
}

const remove = `DELETE FROM "handover".change_instances WHERE change = $1::text AND id IN ($2::text, $3::text)`

func (c *Change) remove(ctx context.Context) error {
	_, err := c.pool.Exec(ctx, c.tables.SQL(remove), once, c.name, c.id, c.before)
	return err
}

func (c *Change) ttl() string { return fmt.Sprintf("%d milliseconds", c.config.TTL.Milliseconds()) }

// stage is where to scan it: a Stage takes text, and the column is a number.
func stage(there *change) *uint8 { return (*uint8)(&there.stage) }
