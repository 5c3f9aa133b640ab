package walk_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/change/walk"
)

func TestOneOfManyMakesTheMove(t *testing.T) {
	pool, w := begin(t, walk.Config{Logger: patient.Logger}, walk.Options{})
	to(t, pool, w, dbcompat.DualWrite)
	fill(t, w)
	const each = 4
	errs := make([]error, 2*each)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			if i%2 == 0 {
				errs[i] = w.Advance(t.Context(), dbcompat.ReadNew)
			} else {
				errs[i] = w.Rollback(t.Context(), dbcompat.Old)
			}
		})
	}
	all.Wait()
	state, err := w.State(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 3, state.Epoch, "it has moved once")
	for i, err := range errs {
		goal := dbcompat.ReadNew
		if i%2 == 1 {
			goal = dbcompat.Old
		}
		switch {
		case goal != state.Stage:
			require.ErrorIs(t, err, walk.ErrMoved)
		case err != nil:
			require.ErrorIs(t, err, walk.ErrMoved, "it was made meanwhile")
		}
	}
}

func TestAMoveThatHasBeenMadeIsMade(t *testing.T) {
	pool, w := begin(t, patient, walk.Options{})
	to(t, pool, w, dbcompat.ReadNew)
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"to where it is":               {w.Advance(t.Context(), dbcompat.ReadNew), ""},
		"also as a way back":           {w.Rollback(t.Context(), dbcompat.ReadNew), ""},
		"forward to what is behind":    {w.Advance(t.Context(), dbcompat.DualWrite), "walk: advance users-name: the change is elsewhere: it is at read-new, and to dual-write is not one step that way"},
		"back to what is ahead":        {w.Rollback(t.Context(), dbcompat.New), "walk: roll back users-name: the change is elsewhere: it is at read-new, and to new is not one step that way"},
		"two steps":                    {w.Rollback(t.Context(), dbcompat.Old), "walk: roll back users-name: the change is elsewhere: it is at read-new, and to old is not one step that way"},
		"to what is no stage":          {w.Advance(t.Context(), 5), "walk: advance users-name: Stage(5) is no stage"},
		"a change that nobody created": {walk.New(pool, "other", patient).Advance(t.Context(), dbcompat.DualWrite), "walk: advance other: there is no such change: call Create"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.want == "" {
				require.NoError(t, c.err)
			} else {
				require.EqualError(t, c.err, c.want)
			}
		})
	}
}

// An instance that is about to join at a stage has the change's row.
func TestAJoinAndAMoveWaitForEachOther(t *testing.T) {
	pool, w := begin(t, patient, walk.Options{})
	joins, err := pool.Begin(t.Context())
	require.NoError(t, err)
	execute(t, joins, "SELECT stage FROM handover.changes FOR SHARE")
	err = w.Advance(t.Context(), dbcompat.DualWrite)
	require.ErrorContains(t, err, "somebody else is in the way, at each of 2 attempts")
	execute(t, joins, `INSERT INTO handover.change_instances (change, id, name, version, min_stage, max_stage, stage, epoch, expires_at)
		VALUES ('users-name', '1', 'web-1', 'v1', 1, 4, 1, 1, clock_timestamp() + '1 hour')`)
	require.NoError(t, joins.Commit(t.Context()))
	require.NoError(t, w.Advance(t.Context(), dbcompat.DualWrite))
	require.Contains(t, missing(w.Settle(t.Context())), "web-1 (v1) has not acknowledged")

	// The other way round: it waits, and joins at the next one.
	acknowledge(t, pool)
	require.NoError(t, w.Settle(t.Context()))
	moves, err := pool.Begin(t.Context())
	require.NoError(t, err)
	execute(t, moves, "SELECT FROM handover.changes FOR UPDATE; UPDATE handover.changes SET stage = 1, epoch = 3")
	joined := make(chan []string)
	go func() { joined <- query(t, pool, "SELECT stage, epoch FROM handover.changes FOR SHARE") }()
	execute(t, moves, "COMMIT")
	require.NotEmpty(t, <-joined)
	_ = moves.Rollback(t.Context())
}

func TestPlainSQLCannotJump(t *testing.T) {
	pool := open(t, pg.Database(t))
	for name, c := range map[string]struct {
		before, update, refused string
	}{
		"two stages":                       {"", "stage = 3, epoch = 2", "23514"},
		"a stage without an epoch":         {"", "stage = 2", "23514"},
		"an epoch without a stage":         {"", "epoch = 2", "23514"},
		"two epochs":                       {"", "stage = 2, epoch = 3", "23514"},
		"an epoch back":                    {"", "stage = 2, epoch = 0", "23514"},
		"before everybody has come along":  {"settled_at = NULL", "stage = 2, epoch = 2", "55000"},
		"while old is hidden":              {"hidden_at = now()", "stage = 2, epoch = 2", "55000"},
		"when old is gone":                 {"dropped_at = now()", "stage = 2, epoch = 2", "55000"},
		"to what is no stage":              {"", "stage = 0, epoch = 2", "23514"},
		"by one, when all is settled":      {"", "stage = 2, epoch = 2", ""},
		"and settled with the same update": {"", "stage = 2, epoch = 2, settled_at = now()", ""},
	} {
		t.Run(name, func(t *testing.T) {
			again(t, pool, patient, walk.Options{})
			if c.before != "" {
				execute(t, pool, "UPDATE handover.changes SET "+c.before)
			}
			_, err := pool.Exec(t.Context(), "UPDATE handover.changes SET "+c.update)
			require.Equal(t, c.refused, code(err))
			if err == nil {
				require.Equal(t, []string{"(t)"}, query(t, pool, "SELECT settled_at IS NULL FROM handover.changes"))
			}
		})
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	pool, w := begin(t, patient, walk.Options{})
	instance(t, pool, "web-1", dbcompat.Old, dbcompat.New)
	require.NoError(t, w.Advance(t.Context(), dbcompat.DualWrite))
	over := errors.New("no more time")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(over)
	require.ErrorIs(t, w.Wait(ctx), context.Canceled)

	done := make(chan error)
	go func() { done <- w.Wait(t.Context()) }()
	acknowledge(t, pool)
	require.NoError(t, <-done)
}

// A role that may not look at others' sessions cannot know that somebody is gone.
func TestWhatIsHiddenIsInTheWay(t *testing.T) {
	pool, w := begin(t, patient, walk.Options{})
	instance(t, pool, "web-1", dbcompat.Old, dbcompat.New)
	require.NoError(t, w.Advance(t.Context(), dbcompat.DualWrite))
	lapse(t, pool, "web-1")
	session(t, pool, "app")
	limited := asRole(t, pool, `GRANT USAGE ON SCHEMA handover TO limited; GRANT ALL ON ALL TABLES IN SCHEMA handover TO limited`)
	err := walk.New(limited, usersName, patient).Settle(t.Context())
	require.Contains(t, plain(missing(err)), "and pid N (app), whose transaction this role may not see may be a transaction of it: grant this role pg_monitor")
	execute(t, pool, "GRANT pg_monitor TO limited")
	require.NoError(t, walk.New(limited, usersName, patient).Settle(t.Context()))
}

func asRole(t *testing.T, pool *pgxpool.Pool, grants string) *pgxpool.Pool {
	t.Helper()
	execute(t, pool, "CREATE ROLE limited LOGIN; "+grants)
	config := pool.Config().Copy()
	config.ConnConfig.User = "limited"
	limited, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(func() {
		limited.Close()
		_, err := pool.Exec(context.WithoutCancel(t.Context()), "DROP OWNED BY limited; DROP ROLE limited", pgx.QueryExecModeSimpleProtocol)
		require.NoError(t, err)
	})
	return limited
}

func TestTwoChangesDoNotKnowOfEachOther(t *testing.T) {
	pool, w := begin(t, patient, walk.Options{Fence: true})
	execute(t, pool, "CREATE TABLE orders (id int PRIMARY KEY, total int, total2 bigint)")
	other := walk.New(pool, "orders-total", patient)
	require.NoError(t, other.Create(t.Context(), dbcompat.Columns{Table: "orders", Key: []string{"id"}, Old: []string{"total"}, New: []string{"total2"}}, walk.Options{Fence: true}))
	execute(t, pool, fmt.Sprintf("BEGIN; %s; COMMIT", pass))
	writer := session(t, pool, "orders")
	execute(t, writer, "BEGIN; SELECT handover.change_2_fence(1)")
	to(t, pool, w, dbcompat.ReadNew)
	require.NoError(t, other.Advance(t.Context(), dbcompat.DualWrite))
	require.Contains(t, missing(other.Settle(t.Context())), "has passed the fence")
}
