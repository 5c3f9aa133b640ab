package flags

import (
	"sync/atomic"
	"time"

	"github.com/handover-go/handover/flags/internal/definition"
	"github.com/handover-go/handover/flags/internal/tally"
)

// view is a version of everything: what is in force, or is pinned to a request that
// began when it was. It does not change, but for what is counted.
type view struct {
	version   string
	entries   []entry           // of the declared flags, by their places
	all       map[string]*entry // of all flags of the sets, by key; as those see them who have not declared them
	confirmed *stamp
}

// entry is a flag in a view. What an evaluation reads comes first, in one line of the
// processor's cache.
type entry struct {
	flag    *definition.Flag // nil if it is not there
	counts  *tally.Tally
	values  decoded
	ledger  *ledger
	kill    *killSwitch
	key     string
	version string          // of the set that it is from
	code    definition.Code // why it is not there
}

// killed reports whether the flag is forced to its default.
func (e *entry) killed() bool {
	return e.flag != nil && e.flag.Disabled || e.kill.bits.Load() != 0
}

// missing is why a flag is not in the view.
func (v *view) missing() definition.Code {
	if v.version == "" {
		return notReady
	}
	return definition.FlagNotFound
}

// age is how long before now the source last stood by what is in force; 0 if it never
// has, which Report tells apart.
func (v *view) age(now time.Time) time.Duration {
	at := v.confirmed.at()
	if at.IsZero() {
		return 0
	}
	return max(0, now.Sub(at))
}

// stamp is a moment that moves.
type stamp struct{ t atomic.Pointer[time.Time] }

func (s *stamp) set(t time.Time) { s.t.Store(&t) }

// at is zero if it was never set.
func (s *stamp) at() time.Time {
	if s == nil {
		return time.Time{}
	}
	if t := s.t.Load(); t != nil {
		return *t
	}
	return time.Time{}
}
