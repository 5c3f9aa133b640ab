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
	for reason := ReasonStatic; reason <= ReasonError; reason++ {
		for i := -1; i < len(v.variants); i++ {
			a := answered{reason: reason}
			if i >= 0 {
				a.variant = v.variants[i]
			}
			if n := v.counts.Count(i, int(reason)); n > 0 {
				f(a, n)
			}
		}
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
