package traffic

import (
	"math"
	"time"

	"github.com/handover-go/handover/shutdown/internal/told"
)

const (
	// step is the shortest time between two looks for what goes a few at a time.
	step = 5 * time.Millisecond
	// perConn keeps looking below half a percent of a core however many
	// connections there are: that much time passes between two looks at all of
	// them for each that was looked at.
	perConn = 20 * time.Microsecond
	// told for a second at the least: who was told and came back to us is not told
	// again at once, or it would spin.
	breather = time.Second
	// settling is the time in which it shows whether somebody's pool is being used
	// up; until then an idle connection stays, however long it has been silent.
	settling = 500 * time.Millisecond
	// Forever is the patience with idle connections while that is so.
	Forever = time.Duration(1 << 62)
	// goodbye is how long a client that was sent away may take to close.
	goodbye = time.Second
)

// A Departure sends the clients of a table away, a few at a time. It belongs to
// one goroutine.
type Departure struct {
	table    *Table
	began    time.Duration
	patience Patience
	scanAt   time.Duration
	conns    []*conn // of the last scan; kept for its memory
	seen     Seen

	idle   queue[visit]        // to be closed
	framed queue[*conn]        // HTTP/2, to be told to go away
	long   queue[*told.Signal] // of what shall come to an end
}

// Spread is the time over which many go. Zero means all at once.
type Spread struct{ Idle, HTTP2, Long time.Duration }

// Patience is how long a silent connection is left alone: one that has been used,
// and one that has never spoken. The latter is waited for only as long as a first
// request may be under way.
type Patience struct{ Idle, New time.Duration }

// Seen is what a look has found.
type Seen struct {
	Warm       int           // connections without a request that may bring one
	Occupied   int           // connections that have something in flight
	BegunAgain time.Duration // when the last request on an old connection came, of those in flight; 0: none
	GivenUp    int           // idle ones that were closed since the beginning
	Told       int           // long-lived ones that were told since the beginning
	Next       time.Duration // when to look again
}

type queue[T any] struct {
	pace
	waiting []T
}

// A visit is a connection as it was seen.
type visit struct {
	conn  *conn
	stamp stamp
	warm  bool // it was counted as warm
}

func (q *queue[T]) next(now time.Duration) []T {
	n := q.take(now, len(q.waiting))
	next := q.waiting[:n]
	q.waiting = q.waiting[n:]
	return next
}

// Depart begins a departure.
func (t *Table) Depart(over Spread) *Departure {
	d := &Departure{table: t, began: t.clock.exact()}
	d.idle.pace = pace{perSecond: 1000, by: after(over.Idle, d.began)}
	d.framed.pace = pace{perSecond: 500, by: after(over.HTTP2, d.began)}
	d.long.pace = pace{perSecond: 200, by: after(over.Long, d.began)}
	return d
}

// Look closes connections that have been idle for longer than patience, tells
// HTTP/2 connections to go away, and long-lived work to come to an end.
func (d *Departure) Look(now time.Duration, patience Patience) Seen {
	if now >= d.scanAt || patience != d.patience {
		d.scan(now, patience)
	}
	next := d.seen.Next
	for _, v := range d.idle.next(now) {
		if v.conn.giveUp(v.stamp) {
			d.seen.GivenUp++
			if v.warm {
				d.seen.Warm--
			}
		} else {
			next = now // it has just begun to do something else
		}
	}
	for _, c := range d.framed.next(now) {
		c.h2.Load().Announce()
		d.table.sentAway.Store(int64(now))
		next = min(next, now+step)
	}
	for _, signal := range d.long.next(now) {
		signal.Tell()
		d.seen.Told++
	}
	waiting := len(d.idle.waiting) + len(d.framed.waiting) + len(d.long.waiting)
	if waiting > 0 {
		next = min(next, now+step)
	} else {
		next = max(next, min(d.scanAt, now+goodbye))
	}
	seen := d.seen
	seen.Next = min(next, now+breather) // what comes meanwhile wakes nobody
	return seen
}

// scan looks at all connections.
func (d *Departure) scan(now time.Duration, patience Patience) {
	d.patience = patience
	d.conns = d.table.list(d.conns)
	d.scanAt = now + time.Duration(len(d.conns))*perConn
	d.idle.waiting, d.framed.waiting, d.long.waiting = d.idle.waiting[:0], d.framed.waiting[:0], d.long.waiting[:0]
	d.seen.Warm, d.seen.Occupied, d.seen.BegunAgain, d.seen.Next = 0, 0, 0, math.MaxInt64
	for _, c := range d.conns {
		c.dropIfClosed()
		seen := c.load()
		if c.occupied(seen) {
			d.seen.Occupied++
		}
		switch seen.phase() {
		case framed:
			d.http2(now, c, seen)
			d.lasting(now, c, seen.since())
		case busy, hijacked:
			if seen.phase() == busy && c.again.Load() {
				d.seen.BegunAgain = max(d.seen.BegunAgain, seen.since())
			}
			d.lasting(now, c, seen.since())
		case closing:
			d.parting(now, c, seen)
		case closed:
		case fresh, reading, idle:
			d.warm(now, c, seen)
		}
	}
}

// warm connections have no request and may bring one, until they have been silent
// for long. New ones that wait for no reason do not hold the stop.
func (d *Departure) warm(now time.Duration, c *conn, seen stamp) {
	patience, grace := d.patience.Idle, c.grace(seen.phase())
	fresh := seen.phase() == fresh || seen.phase() == framed || seen.phase() == reading && c.handshaken()
	if fresh {
		patience = d.patience.New
	}
	warm := !fresh || now < seen.since()+grace
	if warm {
		d.seen.Warm++
	}
	until := seen.since() + max(patience, grace)
	if !fresh && d.idle.by > 0 {
		until = max(until, d.began+settling)
	}
	if now >= until {
		d.idle.waiting = append(d.idle.waiting, visit{c, seen, warm})
	} else {
		d.again(until)
	}
}

func (d *Departure) again(at time.Duration) { d.seen.Next = min(d.seen.Next, at) }

// http2 goes away in two steps: it is told, and when the answer has come and no
// stream is open, it ends.
func (d *Departure) http2(now time.Duration, c *conn, seen stamp) {
	switch h := c.h2.Load(); {
	case h.Foreign(): // TLS: only the server itself can tell its client
		d.seen.Warm++
	case !h.Greeted():
		d.warm(now, c, seen)
	case !h.Announced() && d.early(now, c, seen):
		d.seen.Warm++
		d.again(now + 10*step)
	case !h.Announced():
		d.seen.Warm++
		d.framed.waiting = append(d.framed.waiting, c)
	case !h.Told():
		d.seen.Warm++
		d.again(now + step)
	case h.Finish():
		c.stamp.CompareAndSwap(uint64(seen), uint64(newStamp(closing, now)))
		d.again(now + goodbye)
	}
}

// early reports whether the connection has just come, and was perhaps opened for a
// request that is still on its way: to be sent away then costs a proxy which may
// not try again what it was about to send. Whoever comes while we linger is still
// sent here, and gets more time.
func (d *Departure) early(now time.Duration, c *conn, seen stamp) bool {
	if d.patience.New > 0 && seen.since() > d.began {
		return now < seen.since()+breather
	}
	return !c.spoken.Load() && c.h2.Load().Streams() == 0 && d.framed.by > 0 && now < seen.since()+settling
}

// parting waits for the client to close what has been ended, but not for long.
func (d *Departure) parting(now time.Duration, c *conn, seen stamp) {
	if now < seen.since()+goodbye {
		d.again(seen.since() + goodbye)
	} else if c.swap(seen, closed) {
		c.part()
	}
}

// lasting is for what may last: the connection's own work and each stream. Looking
// at a stream takes as long as looking at a connection.
func (d *Departure) lasting(now time.Duration, c *conn, since time.Duration) {
	d.listener(now, &c.told, since)
	c.eachStream(func(s *Stream) {
		d.listener(now, s.ctx.Asked(), s.began)
		d.scanAt += perConn
	})
}

// listener is told when its turn comes, if it is one.
func (d *Departure) listener(now time.Duration, signal *told.Signal, since time.Duration) {
	if !signal.Listening() || signal.Told() {
		return
	}
	if at := since + breather; since > d.began && now < at {
		d.again(at)
		return
	}
	d.long.waiting = append(d.long.waiting, signal)
}
