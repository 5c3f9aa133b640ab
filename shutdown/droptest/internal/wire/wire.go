package wire

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// A wire holds this many parcels in each direction before it pushes back.
const wireDepth = 64

var (
	errHangUp = errors.New("hung up")
	errReset  = errors.New("reset")
)

// parcel is what travels on a wire: bytes, or the end of its direction.
type parcel struct {
	due  time.Time // when it arrives
	data []byte
	end  error // io.EOF is a half-close, errHangUp a close, anything else a reset
}

// Wire is a connection with a length: bytes, ends and resets arrive delay later
// than they were sent, in both directions.
//
// Reading (Read, Forward, Dead, End) belongs to one goroutine at a time; the
// other methods are free.
type Wire struct {
	conn    net.Conn
	delay   time.Duration
	in, out chan *parcel
	head    *parcel // taken out of in, and not yet consumed
	gone    chan struct{}
	abort   func() // once
}

func newWire(conn net.Conn, delay time.Duration) *Wire {
	w := &Wire{
		conn:  conn,
		delay: delay,
		in:    make(chan *parcel, wireDepth),
		out:   make(chan *parcel, wireDepth),
		gone:  make(chan struct{}),
	}
	w.abort = sync.OnceFunc(func() {
		close(w.gone)
		_ = conn.Close()
	})
	return w
}

// run carries parcels until both directions have ended.
func (w *Wire) run() {
	var receiving sync.WaitGroup
	receiving.Go(w.receive)
	w.send()
	receiving.Wait()
	w.abort()
}

func (w *Wire) receive() {
	buf := make([]byte, 16<<10)
	for {
		n, err := w.conn.Read(buf)
		if n > 0 && !w.post(w.in, &parcel{data: bytes.Clone(buf[:n])}) {
			return
		}
		if err != nil {
			w.post(w.in, &parcel{end: err})
			return
		}
	}
}

// send delivers what was posted. When the other side is gone it goes on taking
// parcels, since what has already come from there is still to be read.
func (w *Wire) send() {
	broken := false
	for {
		select {
		case <-w.gone:
			return
		case p := <-w.out:
			switch {
			case !w.wait(p.due):
				return
			case p.end != nil:
				w.finish(p.end)
				return
			case !broken:
				_, err := w.conn.Write(p.data)
				broken = err != nil
			}
		}
	}
}

func (w *Wire) finish(end error) {
	half, canHalf := w.conn.(interface{ CloseWrite() error })
	switch {
	case errors.Is(end, io.EOF) && canHalf:
		_ = half.CloseWrite()
	case errors.Is(end, io.EOF) || errors.Is(end, errHangUp):
		w.abort()
	default:
		if tcp, ok := w.conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // makes the close a reset
		}
		w.abort()
	}
}

// post puts p on its way; false means that the wire is gone.
func (w *Wire) post(to chan<- *parcel, p *parcel) bool {
	p.due = time.Now().Add(w.delay)
	select {
	case <-w.gone: // even if there is room
		return false
	default:
	}
	select {
	case to <- p:
		return true
	case <-w.gone:
		return false
	}
}

func (w *Wire) wait(due time.Time) bool {
	left := time.Until(due)
	if left <= 0 {
		return true
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-w.gone:
		return false
	}
}

// peek waits for the next parcel to arrive and leaves it where it is.
func (w *Wire) peek() (*parcel, error) {
	if w.head == nil {
		select {
		case w.head = <-w.in:
		case <-w.gone:
			return nil, net.ErrClosed
		}
	}
	if !w.wait(w.head.due) {
		return nil, net.ErrClosed
	}
	return w.head, nil
}

// Read implements io.Reader. The end of the wire is returned again and again.
// With an empty b it waits until there is something to be read.
func (w *Wire) Read(b []byte) (int, error) {
	p, err := w.peek()
	switch {
	case err != nil:
		return 0, err
	case p.end != nil:
		return 0, p.end
	}
	n := copy(b, p.data)
	if p.data = p.data[n:]; len(p.data) == 0 {
		w.head = nil
	}
	return n, nil
}

// Write implements io.Writer. It succeeds unless the wire is gone: whether the
// other side is still there is only known when its answer has travelled back.
func (w *Wire) Write(b []byte) (int, error) {
	if !w.post(w.out, &parcel{data: bytes.Clone(b)}) {
		return 0, net.ErrClosed
	}
	return len(b), nil
}

// Forward carries everything that arrives, and the end, on to another wire. It
// returns when the end has, or when the other wire is gone.
func (w *Wire) Forward(to *Wire) {
	for {
		p, err := w.peek()
		if err != nil {
			p = &parcel{end: errReset}
		}
		w.head = nil
		if !to.post(to.out, &parcel{data: p.data, end: p.end}) || p.end != nil {
			return
		}
	}
}

// HangUp closes the wire: the other side learns of it delay later.
func (w *Wire) HangUp() { w.post(w.out, &parcel{end: errHangUp}) }

// Reset is HangUp with a reset instead of a close.
func (w *Wire) Reset() { w.post(w.out, &parcel{end: errReset}) }

// Abort ends the wire now, without the delay.
func (w *Wire) Abort() { w.abort() }

// Dead reports whether something has arrived that no request asked for: the end
// (nginx, HAProxy and net/http, too, discard such a connection silently), or
// bytes that cannot be an answer.
func (w *Wire) Dead() bool {
	select {
	case <-w.gone:
		return true
	default:
	}
	if w.head == nil {
		select {
		case w.head = <-w.in:
		default:
			return false
		}
	}
	return !time.Now().Before(w.head.due)
}

// End is the end that reading has come to: io.EOF, or the reset. It is nil as
// long as there is none.
func (w *Wire) End() error {
	if w.head == nil {
		return nil
	}
	return w.head.end
}

// LocalAddr is the near end of the connection.
func (w *Wire) LocalAddr() net.Addr { return w.conn.LocalAddr() }
