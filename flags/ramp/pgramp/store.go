package pgramp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/handover-go/handover/flags/ramp"
)

// ErrNotMigrated is of a database that has not got the tables, or of a schema that is
// another one. Each method but Export may return it: Migrate without the tables of pgflags.
var ErrNotMigrated = errors.New("the tables are not there, or not all of them: call Migrate, or apply what Export writes")

// ErrNoRamp is of Pause, Resume and Abort: the flag has no ramp, or none that has begun.
var ErrNoRamp = errors.New("there is no such ramp in the set")

// Store is a set's ramps in PostgreSQL: a ramp.Store, and for people a way to change them.
// Its methods may be called from any goroutine.
type Store struct {
	pool   *pgxpool.Pool
	config Config
	wrong  error // of pool and config: of each call
}

// New returns the ramps of the set that config names, in the pool's database. It asks
// nothing: what is wrong with the arguments is the error of each call.
func New(pool *pgxpool.Pool, config Config) *Store {
	s := &Store{pool: pool, config: config.withDefaults()}
	s.wrong = s.config.wrong()
	if pool == nil {
		s.wrong = errors.Join(errors.New("the pool is nil: make one with pgxpool.New"), s.wrong)
	}
	return s
}

// Attend is that of ramp.Store. It is one statement.
func (s *Store) Attend(ctx context.Context, c ramp.Call) (ramp.Fleet, error) {
	fleet, err := s.attend(ctx, c)
	return fleet, s.failed(ctx, "attend", c.Me.ID, err)
}

func (s *Store) attend(ctx context.Context, c ramp.Call) (fleet ramp.Fleet, err error) {
	var told [3]string
	for i, v := range []any{c.Me.Flags, c.Me.Guards, c.Samples} {
		text, err := json.Marshal(v)
		if err != nil {
			return fleet, err
		}
		told[i] = string(text)
	}
	var all string
	err = s.ask(ctx, &all, `
		SELECT "handover".ramp_attend($1::text, $2::text, $3::text, $4::boolean,
			coalesce(nullif($5::text::jsonb, 'null'), '{}'), coalesce(nullif($6::text::jsonb, 'null'), '{}'),
			$7::bigint * interval '1 microsecond', $8::text[], coalesce(nullif($9::text::jsonb, 'null'), '[]'), $10::bigint)::text`,
		s.config.Set, c.Me.ID, c.Me.Version, c.Me.Stale, told[0], told[1], c.TTL.Microseconds(), c.Keys, told[2], c.After)
	if err == nil {
		err = json.Unmarshal([]byte(all), &fleet)
	}
	return fleet, err
}

// Move is that of ramp.Store: errors.Is tells ramp.ErrMoved, and the text says what has
// changed. It is one statement.
func (s *Store) Move(ctx context.Context, m ramp.Move) error {
	return s.failed(ctx, "move", m.Key, s.move(ctx, m))
}

func (s *Store) move(ctx context.Context, m ramp.Move) error {
	evidence := pointer(m.Evidence)
	if m.Trip {
		_, err := s.execute(ctx, `SELECT "handover".ramp_trip($1::text, $2::text, $3::text, $4::text, $5::text::jsonb)`,
			s.config.Set, m.Key, m.By, m.Why, evidence)
		return err
	}
	number, patience := int64(0), time.Duration(0)
	if m.Was.Ramp != nil {
		number = m.Was.Ramp.Number
	}
	var percentage *float64
	if m.Widen {
		patience = m.TTL
		if m.Definition == nil {
			percentage = &m.Share
		}
	}
	var refusal *string
	err := s.ask(ctx, &refusal, `
		SELECT "handover".ramp_move($1::text, $2::text, $3::text, $4::text[], $5::bigint,
			$6::bigint * interval '1 microsecond', $7::bigint * interval '1 microsecond', $8::boolean,
			$9::float8::numeric, $10::text::jsonb, $11::float8::numeric, $12::text::jsonb,
			$13::text, $14::float8::numeric, $15::text, $16::text::jsonb)`,
		s.config.Set, m.Key, m.By, m.Seen, number, patience.Microseconds(), m.Bake.Microseconds(), m.Widen,
		m.Was.Percentage, pointer(m.Was.Definition), percentage, pointer(m.Definition),
		string(m.State), m.Share, m.Why, evidence)
	if err == nil && refusal != nil {
		err = fmt.Errorf("%w: %s", ramp.ErrMoved, *refusal)
	}
	return err
}

// Leave takes the lease of a member back, and the lead with it. Twice is legal.
func (s *Store) Leave(ctx context.Context, id string) error {
	_, err := s.execute(ctx, `SELECT "handover".ramp_leave($1::text, $2::text)`, s.config.Set, id)
	return s.failed(ctx, "leave", id, err)
}

// pointer is NULL for what is not there.
func pointer(text json.RawMessage) *string {
	if text == nil || string(text) == "null" {
		return nil
	}
	s := string(text)
	return &s
}

// once has a query leave no prepared statement behind, whatever the pool is configured
// to do: the next one may be on another session, if a pooler is in between.
const once = pgx.QueryExecModeExec

func (s *Store) ask(ctx context.Context, to any, query string, args ...any) error {
	if s.wrong != nil {
		return s.wrong
	}
	return s.pool.QueryRow(ctx, s.sql(query), append([]any{once}, args...)...).Scan(to)
}

func (s *Store) execute(ctx context.Context, query string, args ...any) (pgconn.CommandTag, error) {
	if s.wrong != nil {
		return pgconn.CommandTag{}, s.wrong
	}
	return s.pool.Exec(ctx, s.sql(query), append([]any{once}, args...)...)
}

func (s *Store) schema() string { return pgx.Identifier{s.config.Schema}.Sanitize() }

func (s *Store) sql(query string) string { return strings.ReplaceAll(query, `"handover"`, s.schema()) }

// failed says what could not be done, and why if PostgreSQL would not.
func (s *Store) failed(ctx context.Context, verb, name string, err error) error {
	var pg *pgconn.PgError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &pg) && (pg.Code == "42P01" || pg.Code == "42883" || pg.Code == "3F000"):
		err = fmt.Errorf("schema %s: %w (%w)", s.config.Schema, ErrNotMigrated, err)
	case pg != nil && pg.Hint != "":
		err = fmt.Errorf("%w; %s", err, pg.Hint)
	case ctx.Err() != nil && !errors.Is(err, ctx.Err()):
		err = fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	return fmt.Errorf("pgramp: %s %s: %w", verb, name, err)
}
