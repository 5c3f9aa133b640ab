package walk_test

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/change"
	"github.com/handover-go/handover/dbcompat/change/walk"
)

// Two instances go there and back under load: what one of them writes, the other one
// reads. (The processes that are killed and stopped are in package chaos.)
func TestInstancesComeAlong(t *testing.T) {
	for name, options := range map[string]walk.Options{"with a fence": {Fence: true}, "without one": {}} {
		t.Run(name, func(t *testing.T) {
			config := patient
			config.Attempts, config.LockTimeout = 100, 100*time.Millisecond
			pool, w := begin(t, config, options)
			fleet := []*change.Change{member(t, pool, "web-1"), member(t, pool, "web-2")}
			ctx, cancel := context.WithCancel(t.Context())
			var all sync.WaitGroup
			for i, c := range fleet {
				all.Go(func() { require.NoError(t, c.Run(ctx)) })
				all.Go(func() {
					for value := 0; ctx.Err() == nil; value++ {
						write(t, c, i+1, strconv.Itoa(value))
						require.Equal(t, strconv.Itoa(value), read(t, fleet[1-i], i+1), "what was written before")
					}
				})
			}
			path := []dbcompat.Stage{dbcompat.DualWrite, dbcompat.ReadNew, dbcompat.New, dbcompat.ReadNew, dbcompat.DualWrite, dbcompat.Old}
			at := dbcompat.Old
			for _, next := range path {
				if next == dbcompat.ReadNew && at == dbcompat.DualWrite || next == dbcompat.DualWrite && at == dbcompat.ReadNew {
					fill(t, w)
				}
				if next > at {
					require.NoError(t, w.Advance(t.Context(), next))
				} else {
					require.NoError(t, w.Rollback(t.Context(), next))
				}
				require.NoError(t, w.Wait(t.Context()))
				at = next
			}
			cancel()
			all.Wait()
			for _, c := range fleet {
				require.NoError(t, c.Leave(t.Context()))
			}
			require.NoError(t, w.Delete(t.Context()))
		})
	}
}

func member(t *testing.T, pool *pgxpool.Pool, name string) *change.Change {
	t.Helper()
	c := change.New(pool, usersName, displayName, change.Config{Name: name, Version: "v1", Poll: 10 * time.Millisecond, Logger: patient.Logger})
	require.NoError(t, c.Join(t.Context()))
	require.NoError(t, c.Check(t.Context()))
	return c
}

func write(t *testing.T, c *change.Change, id int, value string) {
	t.Helper()
	require.NoError(t, c.InTx(t.Context(), func(tx pgx.Tx, s dbcompat.Stage) error {
		_, err := tx.Exec(t.Context(), "UPDATE users SET "+displayName.Set(s, 2)+" WHERE id = $1", id, value)
		return err
	}))
}

func read(t *testing.T, c *change.Change, id int) (value string) {
	t.Helper()
	require.NoError(t, c.InTx(t.Context(), func(tx pgx.Tx, s dbcompat.Stage) error {
		return tx.QueryRow(t.Context(), "SELECT "+displayName.Believed(s, "users")[0]+" FROM users WHERE id = $1", id).Scan(&value)
	}))
	return value
}
