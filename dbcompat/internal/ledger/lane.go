package ledger

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handover-go/handover/dbcompat"
)

// shared is how many rows are everybody's: the first ones. Of the others each lane has its
// own.
const shared = 8

// A Lane does one transaction after the other, in a process that is a worker.
type Lane struct {
	Kind

	// InTx runs a transaction, at a stage. It is committed unless fn fails; if there is an
	// error, it may not have been.
	InTx func(ctx context.Context, fn func(pgx.Tx, dbcompat.Stage) error) error

	// Index is which of Lanes this one is, in the whole fleet; Rows is how many rows there
	// were at the beginning.
	Index, Lanes, Rows int64
	Rand               *rand.Rand

	Every time.Duration // it begins a transaction

	own    []int64
	known  map[int64]int64 // rows, and the numbers that they have at least
	next   int64           // a row that there is not yet
	doubts []string        // faults, unless the transaction fails
}

// Find looks up the lane's own rows, which another process may have left behind.
func (l *Lane) Find(ctx context.Context) error {
	err := l.InTx(ctx, func(tx pgx.Tx, stage dbcompat.Stage) error {
		l.own, l.known, l.doubts = nil, map[int64]int64{}, nil
		for l.next = l.Rows + 1; l.next%l.Lanes != l.Index; l.next++ {
		}
		found, err := tx.Query(ctx, fmt.Sprintf("SELECT id, %s, seq FROM %s WHERE id > %d AND id %% %d = $1 ORDER BY id",
			l.Columns.Select(stage, ""), l.Columns.Relation(), shared, l.Lanes), l.Index)
		if err != nil {
			return err
		}
		defer found.Close()
		for found.Next() {
			var id, seq int64
			value := l.into()
			if err := found.Scan(append([]any{&id}, append(l.Columns.Into(stage, []any{value}, nil), &seq)...)...); err != nil {
				return err
			}
			l.own = append(l.own, id)
			l.known[id] = l.check(stage, id, value, seq)
			l.next = max(l.next, id+l.Lanes)
		}
		return found.Err()
	})
	if err != nil {
		return err
	}
	l.tell()
	for _, id := range l.own {
		fmt.Println("found", id, l.known[id])
	}
	return nil
}

// Run goes on until ctx ends; what has begun comes to its end. A failure is told to
// failed.
func (l *Lane) Run(ctx context.Context, failed func(error)) {
	tick := time.NewTicker(l.Every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if err := l.step(context.WithoutCancel(ctx)); err != nil {
			failed(err)
		}
	}
}

// step is one of the things that programs do.
func (l *Lane) step(ctx context.Context) error {
	id := 1 + l.Rand.Int64N(shared)
	if l.Rand.IntN(2) == 0 {
		own := l.own[l.Rand.IntN(len(l.own))]
		n := l.Rand.IntN(6)
		switch {
		case n == 0 && l.known[own] > 0:
			return l.write(ctx, own, l.set)
		case n == 2:
			l.own = append(l.own, l.next)
			l.next += l.Lanes
			return l.write(ctx, l.own[len(l.own)-1], l.insert)
		case n == 1 || l.known[own] == 0: // or its first INSERT has failed, as far as we know
			return l.write(ctx, own, l.insert)
		}
		id = own
	}
	switch l.Rand.IntN(5) {
	case 0:
		return l.write(ctx, id, l.lock)
	case 1:
		return l.write(ctx, id, l.swap)
	case 2:
		return l.write(ctx, id, l.add)
	}
	return l.look(ctx, id)
}

func (l *Lane) look(ctx context.Context, id int64) error {
	var number int64
	err := l.InTx(ctx, func(tx pgx.Tx, stage dbcompat.Stage) (err error) {
		l.doubts = nil
		number, err = l.read(ctx, tx, stage, id, "")
		return err
	})
	if err != nil {
		return err
	}
	l.tell()
	fmt.Println("read", id, number)
	l.known[id] = max(l.known[id], number)
	return nil
}

// write tells what it is about to commit, and what was. change returns the number that it
// has written, 0 if it has written none.
func (l *Lane) write(ctx context.Context, id int64, change func(context.Context, pgx.Tx, dbcompat.Stage, int64) (int64, error)) error {
	var number int64
	err := l.InTx(ctx, func(tx pgx.Tx, stage dbcompat.Stage) (err error) {
		l.doubts = nil
		number, err = change(ctx, tx, stage, id)
		if err == nil && number > 0 {
			fmt.Println("sent", id, number)
		}
		return err
	})
	if err != nil {
		return err
	}
	l.tell()
	if number > 0 {
		fmt.Println("done", id, number)
		l.known[id] = number
	}
	return nil
}

// tell is after a transaction that was committed.
func (l *Lane) tell() {
	for _, doubt := range l.doubts {
		fmt.Println(doubt)
	}
}
