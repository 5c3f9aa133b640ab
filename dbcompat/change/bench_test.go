package change_test

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/change"
	"github.com/handover-go/handover/internal/pgtest"
)

// undisturbed has nothing happen beside what is measured.
var undisturbed = change.Config{TTL: time.Hour, Poll: -1, Logger: slog.New(slog.DiscardHandler)}

func joined(t testing.TB, pool *pgxpool.Pool) *change.Change {
	t.Helper()
	c := change.New(pool, "users-name", name.Columns(), undisturbed)
	require.NoError(t, c.Join(t.Context()))
	require.NoError(t, c.Check(t.Context()))
	return c
}

func pinAndRelease(t testing.TB, c *change.Change) {
	pin, err := c.Pin()
	if err != nil || pin.Stage() != dbcompat.Old {
		t.Error(err)
	}
	pin.Release()
}

func TestAPinDoesNotAllocate(t *testing.T) {
	c := joined(t, database(t, pg.Database(t)))
	require.Zero(t, testing.AllocsPerRun(1000, func() { pinAndRelease(t, c) }))
}

func BenchmarkPin(b *testing.B) {
	c := joined(b, database(b, pg.Database(b)))
	b.Run("one at a time", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			pinAndRelease(b, c)
		}
	})
	b.Run("on all cores", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				pinAndRelease(b, c)
			}
		})
	})
}

// BenchmarkInTx is an UPDATE of one row, with a synchronous commit to a real disk. The
// three take turns, so that a machine that is busy is so for all of them.
func BenchmarkInTx(b *testing.B) {
	server := pgtest.New(pgtest.Config{Settings: map[string]string{"fsync": "on", "full_page_writes": "on"}})
	b.Cleanup(func() { _ = server.Close() })
	var contenders []contender
	for _, c := range []struct {
		name           string
		change, fenced bool
	}{{"by-hand", false, false}, {"InTx", true, false}, {"fenced", true, true}} {
		pool := database(b, server.Database(b))
		if c.fenced {
			fence(b, pool)
		}
		update := func(tx pgx.Tx, _ dbcompat.Stage) error {
			_, err := tx.Exec(b.Context(), "UPDATE users SET name = $2 WHERE id = $1", 1, "Grace")
			return err
		}
		run := func() error {
			return pgx.BeginFunc(b.Context(), pool, func(tx pgx.Tx) error { return update(tx, 0) })
		}
		if c.change {
			part := joined(b, pool)
			run = func() error { return part.InTx(b.Context(), update) }
		}
		require.NoError(b, run())
		contenders = append(contenders, contender{name: c.name, run: run})
	}
	for b.Loop() {
		for i := range contenders {
			began := time.Now()
			require.NoError(b, contenders[i].run())
			contenders[i].took = append(contenders[i].took, time.Since(began))
		}
	}
	for i := range contenders {
		b.ReportMetric(float64(contenders[i].median().Nanoseconds())/1000, contenders[i].name+"-µs")
	}
	b.ReportMetric(float64(contenders[2].median())/float64(contenders[0].median()), "fenced/by-hand")
}

type contender struct {
	name string
	run  func() error
	took []time.Duration
}

// median is what one took, as the mean is that of the machine's other work.
func (c *contender) median() time.Duration {
	slices.Sort(c.took)
	return c.took[len(c.took)/2]
}
