package flags

import "context"

// Subject is whom a flag is asked for. It is made once per request, and not written to
// after that.
type Subject struct {
	// Key decides where a rollout puts it: OpenFeature's targetingKey. It should be
	// stable, and the same on the user's every request. Without one no rollout takes
	// the subject, and Evaluation.NoKey says so.
	Key string

	// Attributes are what rules may look at, by the names they use: text, numbers,
	// booleans, slices and maps of them, time.Time. What is of another type is to a
	// rule as if it were not there.
	Attributes map[string]any
}

// SubjectOf is the subject of the pin that was made last; false if nothing is pinned.
func SubjectOf(ctx context.Context) (Subject, bool) {
	p := pinOf(ctx)
	if p == nil || p.client == nil { // With alone pins nobody
		return Subject{}, false
	}
	return Subject{Key: p.scope.Key, Attributes: p.scope.Attributes}, true
}
