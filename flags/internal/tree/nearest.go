package tree

import (
	"strings"
	"unicode/utf8"
)

// candidates is how many names Nearest looks at closely, so that a document of nothing
// but mistakes is refused in bounded time.
const candidates = 500

// Nearest is the one of these names that a person who wrote this one may have meant:
// it differs in its case, or by a letter or two. "" if there is none.
func Nearest(name string, names []string) string {
	if len(name) > clip {
		return ""
	}
	name = strings.ToLower(name)
	length := utf8.RuneCountInString(name)
	best, least, same, looks := "", 1+length/5, 0, 0 // beyond that it is another word
	for _, candidate := range names {
		if n := utf8.RuneCountInString(candidate); n < length-least || n > length+least {
			continue
		}
		if looks++; looks > candidates {
			break
		}
		lower := strings.ToLower(candidate)
		d, prefix := distance(name, lower), common(name, lower)
		if d < least || d == least && (best == "" || prefix > same) {
			best, least, same = candidate, d, prefix
		}
	}
	return best
}

// common decides between "on" and "off" for "of".
func common(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

// distance is the number of letters to add, drop, replace or swap with a neighbour.
func distance(a, b string) int {
	from, to := []rune(a), []rune(b)
	older, old, row := make([]int, len(to)+1), make([]int, len(to)+1), make([]int, len(to)+1)
	for j := range old {
		old[j] = j
	}
	for i := 1; i <= len(from); i++ {
		row[0] = i
		for j := 1; j <= len(to); j++ {
			replace := old[j-1]
			if from[i-1] != to[j-1] {
				replace++
			}
			row[j] = min(old[j]+1, row[j-1]+1, replace)
			if i > 1 && j > 1 && from[i-1] == to[j-2] && from[i-2] == to[j-1] {
				row[j] = min(row[j], older[j-2]+1)
			}
		}
		older, old, row = old, row, older
	}
	return old[len(to)]
}
