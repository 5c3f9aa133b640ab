package ddl

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Runner does operations on one database. Its methods may be called from any goroutine,
// and by several instances at once: each step is done by one of them.
type Runner struct {
	pool   *pgxpool.Pool
	config Config
	wrong  error // of pool and config: of each call
}

// New asks nothing: what is wrong with its arguments is the error of each call. One
// connection at a time is taken from the pool, and given back during pauses. Through a
// pooler that gives connections out by transaction all works but CONCURRENTLY, which is
// refused there: it needs a setting of the session.
func New(pool *pgxpool.Pool, config Config) *Runner {
	r := &Runner{pool: pool, config: config.withDefaults()}
	r.wrong = r.config.wrong()
	if pool == nil {
		r.wrong = errors.Join(errors.New("the pool is nil: make one with pgxpool.New"), r.wrong)
	}
	return r
}

// Plan tells what Run would do, in which order, and at this moment: what is done already,
// who would have it wait, and what DropColumn would be refused for. Nothing is changed. It
// works on a standby too, but for CopyTwin; and an index that is there is compared by its
// columns only.
func (r *Runner) Plan(ctx context.Context, ops ...Operation) (Plan, error) {
	steps, err := r.plan(ctx, ops)
	if err != nil {
		return nil, fmt.Errorf("ddl: plan: %w", err)
	}
	return steps, nil
}

func (r *Runner) plan(ctx context.Context, ops []Operation) (plan Plan, err error) {
	err = r.connected(ctx, func(conn *pgx.Conn) error {
		if plan, err = r.prepare(ctx, conn, false, ops); err != nil {
			return err
		}
		for i := range plan {
			if err := plan[i].look(ctx, conn); err != nil {
				return fmt.Errorf("%s: %w", plan[i].Operation, err)
			}
		}
		return nil
	})
	return plan, err
}

// look fills in what is of the moment.
func (s *Step) look(ctx context.Context, conn *pgx.Conn) error {
	state, undo, err := s.state(ctx, conn)
	if err != nil {
		return err
	}
	if undo != "" {
		s.Undo = undo
	}
	switch state {
	case done:
		s.Done = true
		return nil
	case busy:
		s.Problem = "somebody else is at it"
	case invalid:
		s.Problem = "an INVALID index is left, and will be dropped before: " + s.clean
	case todo:
	default:
		s.Problem = state
	}
	if s.drops != "" {
		if s.References, err = references(ctx, conn, *s); err != nil {
			return err
		}
	}
	s.Blockers, err = blockers(ctx, conn, *s)
	return err
}

// state asks the catalog whether it has been done.
func (s *Step) state(ctx context.Context, conn *pgx.Conn) (state, undo string, err error) {
	var before *string
	err = conn.QueryRow(ctx, s.probe, append([]any{once}, s.args...)...).Scan(&state, &before)
	if errors.Is(err, pgx.ErrNoRows) {
		return todo, "", nil
	}
	if before != nil {
		undo = *before
	}
	if err == nil && state == done && s.like != nil {
		state, err = s.like.state(ctx, conn)
	}
	return state, undo, err
}

// Run does what of the operations has not been done, step by step. Before the first it
// looks for all that is wrong: a table, a column or a type that is not there, rights. After
// an error it may be called again. It ends with ctx at the latest, and a statement that
// is under way then is cancelled; of an index that was being built an INVALID one stays,
// until the next run.
//
// The error is a *BlockedError if a lock could not be had, and a *ReferencedError if a
// column is still referred to.
func (r *Runner) Run(ctx context.Context, ops ...Operation) error {
	var steps []Step
	err := r.connected(ctx, func(conn *pgx.Conn) (err error) {
		steps, err = r.prepare(ctx, conn, true, ops)
		return err
	})
	if err != nil {
		return fmt.Errorf("ddl: run: %w", err)
	}
	for _, s := range steps {
		if err := r.step(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func (r *Runner) connected(ctx context.Context, do func(*pgx.Conn) error) error {
	if r.wrong != nil {
		return r.wrong
	}
	if r.pool == nil {
		return errors.New("the Runner is empty: make one with New")
	}
	conn, err := r.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	return do(conn.Conn())
}

// step tries one until it is done, or has been tried often enough.
func (r *Runner) step(ctx context.Context, s Step) error {
	log := r.config.logger().With("component", "ddl", "operation", s.Operation, "sql", s.SQL)
	var others []Blocker
	for attempt := 1; ; attempt++ {
		var did bool
		began := time.Now()
		err := r.connected(ctx, func(conn *pgx.Conn) (err error) {
			if did, err = r.attempt(ctx, conn, s); again(err) {
				others, _ = blockers(ctx, conn, s) // without them it is an error all the same
			}
			return err
		})
		if did {
			log.InfoContext(ctx, "a step is done", "state", "done", "took", time.Since(began))
		}
		if err == nil || !again(err) && (ctx.Err() == nil || len(others) == 0) {
			return failed(s, err)
		}
		log.WarnContext(ctx, "a step is blocked", "state", "blocked", "took", time.Since(began), "attempt", attempt, "blockers", others, "err", err)
		if attempt < r.config.Attempts {
			if err = r.wait(ctx, attempt); err == nil {
				continue
			}
		}
		return &BlockedError{Operation: s.Operation, SQL: s.SQL, Attempts: attempt, Blockers: others, Err: err}
	}
}

// wait pauses for twice as long each time, and never as long as another instance that it
// has met.
func (r *Runner) wait(ctx context.Context, attempt int) error {
	most := time.Duration(min(30, 1<<min(attempt-1, 5))) * r.config.Pause
	select {
	case <-time.After(most/2 + rand.N(most+1)):
	case <-ctx.Done():
	}
	return ctx.Err()
}

// again reports whether it may go better the next time: a lock was not to be had, or two
// have waited for each other.
func again(err error) bool {
	var pg *pgconn.PgError
	return errors.Is(err, errBusy) || errors.As(err, &pg) && (pg.Code == "55P03" || pg.Code == "40P01")
}

// failed adds what PostgreSQL knows of the reason, and what helps.
func failed(s Step, err error) error {
	var referenced *ReferencedError
	if err == nil || errors.As(err, &referenced) {
		return err
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		if pg.Detail != "" {
			err = fmt.Errorf("%w: %s", err, pg.Detail)
		}
		switch {
		case pg.Hint != "":
			err = fmt.Errorf("%w: %s", err, pg.Hint)
		case s.Cost == Scan || pg.Code == "23505":
			err = fmt.Errorf("%w: rows that were there before do not satisfy it: correct them, and run it again", err)
		}
	}
	return fmt.Errorf("ddl: %s: %w: %s", s.Operation, err, s.SQL)
}
