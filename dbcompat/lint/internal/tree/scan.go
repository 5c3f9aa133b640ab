package tree

import "strings"

// Comment is a comment of the source that begins with two dashes.
type Comment struct {
	At   int // offset of the first dash, in bytes
	Text string
}

// Scan is what can be said of a source without a grammar.
type Scan struct {
	// Code has the length of the source; comments, strings and quoted names
	// are blanks in it.
	Code     string
	Comments []Comment
	// Ends are the offsets behind the semicolons that end a statement.
	Ends []int
	// Deepest is no less than the depth of the tree: the parser's stack is
	// small, and beyond it the parser does not fail but turn for ever.
	Deepest int
}

// Look scans a source. It ends for every input, also for one that is no SQL.
func Look(src string) Scan {
	s := Scan{}
	code := []byte(src)
	depth := 0
	for at := 0; at < len(src); {
		end := skip(src, at)
		switch c := src[at]; {
		case strings.HasPrefix(src[at:], "--"):
			s.Comments = append(s.Comments, Comment{At: at, Text: strings.TrimSpace(src[at:end])})
		case c == '(' || c == '[':
			depth++
		case c == ')' || c == ']':
			depth = max(0, depth-1)
		case c == ';' && depth == 0:
			s.Ends = append(s.Ends, end)
		}
		if end > at+1 {
			blank(code[at:end])
		}
		at = end
	}
	s.Code = string(code)
	s.Deepest = depthOf(s.Code)
	return s
}

// skip finds the end of what is no code; for code it is the next byte.
func skip(src string, at int) int {
	switch c := src[at]; {
	case strings.HasPrefix(src[at:], "--"):
		return until(src, at, "\n")
	case strings.HasPrefix(src[at:], "/*"):
		return blockComment(src, at)
	case c == '\'' || c == '"':
		return quoted(src, at)
	case c == '$':
		return dollarQuoted(src, at)
	}
	return at + 1
}

// blank keeps the line ends, so that a line of Code is a line of the source.
func blank(code []byte) {
	for i := range code {
		if code[i] != '\n' {
			code[i] = ' '
		}
	}
}

func until(src string, at int, what string) int {
	if i := strings.Index(src[at:], what); i >= 0 {
		return at + i
	}
	return len(src)
}

// blockComment finds the end of a comment; they nest in PostgreSQL.
func blockComment(src string, at int) int {
	depth := 0
	for at < len(src) {
		switch {
		case strings.HasPrefix(src[at:], "/*"):
			depth, at = depth+1, at+2
		case strings.HasPrefix(src[at:], "*/"):
			depth, at = depth-1, at+2
		default:
			at++
		}
		if depth == 0 {
			break
		}
	}
	return at
}

// quoted finds the end of a string or a quoted name. A doubled quote needs no
// care: it is two strings side by side. E'…' knows the backslash.
func quoted(src string, at int) int {
	quote, escapes := src[at], at > 0 && (src[at-1] == 'E' || src[at-1] == 'e') && (at == 1 || !word(src[at-2]))
	for at++; at < len(src); at++ {
		switch {
		case src[at] == quote:
			return at + 1
		case src[at] == '\\' && escapes:
			at++
		}
	}
	return len(src)
}

// dollarQuoted finds the end of $tag$…$tag$; a parameter such as $1 is none.
func dollarQuoted(src string, at int) int {
	tag := at + 1
	for tag < len(src) && word(src[tag]) {
		tag++
	}
	inName := at > 0 && word(src[at-1])
	digit := at+1 < len(src) && src[at+1] >= '0' && src[at+1] <= '9'
	if tag == len(src) || src[tag] != '$' || inName || digit {
		return at + 1
	}
	open := src[at : tag+1]
	end := until(src, tag+1, open)
	return min(len(src), end+len(open))
}

func word(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}
