package front

import (
	"sync/atomic"
	"time"
)

// Watch is told of what a carrier does. Its methods may be called at the same time.
type Watch struct {
	seen           func(version string, took time.Duration, failed bool)
	spared, hidden atomic.Int64
}

// NewWatch tells seen of each answer of a process; failed is one that is missing, or 500
// and above. nil: nobody is told.
func NewWatch(seen func(version string, took time.Duration, failed bool)) *Watch {
	if seen == nil {
		seen = func(string, time.Duration, bool) {}
	}
	return &Watch{seen: seen}
}

// Seen is for a carrier to call, at each answer of a process.
func (w *Watch) Seen(version string, took time.Duration, failed bool) { w.seen(version, took, failed) }

// Spare is for a carrier to call when another version's failure is not the client's, as the
// spare one is asked instead.
func (w *Watch) Spare() { w.spared.Add(1) }

// Hide is for a carrier to call when that is so of a failure of the spare version itself.
func (w *Watch) Hide() { w.hidden.Add(1) }

// Spared is how many failures of other versions the spare one has made good.
func (w *Watch) Spared() int { return int(w.spared.Load()) }

// Hidden is how many failures of the spare version itself were. They are losses, which
// nobody else can see.
func (w *Watch) Hidden() int { return int(w.hidden.Load()) }
