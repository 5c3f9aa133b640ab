package ofprovider

import "math"

// is takes a value of just this type.
func is[T any](v any) (T, bool) {
	t, ok := v.(T)
	return t, ok
}

// whole takes a number that is whole, and surely was: the client's are float64, where
// from 2⁵³ on a number may be its neighbour.
func whole(v any) (int64, bool) {
	f, ok := v.(float64)
	if !ok || f != math.Trunc(f) || math.Abs(f) >= 1<<53 {
		return 0, false
	}
	return int64(f), true
}

// object takes an object, and copies it: the client gives the same one to everybody.
func object(v any) (any, bool) {
	if _, ok := v.(map[string]any); !ok {
		return nil, false
	}
	return clone(v), true
}

func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for name, member := range v {
			m[name] = clone(member)
		}
		return m
	case []any:
		s := make([]any, len(v))
		for i, element := range v {
			s[i] = clone(element)
		}
		return s
	default:
		return v
	}
}

// kindOf is what a person calls the type of a value.
func kindOf(v any) string {
	switch v := v.(type) {
	case bool:
		return "a boolean"
	case string:
		return "text"
	case float64:
		if _, ok := whole(v); ok {
			return "a number"
		}
		return "a number that is not whole, or not exactly"
	default:
		return "an object"
	}
}
