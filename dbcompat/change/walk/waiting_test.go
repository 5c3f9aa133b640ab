package walk_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/change/walk"
)

func TestWaitSaysWhoItWaitsFor(t *testing.T) {
	var diary []string
	config := patient
	pool := open(t, pg.Database(t))
	config.Waiting = func(missing []walk.Missing) {
		for _, m := range missing {
			diary = append(diary, m.Who)
		}
		s, err := walk.New(pool, usersName, patient).State(t.Context())
		require.NoError(t, err)
		require.Len(t, s.Behind(), len(missing))
		acknowledge(t, pool, s.Behind()[0].ID)
	}
	w := again(t, pool, config, walk.Options{})
	instance(t, pool, "web-1", dbcompat.Old, dbcompat.New)
	instance(t, pool, "web-2", dbcompat.Old, dbcompat.New)
	require.NoError(t, w.Wait(t.Context())) // which has nothing to wait for
	require.NoError(t, w.Advance(t.Context(), dbcompat.DualWrite))
	require.NoError(t, w.Wait(t.Context()))
	require.Equal(t, []string{"web-1 (v1)", "web-2 (v1)", "web-2 (v1)"}, diary)
}

func TestAnEventIsALine(t *testing.T) {
	for want, event := range map[string]walk.Event{
		"created at old":              {What: "created", To: dbcompat.Old},
		"advanced, old to dual-write": {What: "advanced", From: dbcompat.Old, To: dbcompat.DualWrite},
		"settled at new":              {What: "settled", From: dbcompat.New, To: dbcompat.New},
		"deleted at old":              {What: "deleted", From: dbcompat.Old},
		"renamed":                     {What: "renamed"},
	} {
		require.Equal(t, want, event.String())
	}
}
