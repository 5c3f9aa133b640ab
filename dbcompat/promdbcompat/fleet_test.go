package promdbcompat_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/backfill"
	"github.com/handover-go/handover/dbcompat/change/walk"
	"github.com/handover-go/handover/dbcompat/promdbcompat"
	"github.com/handover-go/handover/internal/pgtest"
)

// looked are the series after one look: Run ends with its context, after it.
func looked(t *testing.T, fleet *promdbcompat.Fleet, metrics prometheus.Gatherer, until func(string) bool) string {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- fleet.Run(ctx) }()
	var seen string
	require.Eventually(t, func() bool {
		seen = sees(t, metrics)
		return until(seen)
	}, time.Minute, 5*time.Millisecond)
	stop()
	require.NoError(t, <-ran)
	return seen
}

func TestTheWayOfAFleetAsPrometheusSeesIt(t *testing.T) {
	pool, w := begun(t, pg.Database(t))
	fresh := func() (*promdbcompat.Fleet, prometheus.Gatherer) {
		fleet := promdbcompat.NewFleet(w, promdbcompat.FleetConfig{Name: "users-name"})
		return fleet, registry(t, fleet)
	}
	after := func() string {
		fleet, metrics := fresh()
		require.Empty(t, sees(t, metrics), "nothing is known yet")
		return looked(t, fleet, metrics, func(seen string) bool { return seen != "" })
	}
	require.Equal(t, "backfill_state none 1\nfleet_age_seconds some\nfleet_epoch 1\nfleet_settled 1\nfleet_stage old 1", after())

	execute(t, pool, `INSERT INTO handover.change_instances (change, id, name, version, min_stage, max_stage, stage, epoch, expires_at)
		SELECT 'users-name', id, id, 'v1', 1, 4, 1, 1, clock_timestamp() + '1 hour' FROM unnest(ARRAY['web-1', 'web-2', 'web-3']) AS id`)
	require.NoError(t, w.Declare(t.Context(), walk.Reader, "pgtest"))
	execute(t, pool, `INSERT INTO handover.change_unmanaged SELECT 'users-name', 'writer', current_user`)
	seen := after() // the user has a session: that of the look does not count, and another one may be idle
	require.Contains(t, seen, "fleet_instances old 3\n")
	execute(t, pool, "DELETE FROM handover.change_unmanaged")
	require.NoError(t, w.Advance(t.Context(), dbcompat.DualWrite))
	execute(t, pool, `UPDATE handover.change_instances SET stage = 2, epoch = 2 WHERE id = 'web-1';
		UPDATE handover.change_instances SET expires_at = clock_timestamp() - interval '1 s' WHERE id = 'web-3'`)
	require.Equal(t, "backfill_state none 1\nfleet_age_seconds some\nfleet_behind 2\nfleet_epoch 2\nfleet_instances dual-write 1\nfleet_instances old 2\n"+
		"fleet_lapsed 1\nfleet_stage dual-write 1", after())

	execute(t, pool, `UPDATE handover.change_instances SET stage = 2, epoch = 2, expires_at = clock_timestamp() + '1 hour'`)
	fill, err := w.Backfill(t.Context(), backfill.Config{})
	require.NoError(t, err)
	require.NoError(t, fill.Run(t.Context()))
	execute(t, pool, "UPDATE users SET name = 'somebody else' WHERE id = 7")
	_, err = w.Verify(t.Context(), backfill.Config{})
	require.NoError(t, err)
	require.Equal(t, "backfill_rows 20\nbackfill_rows_expected 20\nbackfill_state done 1\nfleet_age_seconds some\nfleet_epoch 2\nfleet_instances dual-write 3\n"+
		"fleet_settled 1\nfleet_stage dual-write 1\nverification_age_seconds some\nverification_mismatches 1\nverification_rows 20", after())

	_, metrics := fresh()
	problems, err := testutil.GatherAndLint(metrics)
	require.NoError(t, err)
	require.Empty(t, problems)
}

func TestADatabaseThatIsAwayKeepsNoScrape(t *testing.T) {
	server := pgtest.New(pgtest.Config{}).For(t)
	_, w := begun(t, server.URL())
	fleet := promdbcompat.NewFleet(w, promdbcompat.FleetConfig{Interval: time.Second, Logger: slog.New(slog.DiscardHandler)})
	metrics := registry(t, fleet)
	known := looked(t, fleet, metrics, func(seen string) bool { return seen != "" })
	require.NoError(t, server.Kill(t.Context()))
	require.Equal(t, known, sees(t, metrics), "nobody has looked since")
	away := looked(t, fleet, metrics, func(seen string) bool { return seen != known })
	require.Equal(t, "backfill_state none 1\nfleet_age_seconds some\nfleet_epoch 1\nfleet_failing 1\nfleet_settled 1\nfleet_stage old 1", away,
		"what was known, how old it is, and that it is not known now")
	require.NoError(t, server.Start(t.Context()))
	require.Equal(t, known, looked(t, fleet, metrics, func(seen string) bool { return seen != away }))
}
