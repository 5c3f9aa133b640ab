package counts

import (
	"hash/maphash"
	"sync/atomic"
)

const damperBits = 12

// Damper lets one failure per subject, row and second pass. Its memory is bounded: two
// subjects that meet in it share their second, so that at worst a failure is not counted.
// Both arms use the same one, which keeps the loss the same for both.
type Damper struct {
	seed  maphash.Seed
	taken [1 << damperBits]atomic.Uint32 // the second in which one has passed last
}

// NewDamper is a Damper.
func NewDamper() *Damper { return &Damper{seed: maphash.MakeSeed()} }

// First says whether it is the subject's first in this second.
func (d *Damper) First(row int, subject string, second int64) bool {
	at := (maphash.String(d.seed, subject) + uint64(row)) * 0x9E3779B97F4A7C15 >> (64 - damperBits)
	now, slot := uint32(second), &d.taken[at]
	before := slot.Load()
	return before < now && slot.CompareAndSwap(before, now)
}
