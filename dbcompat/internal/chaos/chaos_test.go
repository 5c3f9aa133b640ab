package chaos_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/backfill"
	"github.com/handover-go/handover/dbcompat/internal/ledger"
)

// fleet is the parent's view of all of it.
type fleet struct {
	*testing.T
	kind    string
	pool    *pgxpool.Pool // the parent's own
	url     string
	ledger  *ledger.Ledger
	rand    *rand.Rand
	workers [workers]*process
	started int // processes
	kills   int
}

// process is a worker, or the back-fill.
type process struct {
	*ledger.Process
	name string
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
	f := &fleet{T: t, kind: kind, url: pg.Database(t), ledger: ledger.New(), rand: rand.New(rand.NewPCG(seed, 0))}
	var err error
	f.pool, err = pgxpool.New(t.Context(), f.url)
	require.NoError(t, err)
	t.Cleanup(f.pool.Close)
	k := ledger.Kinds()[kind]
	require.NoError(t, k.Columns.Check())
	_, err = f.pool.Exec(t.Context(), k.Make(rows), pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	for id := 1; id <= rows; id++ {
		f.ledger.Note(0, fmt.Sprintf("done %d 1", id))
	}
	for w := range f.workers {
		f.workers[w] = f.start("worker", w, stage)
	}
	f.await(stage)
	return f
}

func (f *fleet) start(name string, worker int, stage dbcompat.Stage) *process {
	f.Helper()
	f.started++
	p := &process{name: fmt.Sprintf("%s %d", name, f.started)}
	order := spec{Name: p.name, URL: f.url, Kind: f.kind, Worker: worker, Stage: stage, Seed: f.rand.Uint64()}
	var err error
	p.Process, err = ledger.Start(p.name, order, func(line string) { f.ledger.Note(worker, line) })
	require.NoError(f, err)
	f.Cleanup(p.Kill)
	return p
}

// await waits until workers have acknowledged a stage: all, if none are named.
func (f *fleet) await(stage dbcompat.Stage, named ...int) {
	f.Helper()
	if len(named) == 0 {
		named = []int{0, 1, 2, 3}
	}
	f.until(fmt.Sprintf("workers %v are at %v", named, stage), func() bool {
		for _, w := range named {
			if f.ledger.At[w] != stage {
				return false
			}
		}
		return true
	})
}

func (f *fleet) until(what string, happened func() bool) {
	f.Helper()
	require.NoError(f, f.ledger.Await(f.Context(), what, happened))
}

// roll moves one worker after the other. While the one that is named last moves, one of
// them, whichever, is killed and replaced; none if it is -1.
func (f *fleet) roll(to dbcompat.Stage, victimAt int) {
	f.Helper()
	for i, w := range f.rand.Perm(workers) {
		f.workers[w].Tell(to)
		if i == victimAt {
			f.replace(f.rand.IntN(workers), to)
		}
		f.await(to, w)
		require.NoError(f, f.ledger.Mix(f.Context(), workers, 6))
	}
	require.NoError(f, f.ledger.Clean())
}

// replace kills a worker, and starts another one in its place. What the dead one has sent
// may still be committed, so its sessions have to end first: as to the stages, it lives
// as long as they do.
func (f *fleet) replace(victim int, stage dbcompat.Stage) {
	f.Helper()
	f.until("something is done", f.ledger.After(f.rand.IntN(20)))
	f.workers[victim].Kill()
	f.kills++
	for sessions := 1; sessions > 0; {
		require.NoError(f, f.pool.QueryRow(f.Context(), "SELECT count(*) FROM pg_sleep(0.002), pg_stat_activity WHERE application_name = $1",
			f.workers[victim].name).Scan(&sessions))
	}
	f.ledger.Look(func() { f.ledger.At[victim] = 0 })
	f.workers[victim] = f.start("worker", victim, stage)
	f.await(stage, victim)
}

// fill runs the back-fill, kills it now and then, and verifies what it has done. All
// workers are at the stage.
func (f *fleet) fill(stage dbcompat.Stage, kills int) {
	f.Helper()
	for range kills {
		p := f.start("back-fill", -1, stage)
		until := 1 + f.rand.IntN(6)
		f.ledger.Look(func() { until += f.ledger.Batches })
		f.until("there are batches", func() bool { return f.ledger.Batches >= until })
		f.until("something is done", f.ledger.After(f.rand.IntN(10)))
		select {
		case <-p.Ended: // the parent was slow, and the next one begins at the beginning
		default:
			p.Kill()
			f.kills++
		}
	}
	<-f.start("back-fill", -1, stage).Ended
	require.NoError(f, f.ledger.Clean())
	b := backfill.New(f.pool, ledger.Kinds()[f.kind].Columns, dbcompat.Fixed(stage), backfill.Config{})
	found, err := b.Verify(f.Context())
	require.NoError(f, err)
	require.Zero(f, found.Mismatches, found.Examples)
	require.GreaterOrEqual(f, found.Rows, int64(rows))
}

// audit lets the workers end, and compares all rows with the ledger.
func (f *fleet) audit(stage dbcompat.Stage) {
	f.Helper()
	var all []*ledger.Process
	for _, p := range f.workers {
		all = append(all, p.Process)
	}
	ledger.End(all...)
	there, err := ledger.Kinds()[f.kind].All(context.WithoutCancel(f.Context()), f.pool, stage)
	require.NoError(f, err)
	f.ledger.Audit(there)
	f.Logf("%d rows, %d transactions, %d batches, %d processes killed", len(there), f.ledger.Total(), f.ledger.Batches, f.kills)
}

func TestNobodyNotices(t *testing.T) {
	for kind := range ledger.Kinds() {
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
			require.NoError(f, f.ledger.Mix(f.Context(), workers, 6))
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
			require.NoError(t, f.ledger.Clean())
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
			<-f.start("back-fill", -1, test.from).Ended
			require.NoError(f, f.ledger.Mix(f.Context(), workers, 6))
			require.NoError(t, f.ledger.Clean())
			for w := range workers / 2 {
				f.workers[w].Tell(test.to)
			}
			f.until("something is stale, and something lost", func() bool {
				return f.ledger.Counts[ledger.Stale] > 0 && f.ledger.Counts[ledger.Lost] > 0
			})
			f.audit(test.to)
			require.Zero(t, f.ledger.Counts[ledger.Mistaken], f.ledger.Faults)
			t.Logf("%v, as %s", f.ledger.Counts, f.ledger.Faults[0])
		})
	}
}
