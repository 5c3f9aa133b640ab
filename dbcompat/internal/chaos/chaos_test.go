package chaos_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/backfill"
)

// fleet is the parent's view of all of it.
type fleet struct {
	*testing.T
	kind    string
	pool    *pgxpool.Pool // the parent's own
	url     string
	ledger  *ledger
	rand    *rand.Rand
	workers [workers]*process
	started int // processes
	kills   int
}

// newFleet has a table with the number 1 in all rows, and all workers at a stage.
func newFleet(t *testing.T, kind string, stage dbcompat.Stage) *fleet {
	seed := rand.Uint64()
	if text := os.Getenv("CHAOS_SEED"); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("CHAOS_SEED=%d", seed)
	f := &fleet{T: t, kind: kind, url: pg.Database(t), ledger: newLedger(), rand: rand.New(rand.NewPCG(seed, 0))}
	var err error
	f.pool, err = pgxpool.New(t.Context(), f.url)
	require.NoError(t, err)
	t.Cleanup(f.pool.Close)
	k := kinds[kind]
	require.NoError(t, k.columns.Check())
	_, err = f.pool.Exec(t.Context(), k.table)
	require.NoError(t, err)
	_, err = f.pool.Exec(t.Context(), fmt.Sprintf("INSERT INTO %s (id, seq, %s) SELECT i, 1, %s FROM generate_series(1, %d) AS i",
		k.columns.Relation(), dbcompat.Quote(k.columns.Old[0]), k.fill, rows))
	require.NoError(t, err)
	for id := int64(1); id <= rows; id++ {
		f.ledger.number(0, "done", id, 1)
	}
	for w := range f.workers {
		f.workers[w] = f.start("worker", w, stage)
	}
	f.await(stage)
	return f
}

func (f *fleet) start(name string, worker int, stage dbcompat.Stage) *process {
	f.started++
	name = fmt.Sprintf("%s %d", name, f.started)
	return start(f, f.ledger, spec{Name: name, URL: f.url, Kind: f.kind, Worker: worker, Stage: stage, Seed: f.rand.Uint64()})
}

// await waits until workers have acknowledged a stage: all, if none are named.
func (f *fleet) await(stage dbcompat.Stage, named ...int) {
	f.Helper()
	if len(named) == 0 {
		named = []int{0, 1, 2, 3}
	}
	f.ledger.await(f, fmt.Sprintf("workers %v are at %v", named, stage), func() bool {
		for _, w := range named {
			if f.ledger.at[w] != stage {
				return false
			}
		}
		return true
	})
}

// mix waits until each worker has done some more, so that each has met the others' rows.
func (f *fleet) mix(n int) {
	f.Helper()
	var until [workers]int
	f.ledger.mu.Lock()
	for w := range until {
		until[w] = f.ledger.did[w] + n
	}
	f.ledger.mu.Unlock()
	f.ledger.await(f, "all have done something", func() bool {
		for w := range until {
			if f.ledger.did[w] < until[w] {
				return false
			}
		}
		return true
	})
}

// roll moves one worker after the other. While the one that is named last moves, one of
// them, whichever, is killed and replaced; none if it is -1.
func (f *fleet) roll(to dbcompat.Stage, victimAt int) {
	f.Helper()
	for i, w := range f.rand.Perm(workers) {
		f.workers[w].tell(to)
		if i == victimAt {
			f.replace(f.rand.IntN(workers), to)
		}
		f.await(to, w)
		f.mix(6)
	}
	f.ledger.clean(f)
}

// replace kills a worker, and starts another one in its place. What the dead one has sent
// may still be committed, so its sessions have to end first: as to the stages, it lives
// as long as they do.
func (f *fleet) replace(victim int, stage dbcompat.Stage) {
	f.Helper()
	f.ledger.await(f, "something is done", f.after(f.rand.IntN(20)))
	f.workers[victim].kill()
	f.kills++
	for sessions := 1; sessions > 0; {
		require.NoError(f, f.pool.QueryRow(f.Context(), "SELECT count(*) FROM pg_sleep(0.002), pg_stat_activity WHERE application_name = $1",
			f.workers[victim].Name).Scan(&sessions))
	}
	f.ledger.mu.Lock()
	f.ledger.at[victim] = 0
	f.ledger.mu.Unlock()
	f.workers[victim] = f.start("worker", victim, stage)
	f.await(stage, victim)
}

// after is whether the workers have done n more.
func (f *fleet) after(n int) func() bool {
	f.ledger.mu.Lock()
	defer f.ledger.mu.Unlock()
	until := f.ledger.total() + n
	return func() bool { return f.ledger.total() >= until }
}

// fill runs the back-fill, kills it now and then, and verifies what it has done. All
// workers are at the stage.
func (f *fleet) fill(stage dbcompat.Stage, kills int) {
	f.Helper()
	for range kills {
		p := f.start("back-fill", -1, stage)
		f.ledger.mu.Lock()
		until := f.ledger.batches + 1 + f.rand.IntN(6)
		f.ledger.mu.Unlock()
		f.ledger.await(f, "there are batches", func() bool { return f.ledger.batches >= until })
		f.ledger.await(f, "something is done", f.after(f.rand.IntN(10)))
		select {
		case <-p.ended: // the parent was slow, and the next one begins at the beginning
		default:
			p.kill()
			f.kills++
		}
	}
	<-f.start("back-fill", -1, stage).ended
	f.ledger.clean(f)
	b := backfill.New(f.pool, kinds[f.kind].columns, dbcompat.Fixed(stage), backfill.Config{})
	found, err := b.Verify(f.Context())
	require.NoError(f, err)
	require.Zero(f, found.Mismatches, found.Examples)
	require.GreaterOrEqual(f, found.Rows, int64(rows))
}

// audit lets the workers end, and compares all rows with the ledger.
func (f *fleet) audit(stage dbcompat.Stage) {
	f.Helper()
	end(f.workers[:]...)
	k := kinds[f.kind]
	all, err := f.pool.Query(context.WithoutCancel(f.Context()), fmt.Sprintf("SELECT id, seq, %s FROM %s", k.columns.Select(stage, ""), k.columns.Relation()))
	require.NoError(f, err)
	defer all.Close()
	there := map[int64]int64{}
	for all.Next() {
		var id, seq int64
		value := k.into()
		require.NoError(f, all.Scan(append([]any{&id, &seq}, k.columns.Into(stage, []any{value}, nil)...)...))
		there[id] = k.number(id, value)
	}
	require.NoError(f, all.Err())
	f.ledger.audit(there)
	f.Logf("%d rows, %d transactions, %d batches, %d processes killed", len(there), f.ledger.total(), f.ledger.batches, f.kills)
}

func TestNobodyNotices(t *testing.T) {
	for kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			began := time.Now()
			f := newFleet(t, kind, dbcompat.Old)
			walk := []dbcompat.Stage{
				dbcompat.DualWrite, dbcompat.ReadNew, dbcompat.New, // there,
				dbcompat.ReadNew, dbcompat.DualWrite, dbcompat.Old, // back,
				dbcompat.DualWrite, dbcompat.ReadNew, dbcompat.New, // and there again
			}
			fillAfter := map[int]bool{0: true, 3: true, 6: true} // and before a column is believed that was not written
			victim := f.rand.IntN(len(walk))
			f.mix(6)
			for i, to := range walk {
				victimAt := -1
				if i == victim {
					victimAt = f.rand.IntN(workers)
				}
				f.roll(to, victimAt)
				if fillAfter[i] {
					f.fill(to, 2)
				}
			}
			f.audit(dbcompat.New)
			f.ledger.clean(t)
			require.GreaterOrEqual(t, f.kills, 3, "of a worker and six back-fills")
			t.Logf("%.1f s", time.Since(began).Seconds())
		})
	}
}

// That the ledger can find something: half of the workers leave a stage out.
func TestStagesThatAreNoNeighboursLoseSomething(t *testing.T) {
	tests := map[string]struct{ from, to dbcompat.Stage }{
		"old beside read-new":   {dbcompat.Old, dbcompat.ReadNew},
		"old beside new":        {dbcompat.Old, dbcompat.New},
		"dual-write beside new": {dbcompat.DualWrite, dbcompat.New},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			require.False(t, test.from.Neighbours(test.to))
			f := newFleet(t, "a text is renamed", test.from)
			<-f.start("back-fill", -1, test.from).ended
			f.mix(6)
			f.ledger.clean(t)
			for w := range workers / 2 {
				f.workers[w].tell(test.to)
			}
			f.ledger.await(t, "something is stale, and something lost", func() bool {
				return f.ledger.counts[stale] > 0 && f.ledger.counts[lost] > 0
			})
			f.audit(test.to)
			require.Zero(t, f.ledger.counts[mistaken], f.ledger.faults)
			t.Logf("%v, as %s", f.ledger.counts, f.ledger.faults[0])
		})
	}
}
