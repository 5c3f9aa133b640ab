//go:build unix

package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/backfill"
	"github.com/handover-go/handover/dbcompat/change/walk"
	"github.com/handover-go/handover/dbcompat/internal/ledger"
	"github.com/handover-go/handover/internal/pgtest"
)

// A fleet is the parent's view of all of it.
type fleet struct {
	*testing.T
	server  *pgtest.Server
	url     string
	pool    *pgxpool.Pool // the parent's own
	walk    *walk.Walk
	ledger  *ledger.Ledger
	rand    *rand.Rand
	workers [workers]*process
	started int
	at      dbcompat.Stage
	deck    []string

	// With the ledger's lock.
	holding map[int]bool   // by worker
	held    map[int]string // what has become of it
	lives   []life         // that were told
	counts  map[string]int // for people
}

// process is a worker.
type process struct {
	*ledger.Process
	name string
}

// newFleet has a change at Old, and all workers.
func newFleet(t *testing.T, options walk.Options) *fleet {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv("FLEET_SEED"); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("FLEET_SEED=%d", seed)
	server := pgtest.New(pgtest.Config{Settings: map[string]string{"track_commit_timestamp": "on"}}).For(t)
	f := &fleet{
		T: t, server: server, url: server.Database(t), ledger: ledger.New(), rand: rand.New(rand.NewPCG(seed, 0)), at: dbcompat.Old,
		holding: map[int]bool{}, held: map[int]string{}, counts: map[string]int{},
	}
	var err error
	f.pool, err = pgxpool.New(t.Context(), f.url)
	require.NoError(t, err)
	t.Cleanup(f.pool.Close)
	f.execute(kind.Make(rows) + ";" + diary)
	for id := 1; id <= rows; id++ {
		f.ledger.Note(0, fmt.Sprintf("done %d 1", id))
	}
	f.walk = walk.New(f.pool, amounts, walk.Config{
		LockTimeout: 100 * time.Millisecond, Poll: 20 * time.Millisecond, Terminate: true, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, f.walk.Migrate(t.Context()))
	require.NoError(t, f.walk.Create(t.Context(), kind.Columns, options))
	for w := range f.workers {
		f.workers[w] = f.start(w)
	}
	f.mix(3)
	return f
}

func (f *fleet) start(worker int) *process {
	f.Helper()
	f.started++
	p := &process{name: fmt.Sprintf("worker %d", f.started)}
	var err error
	p.Process, err = ledger.Start(p.name, spec{p.name, f.url, worker, f.rand.Uint64()}, func(line string) { f.note(worker, p.name, line) })
	require.NoError(f, err)
	f.Cleanup(p.Kill)
	return p
}

// note takes a line of a worker; what it does not know is the ledger's.
func (f *fleet) note(worker int, name, line string) {
	verb, rest, _ := strings.Cut(line, " ")
	switch {
	case strings.Contains(line, ` msg="change: `):
		_, rest, _ = strings.Cut(line, ` msg="change: `)
		rest, _, _ = strings.Cut(rest, `"`)
		f.count(rest, 1)
	case verb == "lived":
		var at int64
		l := life{Worker: name}
		if _, err := fmt.Sscan(rest, (*uint8)(&l.Stage), &l.Epoch, &at); err != nil {
			f.ledger.Look(func() { f.ledger.Fault(ledger.Mistaken, "%s: %s: %v", name, line, err) })
		}
		l.At = time.UnixMicro(at)
		f.ledger.Look(func() { f.lives = append(f.lives, l) })
	case verb == "refused":
		f.count("refused: "+rest, 1)
	case verb == "holding":
		f.ledger.Look(func() { f.holding[worker] = true })
	case verb == "held":
		f.ledger.Look(func() { f.held[worker] = rest })
	default:
		f.ledger.Note(worker, line)
	}
}

func (f *fleet) count(what string, n int) { f.ledger.Look(func() { f.counts[what] += n }) }

func (f *fleet) execute(sql string) {
	f.Helper()
	_, err := f.pool.Exec(f.Context(), sql, pgx.QueryExecModeSimpleProtocol)
	require.NoError(f, err)
}

func (f *fleet) until(what string, happened func() bool) {
	f.Helper()
	require.NoError(f, f.ledger.Await(f.Context(), what, happened))
}

// mix waits until each worker has done some more: it has joined, and is of use.
func (f *fleet) mix(n int) {
	f.Helper()
	require.NoError(f, f.ledger.Mix(f.Context(), workers, n))
}

// move goes to a neighbour, as soon as it may. It may be there already.
func (f *fleet) move(to dbcompat.Stage) {
	f.Helper()
	f.persist("move to "+to.String(), f.moving(to))
	f.at = to
	f.count("moves", 1)
}

func (f *fleet) moving(to dbcompat.Stage) func(context.Context) error {
	move := f.walk.Advance
	if to < f.at {
		move = f.walk.Rollback
	}
	return func(ctx context.Context) error { return move(ctx, to) }
}

// hurry tries to go on at once. It may succeed, if everybody was quick.
func (f *fleet) hurry(to dbcompat.Stage) {
	f.Helper()
	err := f.moving(to)(f.Context())
	if _, refused := errors.AsType[*walk.NotReadyError](err); refused {
		f.count("moves refused", 1)
	} else if !trouble(err) {
		require.NoError(f, err)
	}
}

// there reports whether a hurry was successful.
func (f *fleet) there(stage dbcompat.Stage) bool {
	f.Helper()
	var s walk.State
	f.persist("look", func(ctx context.Context) (err error) {
		s, err = f.walk.State(ctx)
		return err
	})
	return s.Stage == stage
}

func (f *fleet) settle() {
	f.Helper()
	f.persist("settle at "+f.at.String(), f.walk.Wait)
}

// persist tries until it is done.
func (f *fleet) persist(what string, do func(context.Context) error) {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.Context(), patience)
	defer cancel()
	for {
		err := do(ctx)
		_, notReady := errors.AsType[*walk.NotReadyError](err)
		switch {
		case err == nil:
			return
		case notReady:
			f.count("moves refused", 1)
		case !trouble(err):
			require.NoError(f, err, what)
		}
		require.NoError(f, ctx.Err(), "%s: %v", what, err)
		pause()
	}
}

// fill fills and verifies, and tries again if the server was away.
func (f *fleet) fill() {
	f.Helper()
	f.persist("fill", func(ctx context.Context) error {
		b, err := f.walk.Backfill(ctx, backfill.Config{Start: 40, Most: 40, Blocked: -1, LockTimeout: 150 * time.Millisecond, Lease: 200 * time.Millisecond})
		if err == nil {
			err = b.Run(ctx)
		}
		if err != nil {
			return err
		}
		found, err := b.Verify(ctx)
		if err == nil && found.Mismatches > 0 {
			err = fmt.Errorf("%d rows differ: %v", found.Mismatches, found.Examples)
		}
		return err
	})
}

// judge takes what has lived since the last time to the judge.
func (f *fleet) judge() []string {
	f.Helper()
	f.pool.Reset() // connections may be to a server that has ended since
	rows, err := f.pool.Query(f.Context(), `SELECT epoch, to_stage, pg_xact_commit_timestamp(xmin) FROM handover.change_events
		WHERE what IN ('created', 'advanced', 'rolled back') ORDER BY epoch`)
	require.NoError(f, err)
	moves, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (m move, err error) {
		return m, row.Scan(&m.Epoch, (*uint8)(&m.Stage), &m.At)
	})
	require.NoError(f, err)
	rows, err = f.pool.Query(f.Context(), "DELETE FROM diary RETURNING worker, stage, epoch, pg_xact_commit_timestamp(xmin)")
	require.NoError(f, err)
	lives, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (l life, err error) {
		return l, row.Scan(&l.Worker, (*uint8)(&l.Stage), &l.Epoch, &l.At)
	})
	require.NoError(f, err)
	f.ledger.Look(func() { lives, f.lives = append(lives, f.lives...), nil })
	f.count("judged", len(lives))
	return judge(moves, lives)
}

// audit has the workers leave, and compares all rows with the ledger.
func (f *fleet) audit() {
	f.Helper()
	var all []*ledger.Process
	for _, p := range f.workers {
		all = append(all, p.Process)
	}
	ledger.End(all...)
	there, err := kind.All(f.Context(), f.pool, f.at)
	require.NoError(f, err)
	f.ledger.Audit(there)
	f.Logf("%d transactions, %d rows, %d processes", f.ledger.Total(), len(there), f.started)
	for _, what := range slices.Sorted(maps.Keys(f.counts)) {
		f.Logf("%6d %s", f.counts[what], what)
	}
}
