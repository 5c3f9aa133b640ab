package backfill

import "context"

// Plan is what a run would do.
type Plan struct {
	Stage     string
	Writes    []string // columns, quoted
	Begin     string   // finds the end of the run
	Batch     string   // $1… is the greatest key, and then the last one of the batch before it
	Rows      int64    // of the table, an estimate
	Bytes     int64    // with its indexes
	Batches   int64    // if all were as large as the first one
	Resumes   bool     // an earlier run has not come to its end, and goes on
	Remaining int64    // rows, by the estimate
}

// Plan looks at everything that Run looks at before it begins, and writes nothing.
func (b *Backfill) Plan(ctx context.Context) (Plan, error) {
	p, err := Plan{}, b.wrong
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
		Stage: stage.String(), Writes: s.twins,
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
		err := b.pool.QueryRow(ctx, b.sql(`SELECT coalesce(max(rows), -1) FROM "handover".backfills WHERE name = $1::text
			AND state IN ('running', 'paused') AND statement = $2::text`), once, b.name, s.job(t.oid)).Scan(&rows)
		if err != nil {
			return Plan{}, err
		}
		if rows >= 0 {
			p.Resumes, p.Remaining = true, max(0, t.rows-rows)
		}
	}
	start := int64(b.config.Start)
	p.Batches = (p.Remaining + start - 1) / start
	return p, nil
}
