package flags

import (
	"hash/maphash"
	"sync/atomic"
	"time"
)

// crowd remembers subjects that were pinned of late, to tell whom a change would move. A
// key has a seat, which it shares with others: so nobody is in two, and each subject
// stands for as many as any other, however often it comes. A nil crowd remembers nobody.
type crowd struct {
	seed  maphash.Seed
	seats [1024]atomic.Pointer[sighting]
}

// sighting is a subject, and when it was seen.
type sighting struct {
	subject Subject
	at      time.Time
}

const (
	turnover   = time.Second // a seat goes to who comes next, but no more often: that is what keeps Pin cheap
	remembered = time.Hour   // attributes may be of persons
)

func newCrowd(maxMovement float64) *crowd {
	if !(maxMovement > 0) {
		return nil
	}
	return &crowd{seed: maphash.MakeSeed()}
}

// see remembers a subject, if its seat is free. One without a key cannot be told from
// others, and is not remembered.
func (c *crowd) see(s Subject, at time.Time) {
	if c == nil || s.Key == "" {
		return
	}
	seat := &c.seats[maphash.String(c.seed, s.Key)%uint64(len(c.seats))]
	if was := seat.Load(); was == nil || at.Sub(was.at) >= turnover {
		seat.Store(&sighting{s, at})
	}
}

// recent are those who are remembered. The others are forgotten for good.
func (c *crowd) recent(now time.Time) (all []Subject) {
	if c == nil {
		return nil
	}
	for i := range c.seats {
		seen := c.seats[i].Load()
		switch {
		case seen == nil:
		case now.Sub(seen.at) < remembered:
			all = append(all, seen.subject)
		default:
			c.seats[i].CompareAndSwap(seen, nil)
		}
	}
	return all
}
