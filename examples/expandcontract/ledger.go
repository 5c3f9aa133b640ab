package main

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"sync/atomic"
)

// A ledger knows, for each row, which value the database has acknowledged. Values of a row
// are numbered, and written by one writer at a time, so that there is a last one. The
// row's id is its index plus one.
type ledger struct {
	rows []entry
	used atomic.Int64 // rows that there are, or are being inserted
}

type entry struct {
	busy  atomic.Bool  // somebody writes it
	acked atomic.Int64 // the number that was acknowledged last; 0: the row is not there yet
	sent  atomic.Int64 // the number that was sent last, acknowledged or not
}

// newLedger has rows that are there, with the number 1, and room for more.
func newLedger(rows, more int) *ledger {
	l := &ledger{rows: make([]entry, rows+more)}
	for i := range rows {
		l.rows[i].acked.Store(1)
		l.rows[i].sent.Store(1)
	}
	l.used.Store(int64(rows))
	return l
}

// pick is a row; half of the time one of a few, which all instances meet at.
func (l *ledger) pick() int64 {
	n := l.used.Load()
	if rand.N(2) == 0 {
		n = min(n, 200)
	}
	return rand.N(n)
}

// next is a row that nobody else writes, new if there is to be one, and its next number.
func (l *ledger) next(insert bool) (row, number int64, isNew bool) {
	if insert {
		if row := l.used.Add(1) - 1; row < int64(len(l.rows)) {
			l.rows[row].busy.Store(true)
			l.rows[row].sent.Store(1)
			return row, 1, true
		}
		l.used.Store(int64(len(l.rows))) // full
	}
	for {
		row := l.pick()
		if l.rows[row].busy.CompareAndSwap(false, true) {
			if l.rows[row].acked.Load() > 0 {
				return row, l.rows[row].sent.Add(1), false
			}
			l.rows[row].busy.Store(false) // its INSERT has failed
		}
	}
}

// done notes what has become of a write. One that failed may have been done or not.
func (l *ledger) done(row, number int64, err error) {
	if err == nil {
		l.rows[row].acked.Store(number)
	}
	l.rows[row].busy.Store(false)
}

// name is the value with this number.
func name(row, number int64) string {
	return "user-" + strconv.FormatInt(row+1, 10) + "-" + strconv.FormatInt(number, 10)
}

// number is that of a value of the row; -1 if it is none.
func number(row int64, value string) int64 {
	digits, ok := strings.CutPrefix(value, "user-"+strconv.FormatInt(row+1, 10)+"-")
	n, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil {
		return -1
	}
	return n
}

// stale reports whether a read is: it began when floor was acknowledged already.
func (l *ledger) stale(row int64, value string, floor int64) bool {
	n := number(row, value)
	return n < floor || n > l.rows[row].sent.Load()
}
