package tree

import "slices"

// Equal reports whether two documents mean the same: the order of members does not
// count, nor where they stand, nor how a number is written (1, 1.0, 1e0).
func Equal(a, b *Node) bool {
	if a == nil || b == nil {
		return a == b
	}
	if a.Kind != b.Kind {
		return false
	}
	switch a.Kind {
	case Bool:
		return a.Bool == b.Bool
	case Number:
		return a.Text == b.Text || a.Number == b.Number && exact(a.Number)
	case Array:
		return slices.EqualFunc(a.Items, b.Items, Equal)
	case Object:
		return equalMembers(a.Members, b.Members)
	default:
		return a.Text == b.Text
	}
}

// exact reports whether a float64 is near enough to zero to tell whole numbers apart:
// 9007199254740993 and …992 are the same float64, but two ids.
func exact(number float64) bool { return -1<<53 < number && number < 1<<53 }

func equalMembers(a, b []Member) bool {
	if len(a) != len(b) {
		return false
	}
	var byName map[string]*Node // of b, once the order differs
	for i := range a {
		other := b[i].Value
		if a[i].Name != b[i].Name {
			if byName == nil {
				byName = make(map[string]*Node, len(b))
				for _, member := range b {
					byName[member.Name] = member.Value
				}
			}
			other = byName[a[i].Name]
		}
		if other == nil || !Equal(a[i].Value, other) {
			return false
		}
	}
	return true
}
