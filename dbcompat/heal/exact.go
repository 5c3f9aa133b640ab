package heal

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/handover-go/handover/dbcompat"
)

// exact is why a write can be told to be a dual-writer's: that has written v and down(v),
// and up(down(v)) is v.
func (t *Trigger) exact(ctx context.Context, p *plan) error {
	if err := t.immutable(ctx, p); err != nil {
		return err
	}
	var key *string
	err := t.pool.QueryRow(ctx, p.inexact(), once).Scan(&key)
	switch {
	case err == nil && key == nil:
		return errors.New("new is not exactly up(old): Down makes of NULL what Up does not make NULL again, " +
			"so a NULL that a dual-writer has written would be healed: take the coalesce out of Down, or do without the trigger")
	case err == nil:
		return fmt.Errorf("new is not exactly up(old): in the row with the key %s it is not what Up makes of what Down makes of it, "+
			"and could not be healed without losing something: change Up and Down, or do without the trigger", *key)
	case !errors.Is(err, pgx.ErrNoRows):
		return fmt.Errorf("try Down, and Up of that: %w", err)
	}
	if _, err := t.pool.Exec(ctx, p.convertible(), once); err != nil {
		return fmt.Errorf("try Up; the trigger would fail writes: %w", err)
	}
	return nil
}

// inexact is the key of a row with a value that does not come back, and that is NULL
// for a value of NULL, of which there need not be one yet. An inner query gives the columns the
// values that the expressions of the outer one are to see.
func (p *plan) inexact() string {
	c := p.columns
	row := func(key, from string) string {
		list := []string{key + " AS key"}
		for i, name := range of("t", c.New) {
			list = append(list, fmt.Sprintf("%s AS new%d", name, i))
		}
		for i, down := range downs(c, "t") {
			list = append(list, down+" AS "+dbcompat.Quote(c.Old[i]))
		}
		return "SELECT " + strings.Join(list, ", ") + " FROM " + from
	}
	came := make([]string, len(c.New))
	for i := range c.New {
		came[i] = fmt.Sprintf("r.new%d", i)
	}
	key := "concat_ws(', ', " + strings.Join(of("t", c.Key), ", ") + ")"
	return "SELECT r.key FROM (" +
		row("NULL::text", "(SELECT) AS n LEFT JOIN "+p.table+" AS t ON false") + " UNION ALL " +
		row(key, p.table+" AS t WHERE NOT ("+null("t", c.New)+")") +
		") AS r WHERE " + distinct(came, ups(c, "r")) + " LIMIT 1"
}

// convertible evaluates Up for each row.
func (p *plan) convertible() string {
	return "SELECT count(" + strings.Join(ups(p.columns, "t"), "), count(") + ") FROM " + p.table + " AS t"
}

// immutable asks the only one who knows: an index is refused if an expression is not.
func (t *Trigger) immutable(ctx context.Context, p *plan) error {
	tx, err := t.pool.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // nothing of this is to stay
	if _, err = tx.Exec(ctx, "CREATE TEMP TABLE heal (LIKE "+p.table+")", once); err != nil {
		return err
	}
	twins, up, err := p.columns.Twin(dbcompat.DualWrite)
	if err != nil {
		return err
	}
	olds, down, err := p.columns.Twin(dbcompat.New)
	if err != nil {
		return err
	}
	names, all := append(twins, olds...), append(up, down...)
	for i, expression := range all {
		_, err := tx.Exec(ctx, "CREATE INDEX ON pg_temp.heal (("+expression+" IS NULL))", once)
		if refused, ok := errors.AsType[*pgconn.PgError](err); ok && refused.Code == "42P17" {
			return fmt.Errorf("%s, for %s, is not immutable, so that what it gives may be another thing for "+
				"the trigger than for the program: say the time zone, the format, the function's IMMUTABLE", expression, names[i])
		}
		if err != nil {
			return fmt.Errorf("%s, for %s: %w", expression, names[i], err)
		}
	}
	return nil
}
