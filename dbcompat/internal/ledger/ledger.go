package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/handover-go/handover/dbcompat"
)

// The kinds of faults.
const (
	Stale    = "stale read"
	Lost     = "lost write"
	Mistaken = "error"
)

// A Ledger has what the processes have told. They are heard by several goroutines.
type Ledger struct {
	mu    sync.Mutex
	heard *sync.Cond
	rows  map[int64]*row

	// Look at these with the lock: in Look or Await.
	At      map[int]dbcompat.Stage // by worker
	Did     map[int]int            // reads and writes, by worker
	Batches int
	Counts  map[string]int // of faults
	Faults  []string       // the first of them
}

// row has the numbers of a row's values, and which worker they are of.
type row struct {
	acked, open map[int64]int
	top         int64 // of those that are acknowledged
}

// New has heard nothing yet.
func New() *Ledger {
	l := &Ledger{rows: map[int64]*row{}, At: map[int]dbcompat.Stage{}, Did: map[int]int{}, Counts: map[string]int{}}
	l.heard = sync.NewCond(&l.mu)
	return l
}

func (l *Ledger) row(id int64) *row {
	r := l.rows[id]
	if r == nil {
		r = &row{acked: map[int64]int{}, open: map[int64]int{}}
		l.rows[id] = r
	}
	return r
}

// Note takes a line of a process, for which "fault lost write: why", "at read-new",
// "batch" and "done 12 7" are examples.
func (l *Ledger) Note(worker int, line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.heard.Broadcast()
	verb, rest, _ := strings.Cut(line, " ")
	switch verb {
	case "fault":
		what, why, _ := strings.Cut(rest, ": ")
		l.Fault(what, "worker %d: %s", worker, why)
		return
	case "batch":
		l.Batches++
		return
	case "at":
		stage, err := dbcompat.ParseStage(rest)
		if err != nil {
			l.Fault(Mistaken, "worker %d: %v", worker, err)
		}
		l.At[worker] = stage
		return
	}
	first, second, _ := strings.Cut(rest, " ")
	id, err := strconv.ParseInt(first, 10, 64)
	number, err2 := strconv.ParseInt(second, 10, 64)
	if err != nil || err2 != nil {
		l.Fault(Mistaken, "worker %d says %q", worker, line)
		return
	}
	l.number(worker, verb, id, number)
}

func (l *Ledger) number(worker int, verb string, id, number int64) {
	r := l.row(id)
	switch verb {
	case "read":
		l.Did[worker]++
	case "sent":
		r.open[number] = worker
	case "done":
		l.Did[worker]++
		if before, twice := r.acked[number]; twice {
			l.Fault(Lost, "row %d: number %d was given to worker %d, and then to worker %d", id, number, before, worker)
		}
		r.acked[number] = worker
		r.top = max(r.top, number)
	case "found":
		l.find(id, number)
	default:
		l.Fault(Mistaken, "worker %d says %q", worker, verb)
	}
}

// find compares what is in a row with what has to be.
func (l *Ledger) find(id, number int64) {
	r := l.row(id)
	_, acked := r.acked[number]
	_, open := r.open[number]
	switch {
	case number < r.top:
		l.Fault(Lost, "row %d: number %d is there, and %d was acknowledged", id, number, r.top)
	case !acked && !open:
		l.Fault(Lost, "row %d: number %d is there, and nobody has written it", id, number)
	}
}

// Audit is the end: each number up to that which is there has been written by somebody.
func (l *Ledger) Audit(there map[int64]int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(l.rows)) {
		r := l.rows[id]
		number, ok := there[id]
		if !ok {
			if r.top > 0 {
				l.Fault(Lost, "row %d is away", id)
			}
			continue
		}
		l.find(id, number)
		for n := int64(1); n < number; n++ {
			_, acked := r.acked[n]
			if _, open := r.open[n]; !acked && !open {
				l.Fault(Lost, "row %d: number %d was left out", id, n)
			}
		}
	}
}

// Fault notes one. It is for who has the lock.
func (l *Ledger) Fault(what, format string, args ...any) {
	l.Counts[what]++
	if len(l.Faults) < 20 {
		l.Faults = append(l.Faults, what+": "+fmt.Sprintf(format, args...))
	}
}

// Look has look see all as it is at a moment.
func (l *Ledger) Look(look func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.heard.Broadcast() // it may have changed something
	look()
}

// Await waits until something has happened, three minutes at most. A fault is one more thing to
// be told, and no reason to wait any longer, unless it is what one waits for.
func (l *Ledger) Await(ctx context.Context, what string, happened func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	defer context.AfterFunc(ctx, func() { l.Look(func() {}) })()
	l.mu.Lock()
	defer l.mu.Unlock()
	for !happened() {
		if ctx.Err() != nil || l.Counts[Mistaken] > 0 {
			return fmt.Errorf("until %s: %w", what, errors.Join(ctx.Err(), l.faulty()))
		}
		l.heard.Wait()
	}
	return nil
}

// Mix waits until each worker has done n more, so that each has met the others' rows.
func (l *Ledger) Mix(ctx context.Context, workers, n int) error {
	until := make([]int, workers)
	l.Look(func() {
		for w := range until {
			until[w] = l.Did[w] + n
		}
	})
	return l.Await(ctx, "all have done something", func() bool {
		for w := range until {
			if l.Did[w] < until[w] {
				return false
			}
		}
		return true
	})
}

// After is whether the workers have done n more than they have now.
func (l *Ledger) After(n int) func() bool {
	l.Look(func() { n += l.Total() })
	return func() bool { return l.Total() >= n }
}

// Clean is an error if there is something to be told.
func (l *Ledger) Clean() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.faulty()
}

func (l *Ledger) faulty() error {
	if len(l.Counts) == 0 {
		return nil
	}
	return fmt.Errorf("%v: %s", l.Counts, strings.Join(l.Faults, "\n"))
}

// Total is what the workers have done, for who has the lock.
func (l *Ledger) Total() int {
	n := 0
	for _, did := range l.Did {
		n += did
	}
	return n
}
