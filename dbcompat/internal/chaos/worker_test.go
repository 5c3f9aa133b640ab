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
	"github.com/handover-go/handover/dbcompat/internal/ledger"
	"github.com/handover-go/handover/dbcompat/pgxdbcompat"
)

const (
	workers = 4
	lanes   = 2 // transactions that a worker has at the same time
	rows    = 600
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
	return backfill.New(pool, ledger.Kinds()[s.Kind].Columns, source, config).Run(context.Background())
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
	pool  *pgxpool.Pool
	stage atomic.Uint32
	moved chan dbcompat.Stage // a lane has begun its first transaction of a stage
}

// lane asks for the stage at the beginning of a transaction, when the one before it has
// ended.
type lane struct {
	*worker
	at dbcompat.Stage
}

func (l *lane) source(context.Context) (dbcompat.Stage, error) {
	if stage := dbcompat.Stage(l.stage.Load()); stage != l.at {
		l.at = stage
		l.moved <- stage
	}
	return l.at, nil
}

func (l *lane) inTx(ctx context.Context, fn func(pgx.Tx, dbcompat.Stage) error) error {
	return pgxdbcompat.InTx(ctx, l.pool.Begin, l.source, fn)
}

// work goes on until there is nobody to listen to.
func work(s spec) error {
	pool, err := connect(s, lanes)
	if err != nil {
		return err
	}
	defer pool.Close()
	w := &worker{pool: pool, moved: make(chan dbcompat.Stage)}
	w.stage.Store(uint32(s.Stage))
	var running sync.WaitGroup
	ctx, stop := context.WithCancel(context.Background())
	defer running.Wait()
	defer stop()
	for i := range lanes {
		l := &ledger.Lane{
			Kind: ledger.Kinds()[s.Kind], InTx: (&lane{worker: w, at: s.Stage}).inTx,
			Index: int64(s.Worker*lanes + i), Lanes: workers * lanes, Rows: rows,
			Rand: rand.New(rand.NewPCG(s.Seed, uint64(i))), Every: 15 * time.Millisecond,
		}
		if err := l.Find(ctx); err != nil {
			return err
		}
		running.Go(func() {
			l.Run(ctx, func(err error) { fmt.Println("fault "+ledger.Mistaken+":", err) })
		})
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
