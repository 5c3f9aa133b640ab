package heal

import (
	"context"
	"time"
)

// Status is what a Trigger has seen.
type Status struct {
	// Installed is whether the triggers are there and enabled, with these columns'
	// expressions. The rest is zero without.
	Installed bool

	// Healed is how many rows were healed, those of transactions that were rolled
	// back among them. A crash of the server may add up to 32.
	Healed uint64

	// Last is when the last one was, by the database's clock; zero if there was none.
	Last time.Time

	// Quiet is how long ago that is, or Install if there was none.
	Quiet time.Duration

	// Needed is whether Quiet has not yet lasted for Config.Quiet.
	Needed bool
}

// Status tells how many rows were healed, and whether the trigger is still needed. It
// takes no lock, and needs SELECT on the sequences: the role that installed has it.
func (t *Trigger) Status(ctx context.Context) (Status, error) {
	s, err := t.status(ctx)
	return s, t.failed("status of", err)
}

func (t *Trigger) status(ctx context.Context) (s Status, err error) {
	p, err := t.plan(ctx)
	if err != nil {
		return s, err
	}
	if there, err := p.installed(ctx, t.pool); err != nil || !there {
		return s, err
	}
	var count, last, at int64
	var some, any bool
	err = t.pool.QueryRow(ctx, "SELECT c.last_value, c.is_called, l.last_value, l.is_called, "+now+
		" FROM "+p.count+" AS c, "+p.last+" AS l", once).Scan(&count, &some, &last, &any, &at)
	if err != nil {
		return s, err
	}
	s = Status{Installed: true, Quiet: max(0, time.Duration(at-last)*time.Millisecond)}
	if some {
		s.Healed = uint64(count)
	}
	if any {
		s.Last = time.UnixMilli(last)
	}
	s.Needed = s.Quiet < t.config.Quiet
	return s, nil
}

// installed is whether all is there that Install would make.
func (p *plan) installed(ctx context.Context, db querier) (there bool, err error) {
	all := p.install()
	err = db.QueryRow(ctx, `SELECT coalesce(obj_description(to_regprocedure($1), 'pg_proc') = $2, false)
		AND 2 = (SELECT count(*) FROM pg_trigger WHERE tgrelid = to_regclass($3)
			AND tgfoid = to_regprocedure($1) AND tgenabled <> 'D')
		AND to_regclass($4) IS NOT NULL AND to_regclass($5) IS NOT NULL`, once,
		p.function+"()", p.mark(all[:len(all)-1]), p.table, p.count, p.last).Scan(&there)
	return there, err
}

// traces is whether there is anything that Remove would drop.
func (p *plan) traces(ctx context.Context, db querier) (there bool, err error) {
	err = db.QueryRow(ctx, `SELECT to_regprocedure($1) IS NOT NULL OR to_regclass($2) IS NOT NULL OR to_regclass($3) IS NOT NULL`,
		once, p.function+"()", p.count, p.last).Scan(&there)
	return there, err
}
