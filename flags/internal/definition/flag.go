package definition

import (
	"encoding/json"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/handover-go/handover/flags/internal/logic"
	"github.com/handover-go/handover/flags/internal/tree"
)

// Kind is the type of a flag's variants.
type Kind uint8

// The kinds of flagd. The zero is a flag of mixed ones, which only a lenient reader
// has: whatever its caller expects, it is not that.
const (
	Bool Kind = iota + 1
	String
	Number
	Object
)

// Variant is one of the values of a flag.
type Variant struct {
	Name string
	JSON json.RawMessage // without spaces; numbers as they are written
}

// Flag is one compiled flag.
type Flag struct {
	Key      string
	Kind     Kind
	Disabled bool           // state
	Broken   bool           // see Compile
	Variants []Variant      // in the document's order
	Default  int            // index of defaultVariant; -1 if there is none
	Metadata map[string]any // the set's and then the flag's own; to be read only
	Killed   *atomic.Uint32 // set by the client before the set is used; not 0: gives its caller's default. May be nil

	whole         bool
	byName        map[string]int // if there are more than few
	rule          logic.Rule     // nil: no targeting
	choose        logic.Chooser  // the same, if it only chooses
	prerequisites []prerequisite
	seed          string

	// For comparing with another version of it.
	set    *Set
	source *tree.Node
	refs   []string // the evaluators that its targeting uses, and what those use
}

// Whole reports whether the variants are numbers that an int64 can hold.
func (f *Flag) Whole() bool { return f.whole }

// Unkilled is the flag as it is defined, whatever has been killed, of its prerequisites
// as well.
func (f *Flag) Unkilled() *Flag {
	if f == nil {
		return nil
	}
	is := *f
	is.Killed = nil
	is.prerequisites = slices.Clone(f.prerequisites)
	for i := range is.prerequisites {
		p := &is.prerequisites[i]
		p.flag = p.flag.Unkilled()
	}
	return &is
}

// Extension is a member of the definition whose name begins with "x-", as JSON; nil if it
// has none.
func (f *Flag) Extension(name string) json.RawMessage {
	if f == nil {
		return nil
	}
	n := f.source.Get(name)
	if n == nil || !strings.HasPrefix(name, "x-") {
		return nil
	}
	return n.JSON()
}

// few is how many names are found faster one after the other.
const few = 8

func (f *Flag) index() {
	if len(f.Variants) <= few {
		return
	}
	f.byName = make(map[string]int, len(f.Variants))
	for i := range f.Variants {
		f.byName[f.Variants[i].Name] = i
	}
}

// variant is the index of a variant, or -1.
func (f *Flag) variant(name string) int {
	if f.byName != nil {
		if i, ok := f.byName[name]; ok {
			return i
		}
		return -1
	}
	for i := range f.Variants {
		if f.Variants[i].Name == name {
			return i
		}
	}
	return -1
}

// defaultName is the default variant's name.
func (f *Flag) defaultName() (name string, ok bool) {
	if f.Default < 0 || f.Default >= len(f.Variants) {
		return "", false
	}
	return f.Variants[f.Default].Name, true
}

// names are those of the variants; the first ones, if nobody would read them all.
func (f *Flag) names() []string {
	all := make([]string, min(len(f.Variants), 1000))
	for i := range all {
		all[i] = f.Variants[i].Name
	}
	return all
}
