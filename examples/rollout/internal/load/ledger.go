package load

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// ledger knows of each user which name the service has acknowledged.
type ledger struct {
	mu    sync.Mutex
	users map[int64]*entry
	most  int64 // users that there are at the start: 1 to most
}

type entry struct {
	busy        bool  // somebody renames them
	acked, sent int64 // numbers; sent may have been done or not
}

func newLedger(users int) *ledger {
	l := &ledger{users: map[int64]*entry{}, most: int64(users)}
	for id := range l.most {
		l.users[id+1] = &entry{acked: 1, sent: 1}
	}
	return l
}

// name is the name with a number. The user is one of those of the start.
func name(id, number int64) string { return fmt.Sprintf("user-%d-%d", id, number) }

// number is that of a name of a user; -1 if it is none.
func number(id int64, name string) int64 {
	digits, ours := strings.CutPrefix(name, fmt.Sprintf("user-%d-", id))
	n, err := strconv.ParseInt(digits, 10, 64)
	if !ours || err != nil {
		return -1
	}
	return n
}

// floor is the number that a read of a user which begins now may not find less than.
func (l *ledger) floor(id int64) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.users[id].acked
}

// stale reports whether what was read is.
func (l *ledger) stale(id int64, name string, floor int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := number(id, name)
	return n < floor || n > l.users[id].sent
}

// begin is the number of the next write; false if one is under way.
func (l *ledger) begin(id int64) (number int64, free bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.users[id]
	if e.busy {
		return 0, false
	}
	e.busy = true
	e.sent++
	return e.sent, true
}

func (l *ledger) done(id, number int64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.users[id]
	e.busy = false
	if ok {
		e.acked = number
	}
}

// lost is how many users do not have the name that was acknowledged last, or a later one.
func (l *ledger) lost(names map[int64]string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, e := range l.users {
		found := number(id, names[id])
		if found < e.acked || found > e.sent {
			n++
		}
	}
	return n
}
