package tree

import "fmt"

// enter goes one level deeper, and leave up again.
func (p *parser) enter() bool {
	if len(p.path) >= maxDepth {
		p.fail("nested too deeply", fmt.Sprintf("at most %d levels", maxDepth))
		return false
	}
	p.path = append(p.path, step{index: between})
	p.at++
	return true
}

func (p *parser) leave() {
	p.path = p.path[:len(p.path)-1]
	p.at++
}

// more reports whether there is another entry after the n that were read. If not,
// either it is at the end of the collection, or it has failed.
func (p *parser) more(n int, end byte) bool {
	if !p.space() {
		return false
	}
	switch c := p.next(); {
	case c == end:
		return false
	case n == 0:
		return true
	case c != ',':
		p.misplaced(end)
		return false
	}
	p.at++
	if !p.space() {
		return false
	}
	if p.next() == end {
		p.fail(fmt.Sprintf("a comma before %q", end), "no comma after the last one")
		return false
	}
	return true
}

// misplaced explains what stands where a comma should.
func (p *parser) misplaced(end byte) {
	p.path = p.path[:len(p.path)-1] // it is the collection that is wrong, not the entry
	if p.at >= len(p.data) {
		p.fail("the document ends before it is complete", fmt.Sprintf("%q", end))
		return
	}
	p.fail(fmt.Sprintf("%q after a value", p.next()), fmt.Sprintf("%q or %q", ',', end))
}

func (p *parser) array() *Node {
	n := p.node(Array)
	if n == nil || !p.enter() {
		return nil
	}
	for p.more(len(n.Items), ']') {
		p.path[len(p.path)-1] = step{index: len(n.Items)}
		item := p.value()
		if item == nil {
			return nil
		}
		n.Items = append(n.Items, item)
	}
	if p.failure != nil {
		return nil
	}
	p.leave()
	return n
}

func (p *parser) object() *Node {
	n := p.node(Object)
	if n == nil || !p.enter() {
		return nil
	}
	seen := names{}
	for count := 0; p.more(count, '}'); count++ {
		line, column := p.line, p.at-p.lineStart+1
		name, value := p.member()
		if value == nil {
			return nil
		}
		if i, twice := seen.find(n.Members, name); twice {
			p.twice(name, n.Members[i].Value, line, column)
			n.Members[i].Value = value
			continue
		}
		n.Members = append(n.Members, Member{name, value})
		seen.add(n.Members)
	}
	if p.failure != nil {
		return nil
	}
	p.leave()
	return n
}

func (p *parser) member() (name string, value *Node) {
	p.path[len(p.path)-1] = step{index: between}
	switch {
	case p.at >= len(p.data):
		p.fail("the document ends before it is complete", `'}'`)
		return "", nil
	case p.next() != '"':
		p.fail("a name without double quotes", `"name": value`)
		return "", nil
	}
	if !p.text(&name) || !p.space() {
		return "", nil
	}
	p.path[len(p.path)-1] = step{name: name, index: named}
	if p.next() != ':' {
		p.fail("a name without a value", `"name": value`)
		return "", nil
	}
	p.at++
	return name, p.value()
}

func (p *parser) twice(name string, first *Node, line, column int) {
	if len(p.mistakes) < MaxMistakes {
		p.mistakes = append(p.mistakes, Mistake{
			Path: p.here(), Line: line, Column: column,
			Problem: fmt.Sprintf("%s is there twice, first on line %d", Quote(name), first.Line),
			Instead: "one of them",
		})
	}
}

// names finds a member by its name: one after the other while they are few, and with
// a map from then on, since an object of a million members is legal.
type names struct{ index map[string]int }

const few = 16

func (s *names) find(members []Member, name string) (int, bool) {
	if s.index != nil {
		i, ok := s.index[name]
		return i, ok
	}
	for i := range members {
		if members[i].Name == name {
			return i, true
		}
	}
	return 0, false
}

// add notes the last of the members.
func (s *names) add(members []Member) {
	switch {
	case s.index != nil:
		s.index[members[len(members)-1].Name] = len(members) - 1
	case len(members) > few:
		s.index = make(map[string]int, 2*len(members))
		for i := range members {
			s.index[members[i].Name] = i
		}
	}
}
