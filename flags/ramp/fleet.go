package ramp

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/handover-go/handover/flags/guard"
)

// Guarded is what a member's guard says.
type Guarded struct {
	guard.Verdict

	// Began is when the step began that it speaks of, as the store has it. Of one that is
	// older it is no help.
	Began time.Time
}

// flag is the one with this key; nil if there is none.
func (fleet *Fleet) flag(key string) *Flag {
	if fleet != nil {
		for i := range fleet.Flags {
			if fleet.Flags[i].Key == key {
				return &fleet.Flags[i]
			}
		}
	}
	return nil
}

// behind says who keeps a flag from being widened, but for guards.
func (fleet *Fleet) behind(f *Flag) (reasons []string) {
	versions := map[string][]string{}
	for _, i := range fleet.Instances {
		versions[i.Version] = append(versions[i.Version], i.ID)
		if reason := i.behind(f); reason != "" {
			reasons = append(reasons, i.ID+" "+reason)
		}
	}
	if len(versions) > 1 {
		var all []string
		for _, version := range slices.Sorted(maps.Keys(versions)) {
			all = append(all, version+" ("+strings.Join(versions[version], ", ")+")")
		}
		reasons = append(reasons, fmt.Sprintf("%d versions of the code live: %s", len(all), strings.Join(all, "; ")))
	}
	return reasons
}

// behind says why this one does; nothing if it does not.
func (i *Instance) behind(f *Flag) string {
	seen, declared := i.Flags[f.Key]
	switch {
	case !declared:
		return "does not declare the flag"
	case seen.Type != "boolean":
		return "declares the flag as " + seen.Type
	case seen.Killed:
		return "has the flag killed"
	case !seen.has(f.Ramp.Revision):
		return fmt.Sprintf("has not got revision %d yet, but %s", f.Ramp.Revision, cmp.Or(seen.Set, "none"))
	case i.Stale:
		return "has stale flags"
	}
	return ""
}

// has reports whether a set is that of a revision, or of a later one. One that says
// something else is no document of the store: the flag is from an override.
func (s Seen) has(revision int64) bool {
	version, err := strconv.ParseInt(s.Set, 10, 64)
	return err == nil && version >= revision
}

// hearing sums up what guards say of a step.
type hearing struct {
	guards, spoken, holding int
	seen, least             uint64
	against                 []string
}

// heard asks all guards of a flag, of the step that began then.
func (fleet *Fleet) heard(key string, began time.Time) (evidence string, against []string) {
	h := hearing{}
	for id, g := range fleet.verdicts(key) {
		h.hear(id, g, began)
	}
	slices.Sort(h.against)
	switch {
	case h.guards == 0:
		return "no guard", nil
	case h.spoken == 0:
		h.against = append(h.against, "no guard has looked at the step yet")
	case h.seen < h.least || h.least == 0 && h.holding > 0:
		h.against = append(h.against, fmt.Sprintf("the guards have seen %d requests of the step, of at least %d", h.seen, h.least))
	}
	return fmt.Sprintf("the guards of %d instances pass, with %d requests of the step", h.guards, h.seen), h.against
}

func (h *hearing) hear(id string, g Guarded, began time.Time) {
	h.guards++
	switch {
	case g.State == guard.Tripped:
		h.against = append(h.against, fmt.Sprintf("%s: its guard has tripped: %s", id, g.Why))
		return
	case !g.Began.Equal(began):
		return // it has not begun to look at this step
	case g.State == guard.Holding:
		h.holding++
	}
	h.spoken++
	h.seen, h.least = h.seen+g.Step, max(h.least, g.Least)
}

// verdicts are what the guards have said, for the record.
func (fleet *Fleet) verdicts(key string) map[string]Guarded {
	all := map[string]Guarded{}
	for _, i := range fleet.Instances {
		if g, has := i.Guards[key]; has {
			all[i.ID] = g
		}
	}
	return all
}
