package tree

import (
	"bytes"
	"fmt"
)

// What a document may have. The first is that of the sources; the others keep a
// document of nothing but brackets from costing a hundred times its size.
const (
	maxBytes = 16 << 20
	maxDepth = 128
	maxNodes = 2_000_000
)

// MaxMistakes is how many mistakes are told of one document. Nobody reads more.
const MaxMistakes = 1000

// Parse reads a document. If it is no JSON, there is no Node, and one Mistake that
// says where it stops to be. Otherwise the mistakes are names that are twice in an
// object, of which the last one counts, as with encoding/json.
//
// It takes what json.Valid takes, but for bytes that are not UTF-8, numbers that no
// float64 holds, and 16 MiB, 128 levels or two million nodes and more.
func Parse(data []byte) (*Node, []Mistake) {
	p := &parser{data: data, line: 1}
	if problem, instead := unreadable(data); problem != "" {
		return nil, []Mistake{{Line: 1, Column: 1, Problem: problem, Instead: instead, Broken: true}}
	}
	root := p.value()
	if root != nil && p.space() && p.at < len(p.data) {
		p.fail("the document has ended, and here is more", "one value")
	}
	if p.failure != nil {
		return nil, []Mistake{*p.failure}
	}
	return root, p.mistakes
}

// unreadable knows what is seen in the first bytes and better said at once.
func unreadable(data []byte) (problem, instead string) {
	switch {
	case len(data) > maxBytes:
		return fmt.Sprintf("%d bytes are too many", len(data)), fmt.Sprintf("at most %d (16 MiB)", maxBytes)
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return "begins with a byte order mark", "UTF-8 without one"
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		return "is UTF-16", "UTF-8"
	case len(bytes.TrimSpace(data)) == 0:
		return "is empty", `{"flags": …}`
	}
	return "", ""
}

// parser goes through the bytes once. What gives a Node gives nil when it has failed.
type parser struct {
	data      []byte
	at        int
	line      int // from 1
	lineStart int // offset of its first byte
	path      []step
	nodes     int
	slab      []Node    // room for the next ones: they live as long as one another
	mistakes  []Mistake // names that are there twice
	failure   *Mistake
}

// step is a name, or an index of an array.
type step struct {
	name  string
	index int // or named, or between
}

const (
	named   = -1
	between = -2 // where no name has been read yet
)

func (p *parser) here() string {
	path := ""
	for _, s := range p.path {
		switch {
		case s.index >= 0:
			path = Index(path, s.index)
		case s.index == named:
			path = Join(path, s.name)
		}
	}
	return path
}

// fail says that the document ends to be JSON at p.at. The first failure counts.
func (p *parser) fail(problem, instead string) {
	if p.failure == nil {
		p.failure = &Mistake{
			Path: p.here(), Line: p.line, Column: p.at - p.lineStart + 1,
			Problem: problem, Instead: instead, Broken: true,
		}
	}
}

// next is the byte at p.at; 0, which is nothing in JSON, at the end.
func (p *parser) next() byte {
	if p.at < len(p.data) {
		return p.data[p.at]
	}
	return 0
}

// space skips what means nothing; false is a comment, which JSON has not.
func (p *parser) space() bool {
	for ; p.at < len(p.data); p.at++ {
		switch p.data[p.at] {
		case '\n':
			p.line++
			p.lineStart = p.at + 1
		case ' ', '\t', '\r':
		case '/', '#':
			p.fail("JSON has no comments", `a member "x-comment", or metadata`)
			return false
		default:
			return true
		}
	}
	return true
}

func (p *parser) node(kind Kind) *Node {
	if p.nodes++; p.nodes > maxNodes {
		p.fail("too many values", fmt.Sprintf("at most %d", maxNodes))
		return nil
	}
	if len(p.slab) == cap(p.slab) {
		p.slab = make([]Node, 0, min(16+p.nodes, 256))
	}
	p.slab = append(p.slab, Node{Kind: kind, Line: p.line, Column: p.at - p.lineStart + 1})
	return &p.slab[len(p.slab)-1]
}

func (p *parser) value() *Node {
	if !p.space() {
		return nil
	}
	switch c := p.next(); {
	case c == '{':
		return p.object()
	case c == '[':
		return p.array()
	case c == '"':
		return p.string()
	case c == '-' || isDigit(c):
		return p.number()
	case isLetter(c):
		return p.word()
	default:
		p.missing()
		return nil
	}
}

// missing explains what is not there where a value should be.
func (p *parser) missing() {
	c := p.next()
	switch {
	case p.at >= len(p.data):
		p.fail("the document ends before it is complete", "")
	case c == '\'':
		p.fail("single quotes", "double quotes")
	case c == '}' || c == ']' || c == ',' || c == ':':
		p.fail(fmt.Sprintf("%q where a value should be", c), "a value, or one comma less")
	case c == '+' || c == '.':
		p.fail(fmt.Sprintf("a number does not begin with %q", c), "a digit")
	default:
		p.fail(fmt.Sprintf("%q begins no value", c), "")
	}
}
