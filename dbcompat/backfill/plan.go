package backfill

import (
	"context"
	"time"
)

// Plan is what a run would do.
type Plan struct {
	Stage     string   // of the source; empty for an added column
	Writes    []string // columns, quoted
	Begin     string   // SQL: finds the end of the run
	Batch     string   // SQL: $1… is the greatest key, and then the last one of the batch before it
	Rows      int64    // of the table, an estimate
	Bytes     int64    // of the table, with its indexes
	Batches   int64    // if all were as large as the first one
	Resumes   bool     // an earlier run has not come to its end, and goes on
	Remaining int64    // rows, by the estimate

	// Rate is the rows per second of the last run of the same; 0 if nobody knows. By it a
	// run takes from Shortest to Longest, which are then one; without it they are of 200,000
	// and 50,000 rows per second, between which two cores have done rows of 221 bytes.
	// Either is no less than Config.Rate and Config.Duty allow. What throttles and VACUUM
	// add is not in it.
	Rate              float64
	Shortest, Longest time.Duration
}

// slow and fast are rows per second of a server that nobody has measured.
const slow, fast = 50_000, 200_000

// estimate makes durations of what remains.
func (p *Plan) estimate(c Config) {
	most := max(p.Rate, fast) * c.Duty
	if c.Rate > 0 {
		most = min(most, float64(c.Rate))
	}
	worst, best := p.Rate, p.Rate // its pauses are in it
	if p.Rate == 0 {
		worst, best = slow*c.Duty, fast*c.Duty
	}
	at := func(rate float64) time.Duration {
		const longest = 1 << 62 // a Duration has an end
		return time.Duration(min(float64(p.Remaining)/min(rate, most)*float64(time.Second), longest))
	}
	p.Shortest, p.Longest = at(best), at(worst)
}

// Plan looks at everything that Run looks at before it begins, and writes nothing: its
// errors are those of Run for arguments, table and stage.
func (b *Backfill) Plan(ctx context.Context) (Plan, error) {
	p, err := Plan{}, b.mistakes()
	if err == nil {
		p, err = b.plan(ctx)
	}
	return p, b.failed("plan", err)
}

func (b *Backfill) plan(ctx context.Context) (Plan, error) {
	stage, err := b.stage(ctx)
	if err != nil {
		return Plan{}, err
	}
	t, s, err := b.inspect(ctx, stage, true)
	if err != nil {
		return Plan{}, err
	}
	p := Plan{
		Stage: word(stage), Writes: s.twins,
		Begin: s.last(), Batch: s.advance(true),
		Rows: t.rows, Bytes: t.bytes, Remaining: t.rows,
	}
	there, err := b.migrated(ctx)
	if err != nil {
		return Plan{}, err
	}
	if there {
		if b, err = b.located(ctx); err != nil {
			return Plan{}, err
		}
		var rows int64
		err := b.pool.QueryRow(ctx, b.sql(`SELECT coalesce(max(rows) FILTER (WHERE state IN ('running', 'paused')), -1), coalesce(max(rate), 0)
			FROM "handover".backfills WHERE name = $1::text AND statement = $2::text`), once, b.name, s.job(t.oid)).Scan(&rows, &p.Rate)
		if err != nil {
			return Plan{}, err
		}
		if rows >= 0 {
			p.Resumes, p.Remaining = true, max(0, t.rows-rows)
		}
	}
	start := int64(b.config.Start)
	p.Batches = (p.Remaining + start - 1) / start
	p.estimate(b.config)
	return p, nil
}
