package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/change"
	"github.com/handover-go/handover/dbcompat/pgxdbcompat"
)

// displayName is the change.
func displayName() dbcompat.Column[string] {
	return dbcompat.Column[string]{Table: "users", Key: "id", Old: "name", New: "display_name", Up: "name", Down: "display_name"}
}

const instances, workers = 3, 4

// A fleet is the instances of a program, here in one process, with a pool for all.
type fleet struct {
	pool   *pgxpool.Pool
	column dbcompat.Column[string]
	ledger *ledger
	counts counts
	walk   atomic.Bool // latencies are those of the walk, not of the time before it
	all    [instances]instance
}

// An instance is replaced by another version in the middle of its work, as behind a
// balancer.
type instance struct{ version atomic.Pointer[version] }

// A version knows the stage of its transactions.
type version struct {
	inTx func(context.Context, func(pgx.Tx, dbcompat.Stage) error) error
	stop func() error
}

// run is the load, until ctx ends. Transactions that have begun come to their end.
func (f *fleet) run(ctx context.Context, rate int) {
	var wg sync.WaitGroup
	every := time.Second * instances * workers / time.Duration(2*rate)
	for i := range f.all {
		for w := range workers {
			wg.Go(func() {
				time.Sleep(every * time.Duration(i*workers+w) / (instances * workers)) // not all at once
				f.work(ctx, &f.all[i], w, every)
			})
		}
	}
	wg.Wait()
}

// work has half of the workers read and half of them write. A transaction is due at its
// time whether or not the one before it was late: what it waits is a part of its latency,
// as it is for who has sent it.
func (f *fleet) work(ctx context.Context, in *instance, w int, every time.Duration) {
	transaction := context.WithoutCancel(ctx)
	due := time.Now()
	for ctx.Err() == nil {
		var err error
		if w%2 == 0 {
			err = f.read(transaction, in)
		} else {
			err = f.write(transaction, in)
		}
		f.counts.done(w%2 == 0, f.walk.Load(), time.Since(due), err)
		due = due.Add(every)
		select {
		case <-time.After(time.Until(due)):
		case <-ctx.Done():
		}
	}
}

// inTx is of the version that there is. One that leaves takes nothing new.
func (in *instance) inTx(ctx context.Context, fn func(pgx.Tx, dbcompat.Stage) error) error {
	for {
		err := in.version.Load().inTx(ctx, fn)
		if !errors.Is(err, change.ErrLeft) {
			return err
		}
	}
}

func (f *fleet) read(ctx context.Context, in *instance) error {
	row := f.ledger.pick()
	floor := f.ledger.rows[row].acked.Load()
	if floor == 0 {
		return nil // it is being inserted
	}
	var value string
	err := in.inTx(ctx, func(tx pgx.Tx, stage dbcompat.Stage) error {
		return tx.QueryRow(ctx, "SELECT "+f.column.Select(stage, "")+" FROM users WHERE id = $1", row+1).
			Scan(f.column.Into(stage, &value, &f.counts.compared)...)
	})
	if err == nil && f.ledger.stale(row, value, floor) {
		f.counts.stale.Add(1)
	}
	return err
}

func (f *fleet) write(ctx context.Context, in *instance) error {
	row, number, isNew := f.ledger.next(f.counts.writes.Load()%10 == 0)
	err := in.inTx(ctx, func(tx pgx.Tx, stage dbcompat.Stage) error {
		var sql string
		switch {
		case isNew || number%5 == 0:
			columns, values := f.column.Insert(stage, 2)
			sql = "INSERT INTO users (id, " + columns + ") VALUES ($1, " + values + ") ON CONFLICT (id) DO UPDATE SET " + f.column.SetExcluded(stage)
		default:
			sql = "UPDATE users SET " + f.column.Set(stage, 2) + " WHERE id = $1"
		}
		tag, err := tx.Exec(ctx, sql, row+1, name(row, number))
		if err == nil && tag.RowsAffected() != 1 {
			err = fmt.Errorf("row %d is away", row+1)
		}
		return err
	})
	f.ledger.done(row, number, err)
	return err
}

// deploy replaces the instances one by one: the next version is there before the last
// one goes.
func (f *fleet) deploy(ctx context.Context, hold time.Duration, start func(int) (*version, error)) error {
	for i := range f.all {
		next, err := start(i)
		if err != nil {
			return err
		}
		last := f.all[i].version.Swap(next)
		if last != nil {
			if err := last.stop(); err != nil {
				return err
			}
		}
		if err := pause(ctx, hold/instances); err != nil {
			return err
		}
	}
	return nil
}

func (f *fleet) stop() error {
	var errs []error
	for i := range f.all {
		if v := f.all[i].version.Load(); v != nil {
			errs = append(errs, v.stop())
		}
	}
	return errors.Join(errs...)
}

// joined is a version that asks the database for its stage. Instances do not look at the
// same time, so that two stages live side by side for a while.
func (f *fleet) joined(ctx context.Context, i int, least dbcompat.Stage, hold time.Duration) (*version, error) {
	c := change.New(f.pool, changed, f.column.Columns(), change.Config{
		Name: fmt.Sprintf("instance %d", i+1), Version: "example", Min: least,
		Poll:   max(hold, 10*time.Millisecond) * time.Duration(i+1) / instances,
		Logger: slog.New(slog.DiscardHandler),
	})
	if err := c.Join(ctx); err != nil {
		return nil, err
	}
	if err := c.Check(ctx); err != nil {
		return nil, errors.Join(err, c.Leave(ctx))
	}
	ctx = context.WithoutCancel(ctx)
	running, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- c.Run(running) }()
	return &version{inTx: c.InTx, stop: sync.OnceValue(func() error {
		err := c.Leave(ctx)
		cancel()
		return errors.Join(err, <-ended)
	})}, nil
}

// told is a version that is told its stage, and asks nobody.
func (f *fleet) told(stage dbcompat.Stage) *version {
	source := dbcompat.Fixed(stage)
	return &version{
		inTx: func(ctx context.Context, fn func(pgx.Tx, dbcompat.Stage) error) error {
			return pgxdbcompat.InTx(ctx, f.pool.Begin, source, fn)
		},
		stop: func() error { return nil },
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
