package promflags

import (
	"strings"
	"unicode/utf8"

	"github.com/handover-go/handover/flags"
)

// other is the variant of those for which there was no place. One of that name is
// among them.
const other = "other"

// places are the flags that had series in the last scrape, and the variants of each. A
// variant keeps its place for good: were it to move into "other" or out of it, both
// would go back.
type places map[string]*place

type place struct {
	variants map[string]bool
	listed   bool // in the last scrape
}

// series are those of one flag.
type series struct {
	flags.FlagReport
	label  string
	counts map[answer]uint64
}

type answer struct {
	variant string
	reason  flags.Reason
}

// choose gives places to flags: to those that are declared, to those that had one, and
// then by name. Two whose keys make the same label cannot both have one.
func (p places) choose(all []flags.FlagReport, cfg Config) []series {
	var chosen []series
	taken := map[string]bool{}
	for rank := range ranks {
		for _, f := range all {
			label := text(f.Key)
			if len(chosen) < cfg.MaxFlags && p.rank(f) == rank && !taken[label] {
				taken[label] = true
				chosen = append(chosen, series{FlagReport: f, label: label})
			}
		}
	}
	p.keep(chosen)
	for i, f := range chosen {
		chosen[i].counts = p[f.Key].count(f.Answers, cfg.MaxVariants)
	}
	return chosen
}

const ranks = 3

func (p places) rank(f flags.FlagReport) int {
	switch had := p[f.Key]; {
	case f.Declared:
		return 0
	case had != nil && had.listed:
		return 1
	default:
		return 2
	}
}

// keep notes who has a place now.
func (p places) keep(chosen []series) {
	for _, had := range p {
		had.listed = false
	}
	for _, f := range chosen {
		if p[f.Key] == nil {
			p[f.Key] = &place{variants: map[string]bool{}}
		}
		p[f.Key].listed = true
	}
}

// count adds up what has the same labels.
func (p *place) count(all []flags.Answers, most int) map[answer]uint64 {
	counts := map[answer]uint64{}
	for _, a := range all {
		name := text(a.Variant)
		switch {
		case name == "" || p.variants[name]:
		case len(p.variants) < most && name != other:
			p.variants[name] = true
		default:
			name = other
		}
		counts[answer{name, a.Reason}] += a.Count
	}
	return counts
}

// text is what may be a label: Prometheus takes nothing but UTF-8.
func text(s string) string { return strings.ToValidUTF8(s, string(utf8.RuneError)) }
