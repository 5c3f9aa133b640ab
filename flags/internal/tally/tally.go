// Package tally counts evaluations by variant and reason, from many goroutines at once.
package tally

import (
	"sync/atomic"
	"unsafe"
)

// Reasons is how many reasons a variant may have, and how many the caller's default: 0
// to Reasons-1.
const Reasons = 4

// shards are for evaluations at the same time. Two that run side by side and write to the
// same line of the processor's cache take three times as long; with so many shards they
// seldom do.
const shards = 1 << shardBits

const shardBits = 5

// line is that of the cache, in cells.
const line = 64 / 8

// Tally counts what one flag has answered. Use New.
type Tally struct {
	size  int             // of a shard, in cells: whole lines
	cells []atomic.Uint64 // of all shards, and a line before and behind that is nobody's
}

// New is a Tally for a flag with so many variants.
func New(variants int) *Tally {
	size := ((variants+1)*Reasons + line - 1) / line * line
	return &Tally{size: size, cells: make([]atomic.Uint64, line+shards*size+line)}
}

// Add counts an answer. Variant -1 is the caller's default.
func (t *Tally) Add(variant, reason int) {
	t.cells[t.cell(int(shard()), variant, reason)].Add(1)
}

// Count is how often there was this answer.
func (t *Tally) Count(variant, reason int) (n uint64) {
	for s := range shards {
		n += t.cells[t.cell(s, variant, reason)].Load()
	}
	return n
}

func (t *Tally) cell(shard, variant, reason int) int {
	return line + shard*t.size + (variant+1)*Reasons + reason
}

// shard differs between goroutines: each has a stack of its own, of 2 KiB at least. The
// multiplication brings the difference into the upper bits, and neighbours apart.
func shard() uintptr {
	var here byte
	at := uint64(uintptr(unsafe.Pointer(&here))) >> 11
	return uintptr(at * 0x9E3779B97F4A7C15 >> (64 - shardBits))
}
