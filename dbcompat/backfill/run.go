package backfill

import (
	"context"
	"crypto/rand"
	"fmt"
	"math"
	mathrand "math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/handover-go/handover/dbcompat"
)

// run is one call of Run.
type run struct {
	*Backfill
	at         dbcompat.Stage // when it began
	table      table
	statements statements
	me         string
	writing    string // the settings of a batch

	position, upper []string // nil: at the beginning; no rows
	mark            string   // the position as PostgreSQL writes it
	size            *size
	alone           []string // a row that has been refused, and is tried by itself

	asked   time.Time // the throttles
	ended   time.Time // the last batch
	rate    float64
	changed int64 // by this call
	dirty   int64 // since the last VACUUM
}

// Run fills the twin where it is not what it should be, up to the greatest key that
// there is, and returns nil when it is done. If an earlier run has not come to its end,
// whyever, it goes on from there; or from the beginning, if what is to be done is now
// something else. A run after one that is done is a repair, and quick if there is little.
//
// When ctx ends, the batch that has begun is finished; the error is then that of ctx.
// Others are [ErrBusy], [ErrCancelled], [ErrTurned], [ErrLost], *[RowError], and what is
// wrong with the arguments or the table, before anything is touched. After each of them
// Run may be called again.
func (b *Backfill) Run(ctx context.Context) error {
	err := b.mistakes()
	if err == nil {
		err = b.run(ctx)
	}
	return b.failed("run", err)
}

func (b *Backfill) run(ctx context.Context) error {
	stage, err := b.stage(ctx)
	if err != nil {
		return err
	}
	t, s, err := b.inspect(ctx, stage, true)
	if err != nil {
		return err
	}
	if err := b.migrate(ctx); err != nil {
		return err
	}
	if b, err = b.located(ctx); err != nil {
		return err
	}
	host, _ := os.Hostname() // it is for people
	r := &run{
		Backfill: b, at: stage, table: t, statements: s, size: newSize(b.config),
		me: fmt.Sprintf("%s %d %s", host, os.Getpid(), rand.Text()[:6]),
	}
	if r.writing, err = r.written(ctx); err != nil {
		return err
	}
	if err := r.begin(ctx); err != nil {
		return err
	}
	defer r.release(ctx)
	if err := r.loop(ctx); err != nil {
		return err
	}
	return r.analyze(ctx)
}

func (r *run) loop(ctx context.Context) error {
	r.ended = time.Now()
	for attempt := 0; ; {
		if err := r.mayGoOn(ctx); err != nil {
			return err
		}
		last, err := r.batch(ctx)
		if last && err == nil {
			return nil
		}
		if err == nil {
			attempt = 0
			continue
		}
		if attempt, err = r.recover(ctx, err, attempt); err != nil {
			return err
		}
	}
}

// mayGoOn asks the stage, then the throttles, which may take their time, and then the
// stage again.
func (r *run) mayGoOn(ctx context.Context) error {
	if err := r.throttle(ctx); err != nil {
		return err
	}
	stage, err := r.stage(ctx)
	if err == nil && stage.BelievesNew() != r.at.BelievesNew() {
		err = fmt.Errorf("%w: from %s to %s, which is the other direction", ErrTurned, r.at, stage)
	}
	return err
}

// recover decides what becomes of a batch that has failed.
func (r *run) recover(ctx context.Context, err error, attempt int) (int, error) {
	switch {
	case ofValue(err) && r.size.rows > 1:
		r.size.halve() // until the one row has a batch to itself
		return attempt, nil
	case !passing(err) || ctx.Err() != nil:
		return attempt, err
	case attempt+1 >= r.config.Attempts:
		return attempt, fmt.Errorf("%d attempts: %w", attempt+1, err)
	}
	r.size.halve()
	wait := min(50*time.Millisecond<<min(attempt, 10), 2*time.Second)
	if err := sleep(ctx, wait/2+mathrand.N(wait/2)); err != nil {
		return attempt, err
	}
	if err := r.reload(ctx); err != nil && !passing(err) {
		return attempt, err
	}
	return attempt + 1, nil
}

// note takes the measure of a batch, and rests as long as it should.
func (r *run) note(ctx context.Context, d done) error {
	since := time.Since(r.ended).Seconds()
	r.ended = time.Now()
	if weight := 1 - math.Exp(-since/5); since > 0 { // of the last five seconds or so
		if r.rate == 0 {
			weight = 1
		}
		r.rate += weight * (float64(d.rows)/since - r.rate)
	}
	r.size.took(d.took)
	if r.config.Blocked >= 0 && d.blocked > r.config.Blocked {
		r.size.halve()
		if err := r.rest(ctx, throttled, fmt.Sprintf("%d sessions that a batch has blocked", d.blocked)); err != nil {
			return err
		}
	}
	if err := r.pace(ctx, r.config.pause(d.rows, d.took)); err != nil {
		return err
	}
	return r.vacuum(ctx)
}

// pace waits in pieces in which the lease is kept, if it is long.
func (r *run) pace(ctx context.Context, d time.Duration) error {
	for ; d > longest; d -= longest {
		if err := r.rest(ctx, longest, "rate and duty"); err != nil {
			return err
		}
	}
	return sleep(ctx, d)
}

// vacuum makes room for the next rows where the last ones were. It takes no lock that it
// has to wait for, and gives no space back, for which it would need one that others wait
// for. It cannot be in a transaction.
func (r *run) vacuum(ctx context.Context) error {
	if r.config.VacuumEvery == 0 || r.dirty < r.config.VacuumEvery {
		return nil
	}
	err := r.during(ctx, "VACUUM", func() error {
		_, err := r.pool.Exec(ctx, "VACUUM (SKIP_LOCKED, TRUNCATE false) "+r.statements.relation, once)
		return err
	})
	if err == nil {
		r.dirty, r.ended = 0, time.Now()
	}
	return err
}

func (r *run) analyze(ctx context.Context) error {
	if r.config.NoAnalyze || r.changed == 0 {
		return nil
	}
	err := r.during(ctx, "ANALYZE", func() error {
		_, err := r.pool.Exec(ctx, "ANALYZE "+r.statements.relation+" ("+strings.Join(r.statements.twins, ", ")+")", once)
		return err
	})
	if err != nil {
		return fmt.Errorf("all rows are done, but ANALYZE: %w", err)
	}
	return nil
}
