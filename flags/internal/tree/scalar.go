package tree

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// word reads true, false and null.
func (p *parser) word() *Node {
	end := p.at
	for end < len(p.data) && (isLetter(p.data[end]) || isDigit(p.data[end])) {
		end++
	}
	n := p.node(Null)
	if n == nil {
		return nil
	}
	switch word := string(p.data[p.at:end]); word {
	case "null":
	case "true", "false":
		n.Kind, n.Bool = Bool, word == "true"
	default:
		p.foreign(word)
		return nil
	}
	p.at = end
	return n
}

// foreign explains a word that is one in another language.
func (p *parser) foreign(word string) {
	switch lower := strings.ToLower(word); lower {
	case "nan", "infinity":
		p.fail("JSON has no "+word, "a number, or null")
	case "true", "false", "null":
		p.fail(word+" is no value", lower)
	default:
		p.fail(Quote(word)+" is no value", "double quotes around a text")
	}
}

// number reads what RFC 8259 calls one, which is less than what strconv does.
func (p *parser) number() *Node {
	n := p.node(Number)
	begin := p.at
	if n == nil || !p.whole() || !p.fraction() || !p.exponent() {
		return nil
	}
	n.Text = string(p.data[begin:p.at])
	var err error
	if n.Number, err = strconv.ParseFloat(n.Text, 64); err != nil { // the grammar is right, so it is the range
		p.at = begin
		p.fail(fmt.Sprintf("the number %s is too large", strings.Trim(Quote(n.Text), `"`)), "at most 1.79e308")
		return nil
	}
	return n
}

func (p *parser) whole() bool {
	if p.next() == '-' {
		p.at++
	}
	begin := p.at
	if !isDigit(p.next()) {
		p.fail("a minus without digits", "a number")
		return false
	}
	p.digits()
	if p.data[begin] == '0' && p.at > begin+1 {
		p.at = begin
		p.fail("a number with zeros in front", "none")
		return false
	}
	return true
}

func (p *parser) fraction() bool {
	if p.next() != '.' {
		return true
	}
	p.at++
	return p.digits()
}

func (p *parser) exponent() bool {
	if p.next()|0x20 != 'e' {
		return true
	}
	p.at++
	if c := p.next(); c == '+' || c == '-' {
		p.at++
	}
	return p.digits()
}

// digits reads those that have to be here.
func (p *parser) digits() bool {
	begin := p.at
	for isDigit(p.next()) {
		p.at++
	}
	if p.at == begin {
		p.fail("a number without digits at its end", "")
		return false
	}
	return true
}

func (p *parser) string() *Node {
	n := p.node(String)
	if n == nil || !p.text(&n.Text) {
		return nil
	}
	return n
}

// text reads a string. What has no escapes is copied as it is.
func (p *parser) text(into *string) bool {
	p.at++
	begin := p.at
	var decoded []byte
	for p.at < len(p.data) {
		switch c := p.data[p.at]; {
		case c == '"':
			*into = string(append(decoded, p.data[begin:p.at]...))
			p.at++
			return true
		case c == '\\':
			decoded = append(decoded, p.data[begin:p.at]...)
			r, ok := p.escape()
			if !ok {
				return false
			}
			decoded = utf8.AppendRune(decoded, r)
			begin = p.at
		case c < ' ':
			p.fail("a line break or another control character in a string", fmt.Sprintf(`\u%04x`, c))
			return false
		case c < utf8.RuneSelf:
			p.at++
		default:
			r, size := utf8.DecodeRune(p.data[p.at:])
			if r == utf8.RuneError && size == 1 {
				p.fail("a byte that is not UTF-8", "UTF-8")
				return false
			}
			p.at += size
		}
	}
	p.fail("the document ends in a string", `"`)
	return false
}

// escape reads one, with both of its halves if it is a surrogate pair. Half a pair is
// U+FFFD, as with encoding/json.
func (p *parser) escape() (rune, bool) {
	p.at++
	const letters, meant = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	c := p.next()
	if i := strings.IndexByte(letters, c); c != 0 && i >= 0 {
		p.at++
		return rune(meant[i]), true
	}
	r, ok := p.unicode(p.at)
	if !ok {
		p.fail("a backslash that escapes nothing", `\\`)
		return 0, false
	}
	p.at += 5
	if !utf16.IsSurrogate(r) {
		return r, true
	}
	if p.next() == '\\' {
		if low, ok := p.unicode(p.at + 1); ok {
			if pair := utf16.DecodeRune(r, low); pair != unicode.ReplacementChar {
				p.at += 6
				return pair, true
			}
		}
	}
	return unicode.ReplacementChar, true
}

// unicode is the number of a \u whose u is at this offset.
func (p *parser) unicode(at int) (rune, bool) {
	if at+5 > len(p.data) || p.data[at] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range p.data[at+1 : at+5] {
		digit := strings.IndexByte("0123456789abcdef", c|0x20)
		if digit < 0 || c < '0' {
			return 0, false
		}
		r = r<<4 | rune(digit)
	}
	return r, true
}
