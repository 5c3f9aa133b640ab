package ofprovider

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/handover-go/handover/flags"
)

// settling is how long after Init nothing is said of the provider's state. The SDK
// sends a READY or ERROR of its own when Init has returned, and does not tell when it
// has: a STALE that came before would be undone by it, and the SDK would believe for
// ever that all is well (specification, appendix E).
const settling = time.Second

// outbox is what the SDK has to be told. Of states only the last one matters, keys are
// gathered.
type outbox struct {
	wake chan struct{} // holds one if something has changed

	mu      sync.Mutex
	holds   openfeature.Event     // READY, STALE or ERROR, as the client has it
	told    openfeature.EventType // as the SDK has it; empty until the first Init has ended
	quiet   time.Time             // no states until then
	opened  bool                  // keys are changes from now on, and no first set
	keys    map[string]bool       // that have changed
	offered map[string]bool       // those of them that deliver has in hand
}

func newOutbox() outbox {
	return outbox{wake: make(chan struct{}, 1), keys: map[string]bool{}, offered: map[string]bool{}}
}

// put takes what the client says.
func (o *outbox) put(c flags.Change) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.holds = stateOf(c)
	if o.opened {
		for _, key := range c.Keys {
			o.keys[key] = true
		}
	}
	o.opened = o.opened || c.Status != flags.NotReady
	o.stir()
}

// initEnds notes what the SDK is going to say by itself: to all domains, including
// those that have been told otherwise before.
func (o *outbox) initEnds(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.opened = true
	o.told, o.quiet = openfeature.ProviderReady, time.Now().Add(settling)
	if err != nil {
		o.told = openfeature.ProviderError
	}
	o.stir()
}

// stir wakes deliver. o.mu is held.
func (o *outbox) stir() {
	select {
	case o.wake <- struct{}{}:
	default: // it is going to look anyway
	}
}

// deliver sends what there is to be told until ctx ends.
func (o *outbox) deliver(ctx context.Context, to chan<- openfeature.Event) {
	for {
		event, wait := o.next(time.Now())
		var send chan<- openfeature.Event
		var later <-chan time.Time
		switch {
		case event.EventType != "":
			send = to
		case wait > 0:
			later = time.After(wait)
		}
		select {
		case send <- event:
			o.sent(event)
		case <-o.wake:
		case <-later:
		case <-ctx.Done():
			return
		}
	}
}

// next is what is to be sent now, if its type is not empty, or the time until there
// may be something.
func (o *outbox) next(now time.Time) (openfeature.Event, time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	wait := o.quiet.Sub(now)
	news := o.told != "" && o.holds.EventType != o.told
	switch {
	case news && wait <= 0:
		return o.holds, 0
	case len(o.keys)+len(o.offered) > 0:
		maps.Copy(o.offered, o.keys)
		clear(o.keys)
		event := openfeature.Event{ProviderName: name, EventType: openfeature.ProviderConfigChange}
		event.FlagChanges = slices.Sorted(maps.Keys(o.offered))
		return event, 0
	case news:
		return openfeature.Event{}, wait
	default:
		return openfeature.Event{}, 0
	}
}

// sent notes what the SDK has taken. What was put, or began, in between is not undone
// by it.
func (o *outbox) sent(event openfeature.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case event.EventType == openfeature.ProviderConfigChange:
		clear(o.offered)
	case !time.Now().Before(o.quiet):
		o.told = event.EventType
	}
}
