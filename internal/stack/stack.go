// Package stack finds the stack of one goroutine among all of them.
//
// A report that names what did not stop in time is worth twice as much when it
// also says where that hangs. A goroutine's number is what the runtime itself
// prints above each stack, and an argument what it prints in it; they are used for
// that one purpose and nothing else.
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

// Of returns the stacks of the goroutines asked for: All, for one question.
func Of(ids ...ID) map[ID]string { return All().Of(ids...) }

// Dump is what all goroutines were doing at one moment, as the runtime prints it.
type Dump []byte

// All takes a Dump. The world stands still meanwhile, so it is for the moment in
// which something has already gone wrong.
func All() Dump {
	for size := 64 << 10; ; size *= 2 {
		buf := make([]byte, size)
		if n := runtime.Stack(buf, true); n < size || size >= limit {
			return buf[:n]
		}
	}
}

// Of returns the stacks of the goroutines asked for. One that has ended is left
// out.
func (d Dump) Of(ids ...ID) map[ID]string {
	wanted := make(map[ID]bool, len(ids))
	for _, id := range ids {
		wanted[id] = id != 0
	}
	found := make(map[ID]string, len(ids))
	for block := range bytes.SplitSeq(d, []byte("\n\n")) {
		if id := parse(block); wanted[id] {
			found[id] = string(bytes.TrimSpace(block))
		}
	}
	return found
}

// Through returns the stacks that go through a function, such as "pkg.(*T).Do", by
// the first word of its arguments: the receiver's address, of what is on the heap.
// So who is in the middle of something is found by that, without having said so.
//
// The runtime prints the word only as long as the function keeps it: it must not
// be inlined, and end with runtime.KeepAlive. Where it does not, nothing is found.
func (d Dump) Through(function string) map[uintptr]string {
	found := make(map[uintptr]string)
	call := []byte(function + "(0x")
	for block := range bytes.SplitSeq(d, []byte("\n\n")) {
		for rest := block; ; {
			_, after, ok := bytes.Cut(rest, call)
			if !ok {
				break
			}
			rest = after
			if word, ok := parseWord(rest); ok {
				found[word] = string(bytes.TrimSpace(block))
			}
		}
	}
	return found
}

// parseWord reads the number out of "c000010040, {0x60c520?, ...". One that is
// followed by a question mark is what some other function has left there.
func parseWord(rest []byte) (uintptr, bool) {
	end := bytes.IndexAny(rest, ",)?")
	if end < 0 || rest[end] == '?' {
		return 0, false
	}
	word, err := strconv.ParseUint(string(rest[:end]), 16, 64)
	return uintptr(word), err == nil
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
