package counts

import (
	"sync/atomic"
	"unsafe"
)

const (
	shardBits = 5
	line      = 64 / 8 // of the processor's cache, in cells
)

// shards keep apart those who count at the same time, as in package tally.
type shards struct {
	size  int             // of a shard, in cells: whole lines
	cells []atomic.Uint64 // of all shards, and a line before and behind that is nobody's
}

func makeShards(cells int) shards {
	size := (cells + line - 1) / line * line
	return shards{size: size, cells: make([]atomic.Uint64, line+size<<shardBits+line)}
}

func (s *shards) add(cell int) { s.cells[line+int(shard())*s.size+cell].Add(1) }

func (s *shards) sum(cell int) (n uint64) {
	for i := range 1 << shardBits {
		n += s.cells[line+i*s.size+cell].Load()
	}
	return n
}

// shard differs between goroutines: each has a stack of its own.
func shard() uintptr {
	var here byte
	at := uint64(uintptr(unsafe.Pointer(&here))) >> 11
	return uintptr(at * 0x9E3779B97F4A7C15 >> (64 - shardBits))
}
