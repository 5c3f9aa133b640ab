//go:build unix && !race

package pgbackfill_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

const (
	due         = 5 * time.Millisecond // 200 per second
	connections = 16
)

// load updates rows at random, each when it is due, whatever has become of those before.
// One that waits for a row, or for a connection, is late from when it was due: a load that
// waits for its answers would not notice the worst of it.
type load struct {
	pool *pgxpool.Pool
	sql  string
	rows int64

	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu   sync.Mutex
	late latencies
	errs []error
}

// startLoad has the connections open before the first UPDATE is due.
func startLoad(b *testing.B, users users, sql string) *load {
	l := &load{pool: open(b, users.url, connections), sql: sql, rows: int64(users.rows)}
	taken := make([]*pgxpool.Conn, connections)
	for i := range taken {
		var err error
		taken[i], err = l.pool.Acquire(b.Context())
		require.NoError(b, err)
		_, err = taken[i].Exec(b.Context(), sql, 0, "prepared") // there is no such row
		require.NoError(b, err)
	}
	for _, connection := range taken {
		connection.Release()
	}
	ctx, cancel := context.WithCancel(b.Context())
	l.cancel = cancel
	l.wg.Go(func() { l.run(ctx, b.Context()) })
	return l
}

// run ends with the first context; what is under way then is finished by the second.
func (l *load) run(ctx, work context.Context) {
	next := time.NewTimer(0)
	defer next.Stop()
	for at, n := time.Now(), 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		scheduled := at.Add(time.Duration(n) * due)
		l.wg.Go(func() { l.update(work, scheduled, n) })
		next.Reset(time.Until(scheduled.Add(due)))
	}
}

func (l *load) update(ctx context.Context, scheduled time.Time, n int) {
	done, err := l.pool.Exec(ctx, l.sql, 1+rand.Int64N(l.rows), fmt.Sprintf("changed %d", n))
	late := time.Since(scheduled)
	if err == nil && done.RowsAffected() != 1 {
		err = fmt.Errorf("%d rows updated, of one", done.RowsAffected())
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.late = append(l.late, late)
	l.errs = append(l.errs, err)
}

func (l *load) stop(b *testing.B) latencies {
	l.cancel()
	l.wg.Wait()
	require.NoError(b, errors.Join(l.errs...))
	return l.late
}

type latencies []time.Duration

func (l latencies) report(b *testing.B) {
	require.NotEmpty(b, l)
	slices.Sort(l)
	for name, share := range map[string]float64{"p50-ms": 0.5, "p99-ms": 0.99, "max-ms": 1} {
		b.ReportMetric(l[int(share*float64(len(l)-1))].Seconds()*1000, name)
	}
}
