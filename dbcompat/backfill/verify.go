package backfill

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const examples = 10

// Verify compares all rows up to the greatest key that there is when it begins, in
// batches of their own snapshots, writes nothing to the table, and stores what it has
// found. A mismatch is no error. It begins at the beginning each time: it is about a
// time, and is no longer true when anybody has been at the stage Old since it began.
//
// [ErrTurned] is of a stage that has changed meanwhile.
func (b *Backfill) Verify(ctx context.Context) (Verification, error) {
	v, err := Verification{}, b.mistakes()
	if err == nil {
		v, err = b.verify(ctx)
	}
	return v, b.failed("verify", err)
}

func (b *Backfill) verify(ctx context.Context) (Verification, error) {
	stage, err := b.stage(ctx)
	if err != nil {
		return Verification{}, err
	}
	_, s, err := b.inspect(ctx, stage, false)
	if err != nil {
		return Verification{}, err
	}
	if err := b.migrate(ctx); err != nil {
		return Verification{}, err
	}
	if b, err = b.located(ctx); err != nil {
		return Verification{}, err
	}
	c := &comparison{Backfill: b, statements: s, size: newSize(b.config), found: Verification{Stage: stage, Examples: []string{}}}
	if err := c.begin(ctx); err != nil {
		return Verification{}, err
	}
	if err := c.loop(ctx); err != nil {
		return Verification{}, err
	}
	return c.store(ctx)
}

// comparison is one call of Verify.
type comparison struct {
	*Backfill
	statements      statements
	position, upper []string
	size            *size
	found           Verification
}

func (c *comparison) begin(ctx context.Context) error {
	if err := c.pool.QueryRow(ctx, "SELECT clock_timestamp()", once).Scan(&c.found.Began); err != nil {
		return err
	}
	return c.within(ctx, func(ctx context.Context, conn *pgconn.PgConn) error {
		var p pipeline
		p.begin(c.config, "READ ONLY")
		p.add(c.statements.last())
		result, err := p.send(ctx, conn)
		if err == nil {
			c.upper = first(result)
		}
		return err
	})
}

func (c *comparison) loop(ctx context.Context) error {
	for attempt, last := 0, c.upper == nil; !last; {
		err := c.turned(ctx)
		if err != nil {
			return err
		}
		if last, err = c.batch(ctx); err == nil {
			attempt = 0
			continue
		}
		if attempt, err = c.recover(ctx, err, attempt); err != nil {
			return err
		}
	}
	return c.turned(ctx) // during the last batch
}

func (c *comparison) turned(ctx context.Context) error {
	stage, err := c.stage(ctx)
	if err == nil && stage != c.found.Stage {
		err = fmt.Errorf("%w: from %s to %s", ErrTurned, c.found.Stage, stage)
	}
	return err
}

// recover decides what becomes of a batch that has failed, and is half as large now.
func (c *comparison) recover(ctx context.Context, err error, attempt int) (int, error) {
	switch {
	case ctx.Err() != nil:
		return attempt, ctx.Err()
	case ofValue(err): // until it is one row
		return attempt, nil
	case !passing(err):
		return attempt, err
	case attempt+1 >= c.config.Attempts:
		return attempt, fmt.Errorf("%d attempts: %w", attempt+1, err)
	}
	return attempt + 1, sleep(ctx, 50*time.Millisecond<<min(attempt, 5))
}

// within runs a transaction that is only looked into.
func (c *comparison) within(ctx context.Context, do func(context.Context, *pgconn.PgConn) error) error {
	conn, err := c.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	pg := conn.Conn().PgConn()
	defer rollback(context.WithoutCancel(ctx), pg)
	return do(ctx, pg)
}

func (c *comparison) batch(ctx context.Context) (last bool, err error) {
	err = c.within(ctx, func(ctx context.Context, conn *pgconn.PgConn) error {
		begun := c.position != nil
		var p pipeline
		p.begin(c.config, "READ ONLY")
		p.add(c.statements.nth(begun, strconv.Itoa(c.size.rows)), slices.Concat(c.upper, c.position)...)
		result, err := p.send(ctx, conn)
		if err != nil {
			return err
		}
		end := first(result)
		last = end == nil
		if last {
			end = c.upper
		}
		start := time.Now()
		err = c.compare(ctx, conn, begun, end)
		switch {
		case ofValue(err) && c.size.rows == 1 && !last: // up fails for the row, so it is not there
			c.found.Rows++
			c.differs(1, c.named(end))
		case err != nil:
			c.size.halve()
			last = false
			return err
		default:
			c.size.took(time.Since(start))
		}
		c.position = end
		return nil
	})
	return last, err
}

func (c *comparison) compare(ctx context.Context, conn *pgconn.PgConn, begun bool, end []string) error {
	ends := slices.Concat(end, c.position)
	var p pipeline
	p.add(c.statements.compare(begun), ends...)
	result, err := p.send(ctx, conn)
	if err != nil {
		return err
	}
	counts := first(result)
	rows, _ := strconv.ParseInt(counts[0], 10, 64) // counts are numbers
	differ, _ := strconv.ParseInt(counts[1], 10, 64)
	var keys []string
	if differ > 0 && len(c.found.Examples) < examples {
		var p pipeline
		p.add(c.statements.examples(begun, examples-len(c.found.Examples)), ends...)
		result, err := p.send(ctx, conn)
		if err != nil {
			return err
		}
		for _, row := range result.Rows {
			key := make([]string, len(row))
			for i, value := range row {
				key[i] = string(value)
			}
			keys = append(keys, c.named(key))
		}
	}
	c.found.Rows += rows
	c.differs(differ, keys...)
	return nil
}

func (c *comparison) differs(n int64, keys ...string) {
	c.found.Mismatches += n
	c.found.Examples = append(c.found.Examples, keys[:min(len(keys), examples-len(c.found.Examples))]...)
}

// store has the LSN of the end: what the last batch has seen may be as young as that, and
// of a commit that did not wait for the disk not even written.
func (c *comparison) store(ctx context.Context) (Verification, error) {
	v := c.found
	err := c.pool.QueryRow(ctx, c.sql(`INSERT INTO "handover".backfill_verifications
			(name, stage, began_at, lsn, rows, mismatches, examples)
		VALUES ($1::text, $2::text, $3::timestamptz, pg_current_wal_insert_lsn(), $4::bigint, $5::bigint, $6::text[])
		RETURNING ended_at, lsn::text`), once, c.name, word(v.Stage), v.Began, v.Rows, v.Mismatches, v.Examples).Scan(&v.Ended, &v.LSN)
	return v, err
}
