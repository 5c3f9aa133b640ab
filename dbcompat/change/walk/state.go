package walk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/backfill"
)

// State is what is known of a change, at one moment. All times are the database's, and a
// time.Duration in it is nanoseconds in JSON.
type State struct {
	Name    string           `json:"name"`
	Columns dbcompat.Columns `json:"columns"`
	Stage   dbcompat.Stage   `json:"stage"`
	Epoch   int64            `json:"epoch"`             // the moves, and 1
	Settled time.Time        `json:"settled,omitzero"`  // since when nobody is of an earlier epoch; zero: somebody may be
	WasNew  bool             `json:"was_new,omitempty"` // since then old is filled from new before DualWrite
	Fenced  bool             `json:"fenced"`            // Options.Fence
	Hidden  time.Time        `json:"hidden,omitzero"`   // since when the old columns have other names
	Dropped time.Time        `json:"dropped,omitzero"`  // since when they are gone
	Created time.Time        `json:"created"`
	Updated time.Time        `json:"updated"` // when it last moved, or was hidden, shown or dropped
	Now     time.Time        `json:"now"`     // when it was read

	Instances []Instance  `json:"instances"` // by name; who has lapsed until it is counted out
	Unmanaged []Unmanaged `json:"unmanaged"` // by kind and name

	// These are in State's answer only. Verification is nil if there was none.
	Fill         Fill          `json:"fill"`
	Verification *Verification `json:"verification,omitempty"`

	id int
}

// Behind are the instances that have not acknowledged the present epoch.
func (s State) Behind() []Instance {
	var behind []Instance
	for _, i := range s.Instances {
		if i.Epoch != s.Epoch {
			behind = append(behind, i)
		}
	}
	return behind
}

// Instance is a process that has joined.
type Instance struct {
	ID      string         `json:"id"`      // new with each join
	Name    string         `json:"name"`    // change.Config.Name
	Version string         `json:"version"` // change.Config.Version
	Min     dbcompat.Stage `json:"min"`     // what its code can do, from here
	Max     dbcompat.Stage `json:"max"`     // to here
	Stage   dbcompat.Stage `json:"stage"`   // acknowledged: no transaction of an earlier one
	Epoch   int64          `json:"epoch"`   // acknowledged as well; State.Epoch is where it should be
	Joined  time.Time      `json:"joined"`
	Renewed time.Time      `json:"renewed"` // the lease, for the last time
	Expires time.Time      `json:"expires"` // the lease, unless it is renewed
	Left    time.Duration  `json:"left"`    // of its lease; negative: since when it has lapsed
	Lapsed  bool           `json:"lapsed"`
}

// String is as in "web-1 4711 (v1.4.2)".
func (i Instance) String() string { return fmt.Sprintf("%s (%s)", i.Name, i.Version) }

// Fill is backfill.Status, which says what is what, with names for JSON.
type Fill struct {
	State         backfill.State `json:"state"`
	Stage         string         `json:"stage,omitempty"`
	Alive         bool           `json:"alive"`
	Runner        string         `json:"runner,omitempty"`
	Waiting       string         `json:"waiting,omitempty"`
	Rows          int64          `json:"rows"`
	Changed       int64          `json:"changed"`
	Skipped       int64          `json:"skipped"`
	Total         int64          `json:"total"`
	RowsPerSecond float64        `json:"rows_per_second"`
	Left          time.Duration  `json:"left"` // nanoseconds in JSON; 0 if nobody knows
	Began         time.Time      `json:"began,omitzero"`
	Updated       time.Time      `json:"updated,omitzero"`
}

// Share is how much of the whole is done, from 0 to 1.
func (f Fill) Share() float64 { return backfill.Status(f).Share() }

// Verification is backfill.Verification, which says what is what, with names for JSON.
type Verification struct {
	Stage      dbcompat.Stage `json:"stage"`
	Began      time.Time      `json:"began"`
	Ended      time.Time      `json:"ended"`
	LSN        string         `json:"lsn"`
	Rows       int64          `json:"rows"`
	Mismatches int64          `json:"mismatches"`
	Examples   []string       `json:"examples,omitempty"`
}

// State reads it, and changes nothing. It works on a standby. The error is ErrNoChange if
// nobody has created the change.
func (w *Walk) State(ctx context.Context) (s State, err error) {
	err = w.call("state of", func() error {
		if s, err = w.read(ctx, w.pool); err != nil {
			return err
		}
		fill := backfill.New(w.pool, s.Columns, dbcompat.Fixed(dbcompat.DualWrite), backfill.Config{Schema: w.config.Schema})
		status, err := fill.Status(ctx)
		if err != nil {
			return err
		}
		s.Fill = Fill(status)
		s.Verification, err = w.verified(ctx, s.Columns)
		return err
	})
	return s, err
}

func (w *Walk) verified(ctx context.Context, columns dbcompat.Columns) (*Verification, error) {
	fill := backfill.New(w.pool, columns, dbcompat.Fixed(dbcompat.DualWrite), backfill.Config{Schema: w.config.Schema})
	found, err := fill.Verified(ctx)
	if errors.Is(err, backfill.ErrNotVerified) {
		return nil, nil
	}
	v := Verification(found)
	return &v, err
}

// querier is a pool, or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// lock takes the change and its instances for a transaction, and reads them afterwards:
// whoever had them is done then, and the clock is asked after the wait.
func (w *Walk) lock(ctx context.Context, tx pgx.Tx) (State, error) {
	for _, sql := range []string{
		`SELECT FROM "handover".changes WHERE name = $1::text FOR UPDATE`,
		`SELECT FROM "handover".change_instances WHERE change = $1::text ORDER BY id FOR UPDATE`,
	} {
		if _, err := tx.Exec(ctx, w.sql(sql), once, w.name); err != nil {
			return State{}, err
		}
	}
	return w.read(ctx, tx)
}

func (w *Walk) read(ctx context.Context, db querier) (State, error) {
	s := State{Name: w.name}
	var columns []byte
	var settled, hidden, dropped *time.Time
	err := db.QueryRow(ctx, w.sql(`SELECT id, columns, stage, epoch, settled_at, was_new, fenced, hidden_at, dropped_at, created_at, updated_at, clock_timestamp()
		FROM "handover".changes WHERE name = $1::text`), once, w.name).Scan(&s.id, &columns, (*uint8)(&s.Stage), &s.Epoch, &settled, &s.WasNew, &s.Fenced,
		&hidden, &dropped, &s.Created, &s.Updated, &s.Now)
	if errors.Is(err, pgx.ErrNoRows) {
		return s, ErrNoChange
	}
	if err != nil {
		return s, err
	}
	for into, from := range map[*time.Time]*time.Time{&s.Settled: settled, &s.Hidden: hidden, &s.Dropped: dropped} {
		if from != nil {
			*into = *from
		}
	}
	if err := json.Unmarshal(columns, &s.Columns); err != nil {
		return s, err
	}
	if s.Instances, err = w.instances(ctx, db); err != nil {
		return s, err
	}
	s.Unmanaged, err = w.unmanaged(ctx, db)
	return s, err
}

func (w *Walk) instances(ctx context.Context, db querier) ([]Instance, error) {
	rows, err := db.Query(ctx, w.sql(`SELECT id, name, version, min_stage, max_stage, stage, epoch, joined_at, renewed_at, expires_at,
			extract(epoch FROM expires_at - clock_timestamp())::float8
		FROM "handover".change_instances WHERE change = $1::text ORDER BY name, id`), once, w.name)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (i Instance, err error) {
		var left float64
		err = row.Scan(&i.ID, &i.Name, &i.Version, (*uint8)(&i.Min), (*uint8)(&i.Max), (*uint8)(&i.Stage), &i.Epoch, &i.Joined, &i.Renewed, &i.Expires, &left)
		i.Left = time.Duration(left * float64(time.Second))
		i.Lapsed = i.Left < 0
		return i, err
	})
}
