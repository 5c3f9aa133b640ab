package backfill

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// State is what has become of a run.
type State string

// The states. A runner that is killed leaves Running behind; Status.Alive tells.
const (
	None      State = "none" // there has been no run
	Running   State = "running"
	Paused    State = "paused"
	Cancelled State = "cancelled"
	Done      State = "done"
)

// Status is how far the run under way has come, or what the last one has done.
type Status struct {
	State   State
	Stage   string // of the source, when it began; empty of an added column
	Alive   bool   // a runner holds the lease
	Runner  string // host and process
	Waiting string // for what; empty if for nothing

	Rows    int64 // looked at
	Changed int64 // written, as the twin was not what it should be
	Skipped int64 // left out; see Config.Skip
	Total   int64 // what there is to look at: an estimate, but exact when it is done

	RowsPerSecond float64       // looked at of late, with what was waited
	Left          time.Duration // by that, while it runs; 0 if nobody knows
	Began         time.Time     // the run, by the database's clock
	Updated       time.Time     // this, by the same clock
}

// Share is how much of the whole is done, from 0 to 1. It is 1 at the end only.
func (s Status) Share() float64 {
	switch {
	case s.State == Done:
		return 1
	case s.Total <= 0:
		return 0
	}
	return min(float64(s.Rows)/float64(s.Total), 0.999)
}

// Status reads it from the database, so that it may be asked of any process, at any time.
// That there has been no run, or that there are no tables yet, is None and no error.
func (b *Backfill) Status(ctx context.Context) (Status, error) {
	s := Status{State: None}
	if err := b.mistakes(); err != nil {
		return s, b.failed("status", err)
	}
	there, err := b.migrated(ctx)
	if err != nil || !there {
		return s, b.failed("status", err)
	}
	if b, err = b.located(ctx); err != nil {
		return s, b.failed("status", err)
	}
	err = b.pool.QueryRow(ctx, b.sql(`SELECT state, stage, leased_until > clock_timestamp(), runner, waiting, rows, changed, skipped,
			CASE WHEN state = 'done' THEN rows ELSE greatest(total, rows) END, rate, began_at, updated_at
		FROM "handover".backfills WHERE name = $1::text`), once, b.name).Scan(&s.State, &s.Stage, &s.Alive, &s.Runner, &s.Waiting,
		&s.Rows, &s.Changed, &s.Skipped, &s.Total, &s.RowsPerSecond, &s.Began, &s.Updated)
	if errors.Is(err, pgx.ErrNoRows) {
		return s, nil
	}
	if s.State == Running && s.RowsPerSecond > 0 {
		s.Left = time.Duration(float64(s.Total-s.Rows) / s.RowsPerSecond * float64(time.Second)).Round(time.Second)
	}
	return s, b.failed("status", err)
}

// ErrNoRun is of Pause, Resume and Cancel when there is no run that is running or paused.
var ErrNoRun = errors.New("there is no run under way")

// Pause has the run wait from its next batch on, in whatever process it is, until
// Resume; one that is started meanwhile waits as well. A pause outlives processes, and to
// pause twice is legal. errors.Is tells [ErrNoRun].
func (b *Backfill) Pause(ctx context.Context) error { return b.order(ctx, "pause", Running, Paused) }

// Resume takes Pause back; a run that is not paused goes on. errors.Is tells [ErrNoRun].
func (b *Backfill) Resume(ctx context.Context) error { return b.order(ctx, "resume", Paused, Running) }

// Cancel ends the run before its next batch: Run returns [ErrCancelled]. What is done
// stays; the next run begins at the beginning. errors.Is tells [ErrNoRun].
func (b *Backfill) Cancel(ctx context.Context) error {
	return b.order(ctx, "cancel", "", Cancelled)
}

func (b *Backfill) order(ctx context.Context, verb string, from, to State) error {
	if err := b.mistakes(); err != nil {
		return b.failed(verb, err)
	}
	there, err := b.migrated(ctx)
	if err != nil {
		return b.failed(verb, err)
	}
	if !there {
		return b.failed(verb, ErrNoRun)
	}
	if b, err = b.located(ctx); err != nil {
		return b.failed(verb, err)
	}
	tag, err := b.pool.Exec(ctx, b.sql(`UPDATE "handover".backfills SET state = $2::text, updated_at = clock_timestamp()
		WHERE name = $1::text AND state IN ('running', 'paused') AND (state = $3::text OR state = $2::text OR $3::text = '')`),
		once, b.name, string(to), string(from))
	if err == nil && tag.RowsAffected() == 0 {
		err = ErrNoRun
	}
	return b.failed(verb, err)
}

// Skipped are the rows that the last run has left out, at most 1,000: why, by their keys,
// whose columns are separated by commas. It is empty without Config.Skip.
func (b *Backfill) Skipped(ctx context.Context) (map[string]string, error) {
	if err := b.mistakes(); err != nil {
		return nil, b.failed("skipped", err)
	}
	if there, err := b.migrated(ctx); err != nil || !there {
		return nil, b.failed("skipped", err)
	}
	b, err := b.located(ctx)
	if err != nil {
		return nil, b.failed("skipped", err)
	}
	rows, err := b.pool.Query(ctx, b.sql(`SELECT array_to_string(key, ', '), why FROM "handover".backfill_skipped
		WHERE name = $1::text ORDER BY at LIMIT 1000`), once, b.name)
	all := map[string]string{}
	if err == nil {
		var key, why string
		_, err = pgx.ForEachRow(rows, []any{&key, &why}, func() error {
			all[key] = why
			return nil
		})
	}
	return all, b.failed("skipped", err)
}

// failed says what could not be done.
func (b *Backfill) failed(verb string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("backfill: %s %s: %w", verb, b.columns.Table, err)
}
