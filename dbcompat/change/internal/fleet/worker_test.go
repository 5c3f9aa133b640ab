//go:build unix

package fleet_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/change"
	"github.com/handover-go/handover/dbcompat/internal/ledger"
)

// ttl is short: a walk waits for it whenever a process has been killed or stopped.
const ttl = time.Second

// A worker is a process with a part in the change.
type worker struct {
	spec
	part *change.Change
	pool *pgxpool.Pool
}

// work goes on until there is nobody to listen to.
func work(s spec) error {
	config, err := pgxpool.ParseConfig(s.URL)
	if err != nil {
		return err
	}
	config.MaxConns = lanes + 2 // one for what is held, and one to renew
	config.ConnConfig.RuntimeParams["application_name"] = s.Name
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return err
	}
	defer pool.Close()
	w := worker{s, change.New(pool, amounts, kind.Columns, change.Config{
		TTL: ttl, Poll: 30 * time.Millisecond, Name: s.Name, Logger: slog.New(slog.NewTextHandler(os.Stdout, nil)),
	}), pool}
	if err := w.part.Join(ctx); err != nil {
		return err
	}
	ran := make(chan error, 1)
	go func() { ran <- w.part.Run(ctx) }()
	w.listen(ctx)
	leaving, done := context.WithTimeout(ctx, 10*time.Second)
	defer done()
	if err := w.part.Leave(leaving); err != nil {
		return err
	}
	cancel()
	return <-ran
}

// listen works until the orders end.
func (w worker) listen(ctx context.Context) {
	var running sync.WaitGroup
	ctx, stop := context.WithCancel(ctx)
	defer running.Wait()
	defer stop()
	for i := range lanes {
		l := &ledger.Lane{
			Kind: kind, InTx: w.inTx, Index: int64(w.Worker*lanes + i), Lanes: workers * lanes, Rows: rows,
			Rand: rand.New(rand.NewPCG(w.Seed, uint64(i))), Every: 30 * time.Millisecond,
		}
		if i%2 == 1 {
			l.InTx = w.pinned
		}
		running.Go(func() {
			for ctx.Err() == nil {
				if err := l.Find(ctx); err == nil {
					l.Run(ctx, failed)
				} else if ctx.Err() == nil {
					failed(err)
					pause()
				}
			}
		})
	}
	goOn := make(chan struct{})
	for orders := bufio.NewScanner(os.Stdin); orders.Scan(); {
		if how, ok := strings.CutPrefix(orders.Text(), "hold "); ok {
			running.Go(func() { w.hold(context.WithoutCancel(ctx), how, goOn) })
		} else {
			goOn <- struct{}{}
		}
	}
}

// pause is for what would be tried again at once.
func pause() { <-time.After(10 * time.Millisecond) }

// inTx is a transaction, as most programs have them. Its epoch is not known.
func (w worker) inTx(ctx context.Context, fn func(pgx.Tx, dbcompat.Stage) error) error {
	var at time.Time
	var stage dbcompat.Stage
	err := w.part.InTx(ctx, func(tx pgx.Tx, s dbcompat.Stage) (err error) {
		if err = fn(tx, s); err == nil {
			stage = s
			at, err = w.write(ctx, tx, s, 0)
		}
		return err
	})
	if err == nil {
		lived(stage, 0, at)
	}
	return err
}

// pinned is the same by hand.
func (w worker) pinned(ctx context.Context, fn func(pgx.Tx, dbcompat.Stage) error) error {
	pin, err := w.part.Pin()
	if err != nil {
		return err
	}
	defer pin.Release()
	var at time.Time
	err = pgx.BeginTxFunc(ctx, w.pool, pgx.TxOptions{BeginQuery: "begin; SELECT " + pin.Fence()}, func(tx pgx.Tx) (err error) {
		if err = fn(tx, pin.Stage()); err == nil {
			at, err = w.write(ctx, tx, pin.Stage(), pin.Epoch())
		}
		return errors.Join(err, pin.Held())
	})
	if err == nil {
		lived(pin.Stage(), pin.Epoch(), at)
	}
	return err
}

// write has half of the transactions in the diary, and of the others when that was.
func (w worker) write(ctx context.Context, tx pgx.Tx, stage dbcompat.Stage, epoch int64) (at time.Time, err error) {
	if rand.IntN(2) == 0 {
		return at, w.diary(ctx, tx, stage, epoch)
	}
	return at, tx.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&at)
}

func (w worker) diary(ctx context.Context, tx pgx.Tx, stage dbcompat.Stage, epoch int64) error {
	_, err := tx.Exec(ctx, "INSERT INTO diary VALUES ($1, $2, $3)", w.Name, int(stage), epoch)
	return err
}

func lived(stage dbcompat.Stage, epoch int64, at time.Time) {
	if !at.IsZero() {
		fmt.Println("lived", uint8(stage), epoch, at.UnixMicro())
	}
}

// hold is one transaction, in the middle of which this process is stopped.
func (w worker) hold(ctx context.Context, how string, goOn <-chan struct{}) {
	held := false
	middle := func() {
		held = true
		fmt.Println("holding")
		<-goOn
	}
	var err error
	for !held { // the lease may not be held at the moment
		if err = w.holds(ctx, how, middle); !held {
			failed(err)
			pause()
		}
	}
	fmt.Println("held", outcome(err))
	failed(err)
}

func (w worker) holds(ctx context.Context, how string, middle func()) error {
	if how == "open" {
		return w.part.InTx(ctx, func(tx pgx.Tx, stage dbcompat.Stage) error {
			err := w.diary(ctx, tx, stage, 0)
			if err == nil {
				middle()
			}
			return err
		})
	}
	pin, err := w.part.Pin()
	if err != nil {
		return err
	}
	defer pin.Release()
	if how == "late" {
		middle()
	}
	return pgx.BeginTxFunc(ctx, w.pool, pgx.TxOptions{BeginQuery: "begin; SELECT " + pin.Fence()}, func(tx pgx.Tx) error {
		err := w.diary(ctx, tx, pin.Stage(), pin.Epoch())
		if err == nil && how == "bare" {
			middle()
		}
		return err
	})
}

// failed tells of what has failed, if it may.
func failed(err error) {
	switch what := outcome(err); what {
	case "done":
	case ledger.Mistaken:
		fmt.Printf("fault %s: %s\n", what, strings.ReplaceAll(err.Error(), "\n", " "))
	default:
		fmt.Println("refused", what)
	}
}

func outcome(err error) string {
	switch {
	case err == nil:
		return "done"
	case change.Fenced(err):
		return "fenced"
	case errors.Is(err, change.ErrNotJoined):
		return "not joined"
	case trouble(err):
		return "trouble"
	}
	return ledger.Mistaken
}

// trouble is a server, or a connection, that is away, or has not answered a COMMIT in time.
func trouble(err error) bool {
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		return strings.HasPrefix(pgErr.Code, "57P")
	}
	_, network := errors.AsType[*net.OpError](err)
	_, connect := errors.AsType[*pgconn.ConnectError](err)
	return network || connect || pgconn.SafeToRetry(err) || pgconn.Timeout(err) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
