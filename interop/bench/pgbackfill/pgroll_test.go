//go:build unix && !race

package pgbackfill_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	peer "github.com/xataio/pgroll/pkg/backfill"
	"github.com/xataio/pgroll/pkg/migrations"
	"github.com/xataio/pgroll/pkg/roll"
	"github.com/xataio/pgroll/pkg/state"
)

// pgroll adds the column itself, with a trigger that computes its value: the load is that
// of a program which knows the old column only. Timed is the back-fill, from its first
// batch, and not what is done once before it.
func pgroll(batch int) func(*testing.B, users) filling {
	return func(b *testing.B, users users) filling {
		ctx := b.Context()
		states, err := state.New(ctx, users.url, "pgroll")
		require.NoError(b, err)
		m, err := roll.New(ctx, users.url, "public", states, roll.WithLockTimeoutMs(500))
		require.NoError(b, err)
		b.Cleanup(func() { require.NoError(b, m.Close()) }) // and states
		require.NoError(b, m.Init(ctx))
		require.NoError(b, m.CreateBaseline(ctx, "before"))

		var first time.Time
		config := peer.NewConfig(peer.WithBatchSize(batch))
		config.AddCallback(func(done, _ int64) {
			if done == 0 {
				first = time.Now()
			}
		})
		add := &migrations.Migration{Name: "label", Operations: migrations.Operations{&migrations.OpAddColumn{
			Table: "users", Up: "name", Column: migrations.Column{Name: "label", Type: "text", Nullable: true},
		}}}
		return filling{
			column: migrations.TemporaryName("label"),
			write:  `UPDATE users SET name = $2 WHERE id = $1`,
			run: func(ctx context.Context) (time.Duration, error) {
				err := m.Start(ctx, add, config)
				if err == nil && first.IsZero() {
					err = errors.New("pgroll has not filled anything")
				}
				return time.Since(first), err
			},
		}
	}
}
