package chaos_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
)

// The kinds of faults.
const (
	stale    = "stale read"
	lost     = "lost write"
	mistaken = "error"
)

// A ledger has what the processes have told. They are heard by several goroutines.
type ledger struct {
	mu      sync.Mutex
	heard   *sync.Cond
	rows    map[int64]*row
	at      map[int]dbcompat.Stage // by worker
	did     map[int]int            // reads and writes, by worker
	batches int
	counts  map[string]int // of faults
	faults  []string       // the first of them
}

// row has the numbers of a row's values, and which worker they are of.
type row struct {
	acked, open map[int64]int
	top         int64 // of those that are acknowledged
}

func newLedger() *ledger {
	l := &ledger{rows: map[int64]*row{}, at: map[int]dbcompat.Stage{}, did: map[int]int{}, counts: map[string]int{}}
	l.heard = sync.NewCond(&l.mu)
	return l
}

func (l *ledger) row(id int64) *row {
	r := l.rows[id]
	if r == nil {
		r = &row{acked: map[int64]int{}, open: map[int64]int{}}
		l.rows[id] = r
	}
	return r
}

// note takes a line of a process, for which "fault lost write: why", "at read-new",
// "batch" and "done 12 7" are examples.
func (l *ledger) note(worker int, line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.heard.Broadcast()
	verb, rest, _ := strings.Cut(line, " ")
	switch verb {
	case "fault":
		what, why, _ := strings.Cut(rest, ": ")
		l.fault(what, "worker %d: %s", worker, why)
		return
	case "batch":
		l.batches++
		return
	case "at":
		stage, err := dbcompat.ParseStage(rest)
		if err != nil {
			l.fault(mistaken, "worker %d: %v", worker, err)
		}
		l.at[worker] = stage
		return
	}
	first, second, _ := strings.Cut(rest, " ")
	id, err := strconv.ParseInt(first, 10, 64)
	number, err2 := strconv.ParseInt(second, 10, 64)
	if err != nil || err2 != nil {
		l.fault(mistaken, "worker %d says %q", worker, line)
		return
	}
	l.number(worker, verb, id, number)
}

func (l *ledger) number(worker int, verb string, id, number int64) {
	r := l.row(id)
	switch verb {
	case "read":
		l.did[worker]++
	case "sent":
		r.open[number] = worker
	case "done":
		l.did[worker]++
		if before, twice := r.acked[number]; twice {
			l.fault(lost, "row %d: number %d was given to worker %d, and then to worker %d", id, number, before, worker)
		}
		r.acked[number] = worker
		r.top = max(r.top, number)
	case "found":
		l.find(id, number)
	default:
		l.fault(mistaken, "worker %d says %q", worker, verb)
	}
}

// find compares what is in a row with what has to be.
func (l *ledger) find(id, number int64) {
	r := l.row(id)
	_, acked := r.acked[number]
	_, open := r.open[number]
	switch {
	case number < r.top:
		l.fault(lost, "row %d: number %d is there, and %d was acknowledged", id, number, r.top)
	case !acked && !open:
		l.fault(lost, "row %d: number %d is there, and nobody has written it", id, number)
	}
}

// audit is the end: each number up to that which is there has been written by somebody.
func (l *ledger) audit(there map[int64]int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(l.rows)) {
		r := l.rows[id]
		number, ok := there[id]
		if !ok {
			if r.top > 0 {
				l.fault(lost, "row %d is away", id)
			}
			continue
		}
		l.find(id, number)
		for n := int64(1); n < number; n++ {
			_, acked := r.acked[n]
			if _, open := r.open[n]; !acked && !open {
				l.fault(lost, "row %d: number %d was left out", id, n)
			}
		}
	}
}

func (l *ledger) fault(what, format string, args ...any) {
	l.counts[what]++
	if len(l.faults) < 20 {
		l.faults = append(l.faults, what+": "+fmt.Sprintf(format, args...))
	}
}

// await waits until something has happened. A fault is one more thing to be told, and no
// reason to wait any longer, unless it is what one waits for.
func (l *ledger) await(t testing.TB, what string, happened func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.heard.Broadcast()
	})()
	l.mu.Lock()
	for !happened() && ctx.Err() == nil && l.counts[mistaken] == 0 {
		l.heard.Wait()
	}
	ok, faults := happened(), slices.Clone(l.faults)
	l.mu.Unlock()
	require.True(t, ok, "until %s: %s", what, strings.Join(faults, "\n"))
}

// clean requires that there is nothing to be told.
func (l *ledger) clean(t testing.TB) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	require.Empty(t, l.counts, strings.Join(l.faults, "\n"))
}

// total is what the workers have done.
func (l *ledger) total() int {
	n := 0
	for _, did := range l.did {
		n += did
	}
	return n
}

func TestTheLedger(t *testing.T) {
	tests := map[string]struct {
		lines []string // of the workers 1 and 2 in turn
		there map[int64]int64
		want  []string
	}{
		"what is acknowledged is there": {
			[]string{"sent 1 1", "read 1 1", "done 1 1", "sent 1 2", "sent 1 2", "done 1 2"}, map[int64]int64{1: 2}, nil,
		},
		"of what was killed one cannot know: it is there": {
			[]string{"sent 1 1", "sent 2 1"}, map[int64]int64{1: 1, 2: 1}, nil,
		},
		"of what was killed one cannot know: it is not": {
			[]string{"sent 1 1", "sent 2 1"}, nil, nil,
		},
		"who comes after one that was killed finds what it has written": {
			[]string{"sent 1 1", "done 1 1", "sent 1 2", "found 1 2"}, map[int64]int64{1: 2}, nil,
		},
		"who comes after one that was killed finds less": {
			[]string{"done 1 1", "done 1 2", "found 1 1"},
			map[int64]int64{1: 2},
			[]string{"lost write: row 1: number 1 is there, and 2 was acknowledged"},
		},
		"a number is given twice": {
			[]string{"done 1 1", "done 1 1"},
			map[int64]int64{1: 1},
			[]string{"lost write: row 1: number 1 was given to worker 1, and then to worker 2"},
		},
		"a row is away": {
			[]string{"done 1 1"},
			nil,
			[]string{"lost write: row 1 is away"},
		},
		"the last value is away": {
			[]string{"done 1 1", "done 1 2"},
			map[int64]int64{1: 1},
			[]string{"lost write: row 1: number 1 is there, and 2 was acknowledged"},
		},
		"a value that nobody has written": {
			[]string{"done 1 1"},
			map[int64]int64{1: 3},
			[]string{"lost write: row 1: number 3 is there, and nobody has written it", "lost write: row 1: number 2 was left out"},
		},
		"a worker tells of a stale read": {
			[]string{"fault stale read: row 1: number 2 at old, where 3 was written"},
			nil,
			[]string{"stale read: worker 1: row 1: number 2 at old, where 3 was written"},
		},
		"nobody understands it": {
			[]string{"at home", "done", "lose 1 1"},
			nil,
			[]string{
				`error: worker 1: dbcompat: parse stage: "home" is none: give old, dual-write, read-new, new`,
				`error: worker 2 says "done"`, `error: worker 1 says "lose"`,
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			l := newLedger()
			for i, line := range test.lines {
				l.note(1+i%2, line)
			}
			l.audit(test.there)
			require.Equal(t, test.want, l.faults)
		})
	}
}
