package change

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/change/internal/store"
	"github.com/handover-go/handover/internal/pgmigrate"
)

var (
	// ErrFenced is of a pin, a transaction or a stage when the lease may not be relied on:
	// it could not be renewed in time, or has been counted out. What has been rolled back
	// for it can be tried again, and goes well when the lease is held again.
	ErrFenced = errors.New("fenced")

	// ErrNotJoined is of the same before the instance has joined for the first time.
	ErrNotJoined = errors.New("not joined")

	// ErrLeft is of the same after Leave.
	ErrLeft = errors.New("left")
)

// Change is this process's part in a change. Make it with [New], one for a change and
// process. Its methods may be called from any goroutine.
type Change struct {
	pool    *pgxpool.Pool
	name    string
	columns dbcompat.Columns
	config  Config
	tables  pgmigrate.Set
	wrong   error // of the arguments

	now  atomic.Pointer[era] // what a pin is of; nil: there is none
	turn chan struct{}       // its one token: who speaks to the database about the lease
	wake chan struct{}       // the last pin of an era that is over has been released: for Run
	idle chan struct{}       // the same, for Leave

	// Who has the turn.
	id     string // of the row, or of the one that an attempt may have made
	before string // of the one that was ours before

	mu      sync.Mutex
	state   state
	why     error // not joined, or not any more
	trouble error // of the last renewal, or attempt to join
	started bool  // Join has been called
	running bool
	leaving bool  // no more pins, no more joining
	over    bool  // the row is deleted
	fenced  bool  // has been logged
	unsure  error // a COMMIT that may be done later: the row is left to lapse, and with it its epoch
	current *era  // the last one
	past    []*era
	acked   seen // what the row says
	renewAt time.Time
}

// state is what is known of the row.
type state uint8

const (
	apart  state = iota // there has been none
	joined              // it is there, as far as is known
	gone                // it is not there any more
	left                // we have deleted it, or let it lapse
)

// New is a part in the change of that name, which replaces these columns. It asks nothing
// and starts nothing; what is wrong with the arguments is the error of Join.
func New(pool *pgxpool.Pool, name string, columns dbcompat.Columns, config Config) *Change {
	c := &Change{
		pool: pool, name: name, columns: columns, config: config.withDefaults(),
		turn: make(chan struct{}, 1), wake: make(chan struct{}, 1), idle: make(chan struct{}, 1),
		why: errNotStarted,
	}
	c.tables = store.In(c.config.Schema)
	var mistakes []error
	if pool == nil {
		mistakes = append(mistakes, errors.New("the pool is nil: make one with pgxpool.New"))
	}
	if name == "" {
		mistakes = append(mistakes, errors.New("the name is empty: give that of the change, as it was created"))
	}
	c.wrong = errors.Join(append(mistakes, wrongText("the name", name), columns.Check(), c.config.wrong())...)
	if c.wrong != nil {
		c.why = c.wrong
	}
	return c
}

// take waits for the turn.
func (c *Change) take(ctx context.Context) error {
	select {
	case c.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *Change) give() { <-c.turn }

// notify wakes whoever waits, or is going to.
func notify(who chan struct{}) {
	select {
	case who <- struct{}{}:
	default:
	}
}

func (c *Change) failed(verb string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("change: %s %s: %w", verb, c.name, err)
}

func (c *Change) logger() *slog.Logger { return cmp.Or(c.config.Logger, slog.Default()) }
