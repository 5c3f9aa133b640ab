package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/handover-go/handover/dbcompat"
)

// displayName is the change.
func displayName() dbcompat.Column[string] {
	return dbcompat.Column[string]{Table: "users", Key: "id", Old: "name", New: "display_name", Up: "name", Down: "display_name"}
}

const instances, workers = 4, 4

// A fleet is the instances of a program, here in one process, with a pool for all.
type fleet struct {
	pool   *pgxpool.Pool
	column dbcompat.Column[string]
	ledger *ledger
	counts counts
	walk   atomic.Bool // latencies are those of the walk, not of the time before it
	all    [instances]instance
}

// An instance believes in one stage; its workers ask for it once per statement.
type instance struct {
	stage   atomic.Uint32
	workers [workers]worker
}

// A worker tells at which stage its statement is: the stage of an instance is what its
// slowest worker is at.
type worker struct{ at atomic.Uint32 }

func newFleet(pool *pgxpool.Pool, ledger *ledger) *fleet {
	f := &fleet{pool: pool, column: displayName(), ledger: ledger}
	for i := range f.all {
		f.all[i].stage.Store(uint32(dbcompat.Old))
	}
	return f
}

// run is the load, until ctx ends. Statements that have begun come to their end.
func (f *fleet) run(ctx context.Context, rate int) {
	var wg sync.WaitGroup
	every := time.Second * instances * workers / time.Duration(2*rate)
	for i := range f.all {
		for w := range f.all[i].workers {
			wg.Go(func() {
				time.Sleep(every * time.Duration(i*workers+w) / (instances * workers)) // not all at once
				f.work(ctx, &f.all[i], w, every)
			})
		}
	}
	wg.Wait()
}

// work has half of the workers read and half of them write. A statement is due at its
// time whether or not the one before it was late: what it waits is a part of its latency,
// as it is for who has sent it.
func (f *fleet) work(ctx context.Context, in *instance, w int, every time.Duration) {
	statement := context.WithoutCancel(ctx)
	due := time.Now()
	for ctx.Err() == nil {
		stage := dbcompat.Stage(in.stage.Load())
		in.workers[w].at.Store(uint32(stage))
		if in.stage.Load() != uint32(stage) {
			continue // moved in between: who waits for the worker may have seen it before
		}
		var err error
		if w%2 == 0 {
			err = f.read(statement, stage)
		} else {
			err = f.write(statement, stage)
		}
		f.counts.done(w%2 == 0, f.walk.Load(), time.Since(due), err)
		due = due.Add(every)
		select {
		case <-time.After(time.Until(due)):
		case <-ctx.Done():
		}
	}
}

func (f *fleet) read(ctx context.Context, stage dbcompat.Stage) error {
	row := f.ledger.pick()
	floor := f.ledger.rows[row].acked.Load()
	if floor == 0 {
		return nil // it is being inserted
	}
	var value string
	err := f.pool.QueryRow(ctx, "SELECT "+f.column.Select(stage, "")+" FROM users WHERE id = $1", row+1).
		Scan(f.column.Into(stage, &value, &f.counts.compared)...)
	if err == nil && f.ledger.stale(row, value, floor) {
		f.counts.stale.Add(1)
	}
	return err
}

func (f *fleet) write(ctx context.Context, stage dbcompat.Stage) error {
	row, number, isNew := f.ledger.next(f.counts.writes.Load()%10 == 0)
	var sql string
	switch {
	case isNew || number%5 == 0:
		columns, values := f.column.Insert(stage, 2)
		sql = "INSERT INTO users (id, " + columns + ") VALUES ($1, " + values + ") ON CONFLICT (id) DO UPDATE SET " + f.column.SetExcluded(stage)
	default:
		sql = "UPDATE users SET " + f.column.Set(stage, 2) + " WHERE id = $1"
	}
	tag, err := f.pool.Exec(ctx, sql, row+1, name(row, number))
	if err == nil && tag.RowsAffected() != 1 {
		err = fmt.Errorf("row %d is away", row+1)
	}
	f.ledger.done(row, number, err)
	return err
}

// roll moves the instances to a neighbouring stage, one by one, and lets both versions
// run side by side for a while. When it returns, no statement of the stage before it is
// running any more.
func (f *fleet) roll(ctx context.Context, to dbcompat.Stage, hold time.Duration) error {
	for i := range f.all {
		f.all[i].stage.Store(uint32(to))
		if err := pause(ctx, hold/instances); err != nil {
			return err
		}
	}
	for i := range f.all {
		for w := range f.all[i].workers {
			for f.all[i].workers[w].at.Load() != uint32(to) {
				if err := pause(ctx, time.Millisecond); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
