// Package stack finds the stack of one goroutine among all of them.
//
// A report that names what did not stop in time is worth twice as much when it
// also says where that hangs. A goroutine's number is what the runtime itself
// prints above each stack; it is used for that one purpose and nothing else.
package stack

import (
	"bytes"
	"runtime"
	"strconv"
)

// limit bounds the dump of all goroutines. A stack that lies beyond it is not
// found, which costs a report one detail.
const limit = 16 << 20

// ID is the number of a goroutine; 0 stands for none.
type ID uint64

// Current is the number of the calling goroutine. It takes about two
// microseconds: once for a connection or a component, not once for a request.
func Current() ID {
	var buf [64]byte
	header := buf[:runtime.Stack(buf[:], false)]
	return parse(header)
}

// Of returns the stacks of the goroutines asked for, each as the runtime prints
// it. One that has ended is left out. The world stands still meanwhile, so it
// is for the moment in which something has already gone wrong.
func Of(ids ...ID) map[ID]string {
	wanted := make(map[ID]bool, len(ids))
	for _, id := range ids {
		wanted[id] = id != 0
	}
	found := make(map[ID]string, len(ids))
	for block := range bytes.SplitSeq(all(), []byte("\n\n")) {
		if id := parse(block); wanted[id] {
			found[id] = string(bytes.TrimSpace(block))
		}
	}
	return found
}

func all() []byte {
	for size := 64 << 10; ; size *= 2 {
		if stacks := All(size); len(stacks) < size || size >= limit {
			return stacks
		}
	}
}

// All returns the stacks of all goroutines, the caller's first and then the oldest,
// as many as fit into so many bytes.
func All(most int) []byte {
	buf := make([]byte, most)
	return buf[:runtime.Stack(buf, true)]
}

// parse reads the number out of "goroutine 17 [running]:".
func parse(block []byte) ID {
	rest, ok := bytes.CutPrefix(block, []byte("goroutine "))
	if !ok {
		return 0
	}
	digits, _, _ := bytes.Cut(rest, []byte(" "))
	n, err := strconv.ParseUint(string(digits), 10, 64)
	if err != nil {
		return 0
	}
	return ID(n)
}
