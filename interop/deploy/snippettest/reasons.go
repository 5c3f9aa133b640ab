package snippettest

import (
	"fmt"
	"regexp"
	"strings"
)

// Unexplained returns the lines of a snippet with a number that has no comment: on
// its own line, or right above it, as those languages have it in which a line cannot
// have one. A block of text in YAML is explained by its key. A number is one on its own:
// "30", "5%", "28s" and not "v1" or "http2".
func Unexplained(text string) []string {
	var found []string
	r := reader{block: none}
	for i, line := range strings.Split(text, "\n") {
		if code, explained := r.next(line); !explained && number.MatchString(code) {
			found = append(found, fmt.Sprintf("line %d: %s", i+1, strings.TrimSpace(line)))
		}
	}
	return found
}

// A reader goes through a snippet line by line.
type reader struct {
	above bool // the comment above, or the key of the block, explains what comes
	block int  // the indentation of that key
}

const none = -1

// next returns the code of a line, and whether something explains it.
func (r *reader) next(line string) (code string, explained bool) {
	indent := len(line) - len(strings.TrimLeft(line, " "))
	if r.block != none && (indent > r.block || strings.TrimSpace(line) == "") {
		return line, r.above
	}
	above := r.above && r.block == none // a block takes its reason with it
	code, comment := cutComment(line)
	blank := strings.TrimSpace(code) == ""
	explained = comment != "" || above && !blank
	r.above, r.block = blank && comment != "", none
	if strings.HasSuffix(strings.TrimSpace(code), ": |") {
		r.above, r.block = explained, indent
	}
	return code, explained
}

// number is a whole value, or one of several words. Names, versions of an API and
// addresses have other letters in the word.
var number = regexp.MustCompile(`(^|[\s"=\[,:])[0-9]+(\.[0-9]+)?(%|ms|s|m|h|d)?($|[\s",\];])`)

func cutComment(line string) (code, comment string) {
	if trimmed := strings.TrimSpace(line); strings.HasPrefix(trimmed, "#") {
		return "", strings.TrimLeft(trimmed, "# ")
	}
	code, comment, _ = strings.Cut(line, " # ")
	return code, comment
}
