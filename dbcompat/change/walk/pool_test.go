package walk_test

import (
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/change/walk"
)

// What is asked while a transaction is open is asked in it.
func TestAPoolOfOneWillDo(t *testing.T) {
	pool, _ := begin(t, patient, walk.Options{Fence: true})
	config := pool.Config()
	config.MaxConns = 1
	one, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(one.Close)
	w := walk.New(one, usersName, patient)
	instance(t, pool, "web-1", dbcompat.Old, dbcompat.New)
	to(t, pool, w, dbcompat.New)
	_, err = w.Plan(t.Context())
	require.NoError(t, err)
	lapse(t, pool, "web-1")
	require.NoError(t, w.Hide(t.Context()))
	require.NoError(t, w.Show(t.Context()))
}
