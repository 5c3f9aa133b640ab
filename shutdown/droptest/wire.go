package droptest

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

// wire is a connection with a length: bytes, ends and resets arrive delay later
// than they were sent, in both directions. A close that is still on its way is
// what a request in the other direction collides with.
//
// Reading (Read, take, dead) belongs to one goroutine at a time; writing is free.
type wire struct {
	conn    net.Conn
	delay   time.Duration
	in, out chan *parcel
	head    *parcel // taken out of in, and not yet consumed
	gone    chan struct{}
	abort   func() // ends the wire now, without the delay
}

func newWire(conn net.Conn, delay time.Duration) *wire {
	w := &wire{
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
func (w *wire) run() {
	var receiving sync.WaitGroup
	receiving.Go(w.receive)
	w.send()
	receiving.Wait()
	w.abort()
}

func (w *wire) receive() {
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
func (w *wire) send() {
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

func (w *wire) finish(end error) {
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
func (w *wire) post(to chan<- *parcel, p *parcel) bool {
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

func (w *wire) wait(due time.Time) bool {
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
func (w *wire) peek() (*parcel, error) {
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
func (w *wire) Read(b []byte) (int, error) {
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
func (w *wire) Write(b []byte) (int, error) {
	if !w.post(w.out, &parcel{data: bytes.Clone(b)}) {
		return 0, net.ErrClosed
	}
	return len(b), nil
}

// forward carries everything that arrives, and the end, on to another wire.
func (w *wire) forward(to *wire) {
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

// hangUp closes the wire: the other side learns of it delay later.
func (w *wire) hangUp() { w.post(w.out, &parcel{end: errHangUp}) }

// dead reports whether something has arrived that no request asked for: the end
// (nginx, HAProxy and net/http, too, discard such a connection silently), or
// bytes that cannot be an answer.
func (w *wire) dead() bool {
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
