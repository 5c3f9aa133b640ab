package promdbcompat_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/change"
	"github.com/handover-go/handover/dbcompat/promdbcompat"
)

func member(pool *pgxpool.Pool) *change.Change {
	return change.New(pool, "users-name", displayName, change.Config{
		TTL: time.Minute, Poll: 10 * time.Millisecond, Version: "v1", Name: "web-1", Logger: slog.New(slog.DiscardHandler),
	})
}

func TestTheLifeOfAnInstanceAsPrometheusSeesIt(t *testing.T) {
	pool, w := begun(t, pg.Database(t))
	var mismatches dbcompat.Mismatches
	ch := member(pool)
	metrics := registry(t, promdbcompat.New(ch, promdbcompat.Config{Name: "users-name", Mismatches: &mismatches}))
	require.Empty(t, sees(t, metrics), "before it has joined")

	require.NoError(t, ch.Join(t.Context()))
	const joined = "acknowledged_epoch 1\nepoch 1\nheld 1\njoined 1\nlease_left_seconds some\n"
	require.Equal(t, joined+"ready 1\nstage old 1", sees(t, metrics))

	pin, err := ch.Pin()
	require.NoError(t, err)
	require.NoError(t, w.Advance(t.Context(), dbcompat.DualWrite))
	ctx, stop := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- ch.Run(ctx) }()
	require.Eventually(t, func() bool { return ch.Status().Epoch == 2 }, time.Minute, time.Millisecond)
	now, err := ch.Pin()
	require.NoError(t, err)
	require.Equal(t, "acknowledged_epoch 1\nepoch 2\nheld 1\njoined 1\nlease_left_seconds some\npins earlier 1\npins present 1\nready 1\nstage dual-write 1",
		sees(t, metrics), "a transaction of before is open")
	pin.Release()
	now.Release()

	rows, err := pool.Query(t.Context(), "SELECT "+displayName.Select(dbcompat.DualWrite, "")+" FROM users LIMIT 3")
	require.NoError(t, err)
	for rows.Next() {
		var name string
		require.NoError(t, rows.Scan(displayName.Into(dbcompat.DualWrite, []any{&name}, &mismatches)...))
	}
	require.NoError(t, rows.Err())
	require.NoError(t, w.Wait(t.Context()))
	require.Equal(t, "acknowledged_epoch 2\ncompared_total 3\nepoch 2\nheld 1\njoined 1\nlease_left_seconds some\nmismatches_total 3\nready 1\nstage dual-write 1",
		sees(t, metrics), "everybody has come along")
	require.NoError(t, ch.Leave(t.Context()))
	stop()
	require.NoError(t, <-ran)
	require.Contains(t, sees(t, metrics), "compared_total 3")
	require.NotContains(t, sees(t, metrics), "ready 1")
	problems, err := testutil.GatherAndLint(metrics)
	require.NoError(t, err)
	require.Empty(t, problems)
}

func TestNothingToCollect(t *testing.T) {
	_, err := registry(t, promdbcompat.New(nil, promdbcompat.Config{})).Gather()
	require.ErrorContains(t, err, "New was given a nil Change")
	fleet := promdbcompat.NewFleet(nil, promdbcompat.FleetConfig{})
	_, err = registry(t, fleet).Gather()
	require.ErrorContains(t, err, "NewFleet was given a nil Walk")
	require.ErrorContains(t, fleet.Run(t.Context()), "NewFleet was given a nil Walk")
}

func TestTwoChangesAreInOneRegistry(t *testing.T) {
	one, two := member(nil), member(nil)
	metrics := registry(t, promdbcompat.New(one, promdbcompat.Config{}), promdbcompat.New(two, promdbcompat.Config{Name: "\xff"}))
	_, err := metrics.Gather()
	require.NoError(t, err, "a name that is no UTF-8 is made some")
}
