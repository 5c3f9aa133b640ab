package traffic

import (
	"net/http"
	"time"

	"github.com/handover-go/handover/internal/stack"
)

// InFlight is something that a connection is in the middle of.
type InFlight struct {
	Request  *http.Request // nil if it has not been read; only what nobody writes may be read
	Hijacked bool
	Age      time.Duration
	Stack    string // of the goroutine that answers it, where that is known
}

// InFlight lists what would be lost if all connections were closed now.
func (t *Table) InFlight() []InFlight {
	now := t.clock.exact()
	var list []InFlight
	var ids []stack.ID
	for _, c := range t.list() {
		seen := c.load()
		if p := seen.phase(); p != busy && p != hijacked && p != reading {
			continue
		}
		list = append(list, InFlight{
			Request:  c.request.Load(),
			Hijacked: seen.phase() == hijacked,
			Age:      now - seen.since(),
		})
		ids = append(ids, stack.ID(c.goroutine.Load()))
	}
	found := stack.Of(ids...)
	for i, id := range ids {
		list[i].Stack = found[id]
	}
	return list
}
