package pgchange_test

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/backfill"
	"github.com/handover-go/handover/dbcompat/change"
	"github.com/handover-go/handover/dbcompat/change/walk"
)

// healthCheck sleeps for half a second after a pool has closed a connection.
const healthCheck = "github.com/jackc/pgx/v5/pgxpool.(*Pool).triggerHealthCheck.func1"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction(healthCheck)) }

var displayName = dbcompat.Columns{Table: "users", Key: []string{"id"}, Old: []string{"name"}, New: []string{"display_name"}}

const (
	usersName = "users-name"
	users     = `CREATE TABLE users (id int PRIMARY KEY, name text, display_name text);
		INSERT INTO users SELECT i, 'user ' || i FROM generate_series(1, 20) AS i`
	patience = time.Minute
)

// open connects as one does through a pooler: without prepared statements.
func open(t *testing.T, url string) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(url)
	require.NoError(t, err)
	config.MaxConns = 4
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

// walkThrough takes two instances there and back under load, what one writes being what
// the other one reads, and returns what has happened.
func walkThrough(t *testing.T, url string) []string {
	t.Helper()
	pool := open(t, url)
	_, err := pool.Exec(t.Context(), users, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	w := walk.New(pool, usersName, walk.Config{Poll: 20 * time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, w.Migrate(t.Context()))
	require.NoError(t, w.Create(t.Context(), displayName, walk.Options{Fence: true}))

	var fleet [2]*change.Change
	for i := range fleet {
		fleet[i] = change.New(open(t, url), usersName, displayName, change.Config{
			Name: fmt.Sprintf("web-%d", i+1), Version: "v1", TTL: 15 * time.Second, Poll: 50 * time.Millisecond, Logger: slog.New(slog.DiscardHandler),
		})
		require.NoError(t, fleet[i].Join(t.Context()))
		require.NoError(t, fleet[i].Check(t.Context()))
	}
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	for i, c := range fleet {
		all.Go(func() {
			if err := c.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		all.Go(func() {
			if err := converse(ctx, c, fleet[1-i], i+1); err != nil {
				t.Error(err)
			}
		})
	}
	for _, to := range []dbcompat.Stage{dbcompat.DualWrite, dbcompat.ReadNew, dbcompat.New} {
		step(t, w, w.Advance, to, to == dbcompat.DualWrite)
	}
	for _, to := range []dbcompat.Stage{dbcompat.ReadNew, dbcompat.DualWrite, dbcompat.Old} {
		step(t, w, w.Rollback, to, to == dbcompat.ReadNew)
	}
	renewed(t, w)
	cancel()
	all.Wait()
	for _, c := range fleet {
		require.NoError(t, c.Leave(t.Context()))
	}
	require.NoError(t, w.Delete(t.Context()))
	return events(t, w)
}

// converse writes with one, and reads it with the other.
func converse(ctx context.Context, here, there *change.Change, id int) error {
	done := context.WithoutCancel(ctx)
	for n := 0; ctx.Err() == nil; n++ {
		err := here.InTx(done, func(tx pgx.Tx, s dbcompat.Stage) error {
			_, err := tx.Exec(done, "UPDATE users SET "+displayName.Set(s, 2)+" WHERE id = $1", id, strconv.Itoa(n))
			return err
		})
		if err != nil {
			return err
		}
		var value string
		err = there.InTx(done, func(tx pgx.Tx, s dbcompat.Stage) error {
			return tx.QueryRow(done, "SELECT "+displayName.Believed(s, "users")[0]+" FROM users WHERE id = $1", id).Scan(&value)
		})
		if err != nil {
			return err
		}
		if value != strconv.Itoa(n) {
			return fmt.Errorf("row %d: %s was read, and %d written", id, value, n)
		}
	}
	return nil
}

// step moves as soon as it can be done, fills if that is needed, and waits.
func step(t *testing.T, w *walk.Walk, move func(context.Context, dbcompat.Stage) error, to dbcompat.Stage, fill bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, move(ctx, to))
	require.NoError(t, w.Wait(ctx))
	if !fill {
		return
	}
	b, err := w.Backfill(ctx, backfill.Config{})
	require.NoError(t, err)
	require.NoError(t, b.Run(ctx))
	v, err := w.Verify(ctx, backfill.Config{})
	require.NoError(t, err)
	require.Zero(t, v.Mismatches, v.Examples)
}

// renewed waits until each has renewed its lease twice more: it is the same one.
func renewed(t *testing.T, w *walk.Walk) {
	t.Helper()
	times := map[string]map[time.Time]bool{}
	require.Eventually(t, func() bool {
		s, err := w.State(t.Context())
		require.NoError(t, err)
		enough := len(s.Instances) == 2
		for _, i := range s.Instances {
			if times[i.ID] == nil {
				times[i.ID] = map[time.Time]bool{}
			}
			times[i.ID][i.Renewed] = true
			enough = enough && len(times[i.ID]) > 2
		}
		return enough
	}, patience, 50*time.Millisecond)
	require.Len(t, times, 2, "nobody has joined again")
}

// events are what has happened, the oldest first.
func events(t *testing.T, w *walk.Walk) []string {
	t.Helper()
	all, err := w.Events(t.Context(), 0)
	require.NoError(t, err)
	lines := make([]string, len(all))
	for i, e := range all {
		line := e.What
		if e.To != 0 && e.To != e.From {
			line += " to " + e.To.String()
		}
		lines[len(all)-1-i] = line
	}
	return lines
}

// whole is a walk on which nobody was counted out.
var whole = []string{
	"created to old",
	"advanced to dual-write", "settled", "advanced to read-new", "settled", "advanced to new", "settled",
	"rolled back to read-new", "settled", "rolled back to dual-write", "settled", "rolled back to old", "settled",
	"deleted",
}
