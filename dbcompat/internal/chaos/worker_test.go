package chaos_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/backfill"
	"github.com/handover-go/handover/dbcompat/pgxdbcompat"
)

const (
	workers = 4
	lanes   = 2 // transactions that a worker has at the same time
	shared  = 8 // the first rows are everybody's; of the others each lane has its own
	rows    = 600
	every   = 15 * time.Millisecond // a lane begins a transaction
)

// fill is the process of the back-fill. It tells of each batch before it begins.
func fill(s spec) error {
	pool, err := connect(s, 3)
	if err != nil {
		return err
	}
	defer pool.Close()
	source := func(context.Context) (dbcompat.Stage, error) {
		fmt.Println("batch")
		return s.Stage, nil
	}
	config := backfill.Config{
		Start: 20, Most: 25, // many batches, so that it can be killed between and in them
		Blocked:     -1, // it goes on beside those who wait
		LockTimeout: 150 * time.Millisecond, Lease: 200 * time.Millisecond,
	}
	return backfill.New(pool, kinds[s.Kind].columns, source, config).Run(context.Background())
}

func connect(s spec, n int32) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(s.URL)
	if err != nil {
		return nil, err
	}
	config.MaxConns = n
	config.ConnConfig.RuntimeParams["application_name"] = s.Name
	return pgxpool.NewWithConfig(context.Background(), config)
}

// worker is a process that reads and writes.
type worker struct {
	kind
	pool  *pgxpool.Pool
	stage atomic.Uint32
	moved chan dbcompat.Stage // a lane has begun its first transaction of a stage
}

// lane does one transaction after the other.
type lane struct {
	*worker
	rand  *rand.Rand
	at    dbcompat.Stage
	own   []int64
	known map[int64]int64 // rows, and the numbers that they have at least
	next  int64           // a row that there is not yet
}

// work goes on until there is nobody to listen to.
func work(s spec) error {
	pool, err := connect(s, lanes)
	if err != nil {
		return err
	}
	defer pool.Close()
	w := &worker{kind: kinds[s.Kind], pool: pool, moved: make(chan dbcompat.Stage)}
	w.stage.Store(uint32(s.Stage))
	var running sync.WaitGroup
	ctx, stop := context.WithCancel(context.Background())
	defer running.Wait()
	defer stop()
	for i := range lanes {
		l := &lane{worker: w, at: s.Stage, rand: rand.New(rand.NewPCG(s.Seed, uint64(i))), known: map[int64]int64{}}
		if err := l.find(ctx, int64(s.Worker*lanes+i)); err != nil {
			return err
		}
		running.Go(func() { l.run(ctx) })
	}
	fmt.Println("at", s.Stage)
	for orders := bufio.NewScanner(os.Stdin); orders.Scan(); {
		stage, err := dbcompat.ParseStage(orders.Text())
		if err != nil {
			return err
		}
		if w.stage.Swap(uint32(stage)) != uint32(stage) {
			for range lanes {
				<-w.moved
			}
		}
		fmt.Println("at", stage)
	}
	return nil
}

// source is asked at the beginning of a transaction, when the one before it has ended.
func (l *lane) source(context.Context) (dbcompat.Stage, error) {
	if stage := dbcompat.Stage(l.stage.Load()); stage != l.at {
		l.at = stage
		l.moved <- stage
	}
	return l.at, nil
}

// find looks up the lane's own rows, which another process may have left behind.
func (l *lane) find(ctx context.Context, index int64) error {
	for l.next = rows + 1; l.next%(workers*lanes) != index; l.next++ {
	}
	return pgxdbcompat.InTx(ctx, l.pool.Begin, l.source, func(tx pgx.Tx, stage dbcompat.Stage) error {
		found, err := tx.Query(ctx, fmt.Sprintf("SELECT id, %s, seq FROM %s WHERE id > %d AND id %% %d = $1 ORDER BY id",
			l.columns.Select(stage, ""), l.columns.Relation(), shared, workers*lanes), index)
		if err != nil {
			return err
		}
		defer found.Close()
		for found.Next() {
			var id, seq int64
			value := l.into()
			if err := found.Scan(append([]any{&id}, append(l.columns.Into(stage, []any{value}, nil), &seq)...)...); err != nil {
				return err
			}
			l.own = append(l.own, id)
			l.known[id] = l.check(stage, id, value, seq)
			fmt.Println("found", id, l.known[id])
			l.next = max(l.next, id+workers*lanes)
		}
		return found.Err()
	})
}

func (l *lane) run(ctx context.Context) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if err := l.step(context.WithoutCancel(ctx)); err != nil { // what has begun comes to its end
			fmt.Println("fault "+mistaken+":", err)
		}
	}
}

// step is one of the things that programs do.
func (l *lane) step(ctx context.Context) error {
	id := 1 + l.rand.Int64N(shared)
	if l.rand.IntN(2) == 0 {
		own := l.own[l.rand.IntN(len(l.own))]
		switch l.rand.IntN(6) {
		case 0:
			return l.write(ctx, own, l.set)
		case 1:
			return l.write(ctx, own, l.insert)
		case 2:
			l.own = append(l.own, l.next)
			l.next += workers * lanes
			return l.write(ctx, l.own[len(l.own)-1], l.insert)
		}
		id = own
	}
	switch l.rand.IntN(5) {
	case 0:
		return l.write(ctx, id, l.lock)
	case 1:
		return l.write(ctx, id, l.swap)
	case 2:
		return l.write(ctx, id, l.add)
	}
	return l.look(ctx, id)
}

func (l *lane) look(ctx context.Context, id int64) error {
	if l.known[id] == 0 && id > shared {
		return nil // its INSERT has failed
	}
	var number int64
	err := pgxdbcompat.InTx(ctx, l.pool.Begin, l.source, func(tx pgx.Tx, stage dbcompat.Stage) (err error) {
		number, err = l.read(ctx, tx, stage, id, "")
		return err
	})
	if err != nil {
		return err
	}
	fmt.Println("read", id, number)
	l.known[id] = max(l.known[id], number)
	return nil
}

// write tells what it is about to commit, and what was. change returns the number that it
// has written, 0 if it has written none.
func (l *lane) write(ctx context.Context, id int64, change func(context.Context, pgx.Tx, dbcompat.Stage, int64) (int64, error)) error {
	var number int64
	err := pgxdbcompat.InTx(ctx, l.pool.Begin, l.source, func(tx pgx.Tx, stage dbcompat.Stage) (err error) {
		number, err = change(ctx, tx, stage, id)
		if err == nil && number > 0 {
			fmt.Println("sent", id, number)
		}
		return err
	})
	if err != nil || number == 0 {
		return err
	}
	fmt.Println("done", id, number)
	l.known[id] = number
	return nil
}

// set is an UPDATE without a look, as only the owner of a row can do it.
func (l *lane) set(ctx context.Context, tx pgx.Tx, stage dbcompat.Stage, id int64) (int64, error) {
	return l.put(ctx, tx, stage, id, l.known[id]+1)
}

func (l *lane) put(ctx context.Context, tx pgx.Tx, stage dbcompat.Stage, id, number int64) (int64, error) {
	tag, err := tx.Exec(ctx, "UPDATE "+l.columns.Relation()+" SET seq = $2, "+l.columns.Set(stage, 3)+" WHERE id = $1",
		id, number, l.value(id, number))
	if err == nil && tag.RowsAffected() != 1 {
		err = fmt.Errorf("row %d is away", id)
	}
	return number, err
}

// insert is INSERT … ON CONFLICT DO UPDATE.
func (l *lane) insert(ctx context.Context, tx pgx.Tx, stage dbcompat.Stage, id int64) (int64, error) {
	number := l.known[id] + 1
	columns, values := l.columns.Insert(stage, 3)
	_, err := tx.Exec(ctx, fmt.Sprintf("INSERT INTO %s (id, seq, %s) VALUES ($1, $2, %s) ON CONFLICT (id) DO UPDATE SET seq = EXCLUDED.seq, %s",
		l.columns.Relation(), columns, values, l.columns.SetExcluded(stage)), id, number, l.value(id, number))
	return number, err
}

// lock is SELECT FOR UPDATE, and an UPDATE.
func (l *lane) lock(ctx context.Context, tx pgx.Tx, stage dbcompat.Stage, id int64) (int64, error) {
	number, err := l.read(ctx, tx, stage, id, " FOR UPDATE")
	if err != nil || number < 0 {
		return 0, err
	}
	return l.put(ctx, tx, stage, id, number+1)
}

// swap is compare-and-set: an UPDATE that finds the row only as it was read.
func (l *lane) swap(ctx context.Context, tx pgx.Tx, stage dbcompat.Stage, id int64) (int64, error) {
	number, err := l.read(ctx, tx, stage, id, "")
	if err != nil || number < 0 {
		return 0, err
	}
	tag, err := tx.Exec(ctx, "UPDATE "+l.columns.Relation()+" SET seq = $2, "+l.columns.Set(stage, 3)+
		" WHERE id = $1 AND "+l.columns.Believed(stage, "")[0]+" = $4",
		id, number+1, l.value(id, number+1), l.value(id, number))
	if err != nil || tag.RowsAffected() == 0 {
		return 0, err // somebody else was faster
	}
	return number + 1, nil
}

// add is an UPDATE from what the row has.
func (l *lane) add(ctx context.Context, tx pgx.Tx, stage dbcompat.Stage, id int64) (int64, error) {
	var seq int64
	value := l.into()
	err := tx.QueryRow(ctx, fmt.Sprintf("UPDATE %s SET seq = seq + 1, %s WHERE id = $1 RETURNING %s, seq",
		l.columns.Relation(), l.columns.SetTo(stage, "", l.kind.next), l.columns.Select(stage, "")), id).
		Scan(append(l.columns.Into(stage, []any{value}, nil), &seq)...)
	if err != nil {
		return 0, err
	}
	return max(0, l.check(stage, id, value, seq)), nil
}

func (l *lane) read(ctx context.Context, tx pgx.Tx, stage dbcompat.Stage, id int64, lock string) (int64, error) {
	var seq int64
	value := l.into()
	err := tx.QueryRow(ctx, "SELECT "+l.columns.Select(stage, "")+", seq FROM "+l.columns.Relation()+" WHERE id = $1"+lock, id).
		Scan(append(l.columns.Into(stage, []any{value}, nil), &seq)...)
	if err != nil {
		return 0, fmt.Errorf("read row %d at %v: %w", id, stage, err)
	}
	return l.check(stage, id, value, seq), nil
}

// check returns the number of a value that was read.
func (l *lane) check(stage dbcompat.Stage, id int64, value any, seq int64) int64 {
	number := l.number(id, value)
	switch {
	case number != seq:
		fmt.Printf("fault %s: row %d: number %d at %v, where %d was written\n", stale, id, number, stage, seq)
	case number < l.known[id]:
		fmt.Printf("fault %s: row %d: number %d at %v, after %d\n", stale, id, number, stage, l.known[id])
	}
	return number
}
