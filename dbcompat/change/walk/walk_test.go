package walk_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/change/walk"
)

func TestTheWholeWalkThereAndBack(t *testing.T) {
	pool := open(t, pg.Database(t))
	for name, options := range map[string]walk.Options{"with a fence": {Fence: true}, "without one": {}} {
		t.Run(name, func(t *testing.T) {
			config := patient
			config.Quiet = -1
			w := again(t, pool, config, options)
			ctx := t.Context()
			instance(t, pool, "web-1", dbcompat.Old, dbcompat.New)
			instance(t, pool, "web-2", dbcompat.Old, dbcompat.New)
			to(t, pool, w, dbcompat.New)

			// Back. What New has written is not in the old column.
			execute(t, pool, "UPDATE users SET display_name = 'Ada' WHERE id = 1")
			require.NoError(t, w.Rollback(ctx, dbcompat.ReadNew))
			acknowledge(t, pool)
			fill(t, w)
			require.Equal(t, []string{"(1,Ada,Ada)"}, query(t, pool, "SELECT * FROM users WHERE id = 1"))
			for _, s := range []dbcompat.Stage{dbcompat.DualWrite, dbcompat.Old} {
				require.NoError(t, w.Rollback(ctx, s))
				acknowledge(t, pool)
				require.NoError(t, w.Settle(ctx))
			}

			// And to the end: the instances are replaced by new code.
			to(t, pool, w, dbcompat.New)
			execute(t, pool, "UPDATE handover.change_instances SET min_stage = 4")
			require.NoError(t, w.Hide(ctx))
			require.NoError(t, w.Show(ctx))
			require.NoError(t, w.Hide(ctx))
			require.NoError(t, w.Drop(ctx))
			require.Equal(t, []string{"(1,Ada)"}, query(t, pool, "SELECT * FROM users WHERE id = 1"))
			execute(t, pool, "DELETE FROM handover.change_instances")
			require.NoError(t, w.Delete(ctx))
			require.Equal(t, []string{
				"created old",
				"advanced old dual-write", "settled", "advanced dual-write read-new", "settled", "advanced read-new new", "settled",
				"rolled back new read-new", "settled", "rolled back read-new dual-write", "settled", "rolled back dual-write old", "settled",
				"advanced old dual-write", "settled", "advanced dual-write read-new", "settled", "advanced read-new new", "settled",
				"hidden", "shown", "hidden", "dropped new", "deleted new",
			}, events(t, w))
			require.Empty(t, query(t, pool, "SELECT relname FROM pg_class WHERE relname LIKE 'change%floor' UNION SELECT proname FROM pg_proc WHERE proname LIKE 'change%fence'"))
		})
	}
}
