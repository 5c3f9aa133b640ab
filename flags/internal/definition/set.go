package definition

import (
	"github.com/handover-go/handover/flags/internal/bucket"
	"github.com/handover-go/handover/flags/internal/tree"
)

// Set is a document, compiled. It does not change.
type Set struct {
	ID, Version string // metadata flagSetId and version
	Bucketing   bucket.Algorithm
	Metadata    map[string]any
	Flags       map[string]*Flag

	evaluators map[string]evaluator
}

// Compile reads a document. If there is a mistake there is no set, unless lenient: then
// a flag that is wrong is Broken and the others are as good as ever, and what flagd
// would not mind is let pass. What has no flags to read is never a set.
//
// The mistakes are in the order of the document, and at most [tree.MaxMistakes]; if
// there are more, the last one says so.
func Compile(document []byte, lenient bool) (*Set, []tree.Mistake) {
	root, mistakes := tree.Parse(document)
	if root == nil {
		return nil, mistakes
	}
	c := &compiler{
		lenient:  lenient,
		set:      &Set{Bucketing: bucket.FlagdV2, Flags: map[string]*Flag{}, evaluators: map[string]evaluator{}},
		mistakes: mistakes, told: map[spot]bool{}, sizes: map[string]int{},
	}
	readable := c.document(root)
	mistakes = c.report()
	if !readable || len(mistakes) > 0 && !lenient {
		return nil, mistakes
	}
	return c.set, mistakes
}
