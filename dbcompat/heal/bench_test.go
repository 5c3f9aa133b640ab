package heal_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/heal"
)

// What a write pays, as a ratio of the times with and without, taken in turns, so that
// what else the machine does is in both. For a dual-writer 1.136 is the promise: 12 % fewer
// writes. Most of it is the row's lock, which any BEFORE UPDATE trigger takes first.
func BenchmarkWrite(b *testing.B) {
	for name, stage := range map[string]dbcompat.Stage{"dual-writer": dbcompat.DualWrite, "old writer": dbcompat.Old} {
		b.Run(name, func(b *testing.B) {
			pool := open(b, pg.Database(b))
			execute(b, pool, "CREATE TABLE users (id bigint PRIMARY KEY, name text, display_name text, filler text DEFAULT repeat('x', 150)) WITH (fillfactor = 70)")
			execute(b, pool, "INSERT INTO users SELECT n, 'name', 'name' FROM generate_series(1, 20000) AS n")
			require.NoError(b, heal.New(pool, displayName.Columns(), dbcompat.Fixed(dbcompat.Old), heal.Config{}).Install(b.Context()))
			sql := "UPDATE users SET " + displayName.Set(stage, 2) + " WHERE id = $1"
			var n atomic.Int64
			burst := func() time.Duration {
				const writers, writes = 4, 250
				var wg sync.WaitGroup
				began := time.Now()
				for range writers {
					wg.Go(func() {
						for range writes {
							i := n.Add(1)
							if _, err := pool.Exec(b.Context(), sql, i*7919%20000+1, time.Duration(i).String()); err != nil {
								b.Error(err)
							}
						}
					})
				}
				wg.Wait()
				return time.Since(began)
			}
			burst()
			var with, without time.Duration
			for b.Loop() {
				execute(b, pool, "ALTER TABLE users DISABLE TRIGGER USER")
				without += burst()
				execute(b, pool, "ALTER TABLE users ENABLE TRIGGER USER")
				with += burst()
			}
			b.ReportMetric(float64(with)/float64(without), "with/without")
			b.ReportMetric(float64(with.Nanoseconds())/float64(b.N)/1000, "ns/write")
		})
	}
}
