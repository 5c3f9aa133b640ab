package walk_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/change/walk"
	"github.com/handover-go/handover/internal/pgtest"
)

func plan(t *testing.T, w *walk.Walk) string {
	t.Helper()
	p, err := w.Plan(t.Context())
	require.NoError(t, err)
	for _, s := range p.Steps {
		require.Equal(t, len(s.Missing) == 0, s.Ready)
	}
	return plain(p.String())
}

func TestAPlanForEachStage(t *testing.T) {
	pool, w := begin(t, patient, walk.Options{})
	ctx := t.Context()
	instance(t, pool, "web-1", dbcompat.Old, dbcompat.New)
	require.Equal(t, `users-name is at old, epoch 1
advance to dual-write: writes set both columns, reads believe old
   sql   UPDATE "handover".changes SET stage = 2, epoch = epoch + 1 WHERE name = 'users-name'
   now   it can be done
`, plan(t, w))

	require.NoError(t, w.Advance(ctx, dbcompat.DualWrite))
	require.Equal(t, `users-name is at dual-write, epoch 2
advance to read-new: writes set both columns, reads believe new
   sql   UPDATE "handover".changes SET stage = 3, epoch = epoch + 1 WHERE name = 'users-name'
   not   web-1 (v1) has not acknowledged dual-write: it has not looked yet, or a transaction of old is open in it: wait, and if it stays like this look for its longest transaction
   not   the verification is not there: fill new from old, as nobody is at old any more, and verify
roll back to old: new is left alone, and no verification of it counts any more
   sql   UPDATE "handover".changes SET stage = 1, epoch = epoch + 1 WHERE name = 'users-name'
   not   web-1 (v1) has not acknowledged dual-write: it has not looked yet, or a transaction of old is open in it: wait, and if it stays like this look for its longest transaction
`, plan(t, w))

	acknowledge(t, pool)
	fill(t, w)
	for _, s := range []dbcompat.Stage{dbcompat.ReadNew, dbcompat.New} {
		require.NoError(t, w.Advance(ctx, s))
		acknowledge(t, pool)
	}
	require.NoError(t, w.Settle(ctx))
	lapse(t, pool, "web-1") // and is counted out, when it is done
	require.Equal(t, `users-name is at new, epoch 4
roll back to read-new: writes set both columns again; old is to be filled from new
   sql   UPDATE "handover".changes SET stage = 3, epoch = epoch + 1 WHERE name = 'users-name'
   now   it can be done
hide: whoever still names an old column gets an error
   sql   ALTER TABLE "users" RENAME COLUMN "name" TO "hidden_1_name"
   now   it can be done
`, plan(t, w))

	require.NoError(t, w.Hide(ctx))
	require.Equal(t, `users-name is at new, epoch 4
show: the old columns have their names again
   sql   ALTER TABLE "users" RENAME COLUMN "hidden_1_name" TO "name"
   now   it can be done
drop: the old columns are gone, for good
   sql   ALTER TABLE "users" DROP COLUMN "hidden_1_name"
   not   the old columns have been hidden for 0s only: wait for another 24h0m0s
`, plan(t, w))
	execute(t, pool, "UPDATE handover.changes SET hidden_at = hidden_at - interval '1 day'")
	require.NoError(t, w.Drop(ctx))
	require.Equal(t, "users-name is at new, epoch 4\n", plan(t, w))
	require.ErrorContains(t, w.Show(ctx), "the old columns are dropped")
}

// Two columns become one, with names that have to be quoted, and cut.
func TestOddNames(t *testing.T) {
	config := patient
	config.Quiet = -1
	pool := open(t, pg.Database(t))
	long := strings.Repeat("ä", 31)
	execute(t, pool, `CREATE SCHEMA "Shop"; CREATE TABLE "Shop".users (id int PRIMARY KEY, "first ""name""" text, `+long+` text, whole text)`)
	columns := dbcompat.Columns{
		Table: "Shop.users", Key: []string{"id"}, Old: []string{`first "name"`, long}, New: []string{"whole"},
		Up: []string{`"first ""name""" || ` + long}, Down: []string{"left(whole, 1)", "substr(whole, 2)"},
	}
	w := walk.New(pool, `a name's "change"`, config)
	require.NoError(t, w.Migrate(t.Context()))
	require.NoError(t, w.Create(t.Context(), columns, walk.Options{Fence: true}))
	to(t, pool, w, dbcompat.New)
	p, err := w.Plan(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{
		`ALTER TABLE "Shop"."users" RENAME COLUMN "first ""name""" TO "hidden_1_first ""name"""`,
		`ALTER TABLE "Shop"."users" RENAME COLUMN "` + long + `" TO "hidden_1_` + strings.Repeat("ä", 27) + `"`,
	}, p.Steps[1].SQL)
	require.NoError(t, w.Hide(t.Context()))
	require.NoError(t, w.Show(t.Context()))
	require.NoError(t, w.Hide(t.Context()))
	require.NoError(t, w.Drop(t.Context()))
	require.Equal(t, []string{"(id)", "(whole)"}, query(t, pool, `SELECT attname FROM pg_attribute WHERE attrelid = '"Shop".users'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY 1`))
	require.NoError(t, w.Delete(t.Context()))
}

func TestAStateForAMachine(t *testing.T) {
	pool, w := begin(t, patient, walk.Options{Fence: true})
	instance(t, pool, "web-1", dbcompat.Old, dbcompat.New)
	require.NoError(t, w.Declare(t.Context(), walk.Reader, "bi"))
	to(t, pool, w, dbcompat.DualWrite)
	fill(t, w)
	instance(t, pool, "web-2", dbcompat.DualWrite, dbcompat.New)
	lapse(t, pool, "web-2")
	s, err := w.State(t.Context())
	require.NoError(t, err)
	require.Positive(t, s.Instances[0].Left)
	require.Negative(t, s.Instances[1].Left)
	require.False(t, s.Now.Before(s.Settled))
	require.True(t, s.Verification.Began.After(s.Settled))
	require.InDelta(t, 1, s.Fill.Share(), 0)

	// What is of the moment is left out.
	for i := range s.Instances {
		in := &s.Instances[i]
		in.Joined, in.Renewed, in.Expires, in.Left = time.Time{}, time.Time{}, time.Time{}, 0
	}
	s.Settled, s.Created, s.Updated, s.Now, s.Verification, s.Fill = time.Time{}, time.Time{}, time.Time{}, time.Time{}, nil, walk.Fill{State: s.Fill.State}
	text, err := json.Marshal(s)
	require.NoError(t, err)
	const zero = `"0001-01-01T00:00:00Z"`
	require.JSONEq(t, `{"name": "users-name", "stage": "dual-write", "epoch": 2, "fenced": true, "created": `+zero+`, "updated": `+zero+`, "now": `+zero+`,
		"columns": {"Table": "users", "Key": ["id"], "Old": ["name"], "New": ["display_name"], "Up": null, "Down": null, "Types": null},
		"instances": [
			{"id": "web-1", "name": "web-1", "version": "v1", "min": "old", "max": "new", "stage": "dual-write", "epoch": 2, "left": 0, "lapsed": false, "joined": `+zero+`, "renewed": `+zero+`, "expires": `+zero+`},
			{"id": "web-2", "name": "web-2", "version": "v1", "min": "dual-write", "max": "new", "stage": "dual-write", "epoch": 2, "left": 0, "lapsed": true, "joined": `+zero+`, "renewed": `+zero+`, "expires": `+zero+`}],
		"unmanaged": [{"kind": "reader", "name": "bi", "seen": []}],
		"fill": {"state": "done", "alive": false, "rows": 0, "changed": 0, "skipped": 0, "total": 0, "rows_per_second": 0, "left": 0}}`, string(text))
}

// A replica that has not replayed the verification would show its readers NULL.
func TestReplicasHaveToComeAlong(t *testing.T) {
	primary := pgtest.New(pgtest.Config{}).For(t)
	pool := open(t, primary.URL())
	w := again(t, pool, patient, walk.Options{})
	standby := primary.Standby(pgtest.Config{}).For(t)
	replica := open(t, standby.URL())
	execute(t, replica, "SELECT pg_wal_replay_pause()")

	to(t, pool, w, dbcompat.DualWrite)
	fill(t, w)
	execute(t, pool, "SELECT pg_switch_wal()")
	require.Equal(t, "replica walreceiver has replayed up to L1, and the verification is of L2: wait", plain(missing(w.Advance(t.Context(), dbcompat.ReadNew))))
	execute(t, replica, "SELECT pg_wal_replay_resume()")
	for missing(w.Advance(t.Context(), dbcompat.ReadNew)) != "" { // until it is there
	}
	all, err := w.Events(t.Context(), 1)
	require.NoError(t, err)
	var evidence walk.Evidence
	require.NoError(t, json.Unmarshal(all[0].Evidence, &evidence))
	require.Equal(t, []string{"walreceiver"}, evidence.Replicas)
	require.NotEmpty(t, evidence.LSN)
	require.Zero(t, evidence.Verification.Mismatches)

	// On the replica one can look, and no more.
	there := walk.New(replica, usersName, patient)
	for s, err := there.State(t.Context()); s.Stage != dbcompat.ReadNew; s, err = there.State(t.Context()) {
		require.NoError(t, err)
	}
	require.ErrorContains(t, there.Advance(t.Context(), dbcompat.New), "the server is a standby: connect to the primary")
}
