package h2

import "encoding/binary"

const (
	frameHeader = 9
	lastStream  = 1<<31 - 1 // the highest there can be

	typeData         = 0x0
	typeHeaders      = 0x1
	typeResetStream  = 0x3
	typePushPromise  = 0x5
	typePing         = 0x6
	typeGoAway       = 0x7
	typeContinuation = 0x9

	flagAck        = 0x1 // of PING
	flagEndStream  = 0x1 // of DATA and HEADERS
	flagEndHeaders = 0x4 // of HEADERS, PUSH_PROMISE and CONTINUATION
)

// answer is how the answer to our PING is told from the answers to net/http's.
const answer = "handover"

// A frame is the one that one direction of a connection is at. The bytes come as
// reads and writes have cut them.
type frame struct {
	head  [frameHeader]byte
	body  [8]byte // its beginning, which is all of PING and the part of GOAWAY that counts
	seen  int     // bytes of the frame, with its header
	first bool    // a frame has been whole: on the server's side that is SETTINGS
	block bool    // in a header block, which no other frame may interrupt
}

// feed takes bytes up to the end of the frame's header, or, if that is known, up
// to the end of the frame, and returns the rest.
func (f *frame) feed(p []byte) []byte {
	if f.whole() {
		f.seen = 0
	}
	n := min(len(p), f.size()-f.seen)
	switch at := f.seen - frameHeader; {
	case at < 0:
		copy(f.head[f.seen:], p[:n])
	case at < len(f.body):
		copy(f.body[at:], p[:n])
	}
	f.seen += n
	if f.whole() {
		f.first = true
		switch f.kind() {
		case typeHeaders, typePushPromise, typeContinuation:
			f.block = !f.has(flagEndHeaders)
		}
	}
	return p[n:]
}

// size is the header's until that is known.
func (f *frame) size() int {
	if f.seen < frameHeader {
		return frameHeader
	}
	return frameHeader + int(binary.BigEndian.Uint32(f.head[:])>>8)
}

func (f *frame) kind() byte         { return f.head[3] }
func (f *frame) has(flag byte) bool { return f.head[4]&flag != 0 }
func (f *frame) stream() uint32     { return binary.BigEndian.Uint32(f.head[5:]) & lastStream }

// headed is true once for each frame, when its header has been fed.
func (f *frame) headed() bool { return f.seen == frameHeader }

func (f *frame) whole() bool { return f.seen >= frameHeader && f.seen == f.size() }

// between reports whether another frame may follow here.
func (f *frame) between() bool { return f.first && !f.block && f.whole() }

// upTo is how much of p comes before a place where another frame may follow, all
// of it if there is none.
func (f *frame) upTo(p []byte) int {
	ahead, rest := *f, p
	for len(rest) > 0 {
		if rest = ahead.feed(rest); ahead.between() {
			break
		}
	}
	return len(p) - len(rest)
}

// endsStream is of a whole frame that the server has written.
func (f *frame) endsStream() bool {
	switch f.kind() {
	case typeData, typeHeaders:
		return f.has(flagEndStream)
	case typeResetStream:
		return true
	}
	return false
}

// disowns is the stream above which a whole GOAWAY disowns all.
func (f *frame) disowns() uint32 { return binary.BigEndian.Uint32(f.body[:]) & lastStream }

func (f *frame) isAnswer() bool {
	return f.kind() == typePing && f.has(flagAck) && string(f.body[:]) == answer
}

func appendGoAway(b []byte, last uint32) []byte {
	b = append(b, 0, 0, 8, typeGoAway, 0, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint32(b, last)
	return binary.BigEndian.AppendUint32(b, 0) // NO_ERROR
}

func appendPing(b []byte) []byte {
	b = append(b, 0, 0, 8, typePing, 0, 0, 0, 0, 0)
	return append(b, answer...)
}
