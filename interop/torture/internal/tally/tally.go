// Package tally counts what became of requests and messages.
//
//	lost    the client has no right answer, and cannot know that nothing was done
//	unsent  it knows that nothing was done, and sends again: nothing was written,
//	        the stream is above the last one of a GOAWAY, or the message crossed
//	        the close of its WebSocket; the second attempt counts as a request
//	cut     a stream ended without a goodbye, or a message is missing in it
package tally

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Counts are those of one protocol, or of several.
type Counts struct {
	Requests int            `json:"requests"` // streams count once
	Lost     int            `json:"lost"`
	Unsent   int            `json:"unsent"`
	Messages int            `json:"messages"` // that came by streams
	Cut      int            `json:"cut"`
	Causes   map[string]int `json:"causes,omitempty"` // of what was lost or cut
}

// Add is the sum of both.
func (c *Counts) Add(other Counts) {
	c.Requests += other.Requests
	c.Lost += other.Lost
	c.Unsent += other.Unsent
	c.Messages += other.Messages
	c.Cut += other.Cut
	if c.Causes == nil {
		c.Causes = map[string]int{}
	}
	for cause, n := range other.Causes {
		c.Causes[cause] += n
	}
}

// Reasons lists the causes, the most frequent first.
func (c Counts) Reasons() string {
	causes := slices.SortedFunc(maps.Keys(c.Causes), func(a, b string) int {
		return cmp.Or(cmp.Compare(c.Causes[b], c.Causes[a]), cmp.Compare(a, b))
	})
	var parts []string
	for _, cause := range causes {
		parts = append(parts, fmt.Sprintf("%s ×%d", cause, c.Causes[cause]))
	}
	return strings.Join(parts, ", ")
}

// Tally counts by protocol. Its methods may be called at the same time.
type Tally struct {
	log func(time.Time, string)

	mu     sync.Mutex
	counts map[string]*Counts
}

// New returns an empty one; log, unless nil, is told of each loss.
func New(log func(at time.Time, what string)) *Tally {
	return &Tally{log: log, counts: map[string]*Counts{}}
}

// Request counts one that was sent.
func (t *Tally) Request(protocol string) { t.change(protocol, func(c *Counts) { c.Requests++ }) }

// Message counts one that came by a stream, as it should.
func (t *Tally) Message(protocol string) { t.change(protocol, func(c *Counts) { c.Messages++ }) }

// Unsent counts a request or a message that will be sent again.
func (t *Tally) Unsent(protocol string) { t.change(protocol, func(c *Counts) { c.Unsent++ }) }

// Lost counts a request without its right answer.
func (t *Tally) Lost(protocol, cause string) {
	t.change(protocol, func(c *Counts) { c.Lost++; c.Causes[cause]++ })
	t.tell("lost " + protocol + ": " + cause)
}

// Cut counts a stream that ended where it should not.
func (t *Tally) Cut(protocol, cause string) {
	t.change(protocol, func(c *Counts) { c.Cut++; c.Causes["cut: "+cause]++ })
	t.tell("cut " + protocol + ": " + cause)
}

// Counts returns a copy.
func (t *Tally) Counts() map[string]Counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := map[string]Counts{}
	for protocol, c := range t.counts {
		all[protocol] = *c
	}
	return all
}

func (t *Tally) change(protocol string, f func(*Counts)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.counts[protocol]
	if c == nil {
		c = &Counts{Causes: map[string]int{}}
		t.counts[protocol] = c
	}
	f(c)
}

func (t *Tally) tell(what string) {
	if t.log != nil {
		t.log(time.Now(), what)
	}
}
