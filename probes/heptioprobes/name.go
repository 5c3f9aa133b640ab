package heptioprobes

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/handover-go/handover/probes"
)

// plain is a name that the set takes and that none of its checks has yet: of
// "DB Check" db-check, or db-check-2.
func plain(name string, checks []probes.CheckReport) string {
	base := stem(name)
	free := base
	for n := 2; slices.ContainsFunc(checks, func(c probes.CheckReport) bool { return c.Name == free }); n++ {
		suffix := fmt.Sprintf("-%d", n)
		free = base[:min(len(base), longest-len(suffix))] + suffix
	}
	return free
}

// letters are what a set takes in a name, longest how many of them.
const (
	letters = "abcdefghijklmnopqrstuvwxyz0123456789._-"
	longest = 63
)

func stem(name string) string {
	parts := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !strings.ContainsRune(letters, r) })
	stem := cmp.Or(strings.Join(parts, "-"), "check")
	return stem[:min(len(stem), longest)]
}

// shown is what the original's answers and series call a check of the set.
func (h *Handler) shown(name string) string {
	if m := h.members[name]; m != nil {
		return m.shown
	}
	return name
}

// taken reports whether there is something of that name in the answers already.
func (h *Handler) taken(name string, checks []probes.CheckReport) bool {
	return name == whole || slices.ContainsFunc(checks, func(c probes.CheckReport) bool { return h.shown(c.Name) == name })
}
