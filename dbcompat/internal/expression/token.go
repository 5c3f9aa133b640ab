package expression

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// token is a piece of an expression.
type token struct {
	kind tokenKind
	text string // as it is written
	name string // of an identifier, as PostgreSQL knows it
}

// is reports whether it is a word, which in quotes it would not be.
func (t token) is(word string) bool {
	return t.kind == identifier && t.text[0] != '"' && t.name == word
}

type tokenKind uint8

const (
	other      tokenKind = iota // operators and white space
	identifier                  // also key words and functions
	literal                     // a text, or a number
)

// tokens cuts an expression into pieces, all of which together are the expression.
func tokens(e string) ([]token, error) {
	if !utf8.ValidString(e) {
		return nil, errors.New("it is not UTF-8")
	}
	var all []token
	for len(e) > 0 {
		t, err := next(e)
		if err != nil {
			return nil, err
		}
		all = append(all, t)
		e = e[len(t.text):]
	}
	return all, nil
}

// next is the first piece.
func next(e string) (token, error) {
	if err := refused(e); err != nil {
		return token{}, err
	}
	c := e[0]
	switch {
	case c == '\'':
		return quoted(e, literal)
	case c == '"':
		return quoted(e, identifier)
	case c == '$':
		return dollar(e)
	case starts(e, "E'"):
		return escaped(e)
	case continues(c):
		return word(e), nil
	}
	size := 1
	if strings.HasPrefix(e, "::") {
		size = 2
	}
	return token{kind: other, text: e[:size]}, nil
}

// word is a name, or a number.
func word(e string) token {
	if !begins(e[0]) {
		return token{kind: literal, text: e[:span(e, func(c byte) bool { return continues(c) || c == '.' })]}
	}
	name := e[:span(e, func(c byte) bool { return continues(c) || c == '$' })]
	return token{identifier, name, lower(name)}
}

func refused(e string) error {
	switch {
	case e[0] == 0:
		return errors.New("it has a NUL")
	case strings.HasPrefix(e, "--"), strings.HasPrefix(e, "/*"):
		return errors.New("it has a comment: say it in the program")
	case starts(e, `U&"`):
		return errors.New(`it has a U&"name": write the name itself`)
	}
	return nil
}

// starts is strings.HasPrefix in any case.
func starts(e, prefix string) bool {
	return len(e) >= len(prefix) && strings.EqualFold(e[:len(prefix)], prefix)
}

// A name begins and goes on as in PostgreSQL's scan.l: whatever is not ASCII is a letter.
func begins(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= utf8.RuneSelf
}

func continues(c byte) bool { return begins(c) || c >= '0' && c <= '9' }

// span is the length of the beginning of which a function says true.
func span(e string, is func(byte) bool) int {
	for i := range len(e) {
		if !is(e[i]) {
			return i
		}
	}
	return len(e)
}

// lower is what PostgreSQL makes of a name without quotes, where text is UTF-8.
func lower(name string) string {
	b := []byte(name)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}

// quoted is a text or a name up to its closing mark; a doubled one is a part of it.
func quoted(e string, kind tokenKind) (token, error) {
	mark := e[:1]
	for i := 1; i < len(e); i++ {
		if e[i] != mark[0] {
			continue
		}
		if strings.HasPrefix(e[i+1:], mark) {
			i++
			continue
		}
		t := token{kind: kind, text: e[:i+1]}
		if kind == identifier {
			t.name = strings.ReplaceAll(e[1:i], mark+mark, mark)
		}
		return t, nil
	}
	return token{}, errors.New("a " + mark + " is not closed")
}

// escaped is a text with backslashes: E'it\'s'.
func escaped(e string) (token, error) {
	for i := 2; i < len(e); i++ {
		switch {
		case e[i] == '\\':
			i++
		case e[i] == '\'' && strings.HasPrefix(e[i+1:], "'"):
			i++
		case e[i] == '\'':
			return token{kind: literal, text: e[:i+1]}, nil
		}
	}
	return token{}, errors.New("a ' is not closed")
}

// dollar is a text between $tag$ and $tag$, or the mark of a parameter.
func dollar(e string) (token, error) {
	end := 1
	if len(e) > 1 && begins(e[1]) {
		end += span(e[1:], continues)
	}
	if !strings.HasPrefix(e[end:], "$") {
		return token{kind: other, text: "$"}, nil
	}
	tag := e[:end+1]
	closing := strings.Index(e[len(tag):], tag)
	if closing < 0 {
		return token{}, errors.New("a " + tag + " is not closed")
	}
	return token{kind: literal, text: e[:len(tag)+closing+len(tag)]}, nil
}
