package flags

import (
	"slices"
	"sync/atomic"

	"github.com/handover-go/handover/flags/internal/definition"
	"github.com/handover-go/handover/flags/internal/tally"
)

// ledger keeps what one flag has answered, for as long as the client lives. The
// client's mu guards it, but for skipped and what is in the volumes.
type ledger struct {
	volumes []volume // the last one is open; requests that are pinned write to older ones
	closed  map[answered]uint64
	skipped atomic.Uint64 // rollouts passed over for want of a key
}

// volume counts for as long as the flag has these variants.
type volume struct {
	variants []string
	counts   *tally.Tally
}

type answered struct {
	variant string
	reason  Reason
}

// openVolumes is how many sets of variants a flag may have had within the life of a
// request, without anything going uncounted.
const openVolumes = 8

// open is where a flag with these variants counts.
func (l *ledger) open(variants []definition.Variant) *tally.Tally {
	names := make([]string, len(variants))
	for i, v := range variants {
		names[i] = v.Name
	}
	for i, v := range l.volumes {
		if slices.Equal(v.variants, names) {
			l.volumes = append(slices.Delete(l.volumes, i, i+1), v) // it is not the next to be closed
			return v.counts
		}
	}
	if len(l.volumes) == openVolumes {
		if l.closed == nil {
			l.closed = map[answered]uint64{}
		}
		l.volumes[0].each(func(a answered, n uint64) { l.closed[a] += n })
		l.volumes = slices.Delete(l.volumes, 0, 1)
	}
	v := volume{variants: names, counts: tally.New(len(names))}
	l.volumes = append(l.volumes, v)
	return v.counts
}

// sum is all that was counted.
func (l *ledger) sum() map[answered]uint64 {
	sum := map[answered]uint64{}
	for a, n := range l.closed {
		sum[a] += n
	}
	for _, v := range l.volumes {
		v.each(func(a answered, n uint64) { sum[a] += n })
	}
	return sum
}

func (v volume) each(f func(answered, uint64)) {
	count := func(i int, name string, reasons ...definition.Reason) {
		for _, reason := range reasons {
			if n := v.counts.Count(i, column(i, reason)); n > 0 {
				f(answered{name, reasonOf(reason)}, n)
			}
		}
	}
	count(-1, "", definition.Default, definition.Disabled, definition.Error)
	for i, name := range v.variants {
		count(i, name, definition.Static, definition.Default, definition.TargetingMatch, definition.Split)
	}
}

// column is where a reason is counted. A variant has other reasons than the caller's
// default, and none has more than four.
func column(variant int, reason definition.Reason) int {
	switch {
	case variant >= 0:
		return int(reason-definition.Static) % tally.Reasons
	case reason == definition.Default:
		return 0
	default:
		return int(reason-definition.Disabled+1) % tally.Reasons
	}
}

// ledgerOf is the flag's, made when it is first asked for. c.mu is held.
func (c *Client) ledgerOf(key string) *ledger {
	l := c.ledgers[key]
	if l == nil {
		l = &ledger{}
		c.ledgers[key] = l
	}
	return l
}

// forget drops the ledgers of flags that are gone and that nobody has asked for: a set
// whose keys change all the time would leave 2 KiB for each of them. c.mu is held.
func (c *Client) forget(v *view) {
	for key, l := range c.ledgers {
		if v.all[key] == nil && !c.declares(key) && len(l.sum()) == 0 {
			delete(c.ledgers, key)
		}
	}
}
