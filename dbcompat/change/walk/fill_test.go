package walk_test

import (
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/backfill"
	"github.com/handover-go/handover/dbcompat/change/walk"
)

func TestWhenNothingIsFilled(t *testing.T) {
	pool := open(t, pg.Database(t))
	for name, c := range map[string]struct {
		from   dbcompat.Stage
		before func(*testing.T, *pgxpool.Pool, *walk.Walk)
		config backfill.Config
		lacks  string
	}{
		"at old nobody writes new": {
			dbcompat.Old, nil,
			backfill.Config{},
			"walk: back-fill users-name: the change is at old, where the new columns are not written: advance to dual-write first",
		},
		"at new nobody writes old": {
			dbcompat.New, nil,
			backfill.Config{},
			"walk: back-fill users-name: the change is at new, where the old columns are not written: roll back to read-new first",
		},
		"somebody may still be at old": {
			dbcompat.Old, both(joined("web-1", dbcompat.Old, dbcompat.New), moved0),
			backfill.Config{},
			"web-1 (v1) has not acknowledged dual-write: it has not looked yet, or a transaction of old is open in it: wait, and if it stays like this look for its longest transaction",
		},
		"somebody is unaware": {
			dbcompat.DualWrite, both(declared(walk.Writer, "v0"), connected("v0")),
			backfill.Config{},
			"the declared writer v0 is connected, pid N, and writes the old columns alone: stop it, or withdraw it if it writes both",
		},
		"where nobody looks for it": {
			dbcompat.DualWrite, nil,
			backfill.Config{Schema: "other"},
			`walk: back-fill users-name: its schema is "other", where nobody looks for its verification: leave it out, or give "handover"`,
		},
		"when all are at dual-write it is": {dbcompat.DualWrite, joined("web-1", dbcompat.Old, dbcompat.New), backfill.Config{}, ""},
		"when all are at read-new too":     {dbcompat.ReadNew, nil, backfill.Config{}, ""},
		"when all have come along it settles by itself": {
			dbcompat.Old, both(joined("web-1", dbcompat.Old, dbcompat.New), moved0, acknowledged), backfill.Config{}, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := again(t, pool, patient, walk.Options{})
			to(t, pool, w, c.from)
			if c.before != nil {
				c.before(t, pool, w)
			}
			_, err := w.Backfill(t.Context(), c.config)
			require.Equal(t, c.lacks, plain(missing(err)))
			_, err = w.Verify(t.Context(), c.config)
			require.Equal(t, c.lacks, plain(missing(err)))
		})
	}
}

// The stage is asked before each batch, and so is who is there.
func TestARunEndsWhenSomebodyIsUnaware(t *testing.T) {
	pool, w := begin(t, patient, walk.Options{})
	to(t, pool, w, dbcompat.DualWrite)
	b, err := w.Backfill(t.Context(), backfill.Config{})
	require.NoError(t, err)
	require.NoError(t, w.Declare(t.Context(), walk.Writer, "v0"))
	session(t, pool, "v0")
	require.Contains(t, missing(b.Run(t.Context())), "the declared writer v0 is connected")
	require.Equal(t, []string{"(20)"}, query(t, pool, "SELECT count(*) FROM users WHERE display_name IS NULL"))
}

// A runner that was stopped in the middle may wake up at any time. So a run that has not
// come to its end keeps the change where it is, until it is cancelled; then a batch of it
// finds that it is no longer to be done.
func TestARunThatIsStoppedWritesNothingLater(t *testing.T) {
	pool, w := begin(t, patient, walk.Options{})
	to(t, pool, w, dbcompat.DualWrite)
	fill(t, w)
	b, err := w.Backfill(t.Context(), backfill.Config{})
	require.NoError(t, err)
	execute(t, pool, "UPDATE handover.backfills SET state = 'running'")
	require.Contains(t, missing(w.Advance(t.Context(), dbcompat.ReadNew)), "a back-fill is under way")
	require.NoError(t, b.Cancel(t.Context()))
	require.NoError(t, w.Advance(t.Context(), dbcompat.ReadNew))
}
