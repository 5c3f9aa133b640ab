package dbcompat

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/handover-go/handover/dbcompat/internal/expression"
)

// Quote makes a name an identifier: display_name becomes "display_name". A NUL, which no
// name has, is left out.
func Quote(name string) string {
	var b strings.Builder
	quote(&b, name)
	return b.String()
}

func quote(b *strings.Builder, name string) {
	if strings.ContainsAny(name, "\x00\"") {
		name = strings.ReplaceAll(strings.ReplaceAll(name, "\x00", ""), `"`, `""`)
	}
	b.Grow(len(name) + 2)
	b.WriteByte('"')
	b.WriteString(name)
	b.WriteByte('"')
}

func quoteAll(names []string) []string {
	all := make([]string, len(names))
	for i, n := range names {
		all[i] = Quote(n)
	}
	return all
}

// nameBytes is how long a name can be; PostgreSQL cuts off the rest, so that two names
// may be one.
const nameBytes = 63

func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("it is empty: give the column's name")
	case len(name) > nameBytes:
		return fmt.Errorf("a name has %d bytes at most: give it as it is in the database", nameBytes)
	case strings.Contains(name, "\x00") || !utf8.ValidString(name):
		return errors.New("no name is like this: give it in UTF-8, without a NUL")
	}
	return nil
}

// tableNames are the parts of users, shop.users and shop."my.users".
func tableNames(table string) []string {
	var parts []string
	for {
		part, rest, more := cutName(table)
		parts = append(parts, part)
		if !more {
			return parts
		}
		table = rest
	}
}

// cutName cuts off the first part. What begins with a quote and does not end with one is
// a name as it stands.
func cutName(table string) (name, rest string, more bool) {
	name, rest, found := expression.CutQuoted(table)
	if found && (rest == "" || rest[0] == '.') {
		return name, strings.TrimPrefix(rest, "."), rest != ""
	}
	return strings.Cut(table, ".")
}

// relation quotes them.
func relation(table string) string {
	return strings.Join(quoteAll(tableNames(table)), ".")
}

// typeWord is a name in a type.
const typeWord = `(?:[a-zA-Z_\x{80}-\x{10ffff}][\w$\x{80}-\x{10ffff}]*|"(?:[^"\x00]|"")+")`

// typeNames are those of types: text, numeric(10,2), timestamp(3) with time zone, text[],
// shop."Mood", geometry(Point,4326).
var typeNames = regexp.MustCompile(`^(?:(?:` + typeWord + `\.)?` + typeWord + `|double precision|(?:character|bit) varying)` +
	`(?: ?\( ?-?\w+(?:, ?-?\w+)* ?\))?(?: with(?:out)? time zone)?(?:\[\d*\])*$`)
