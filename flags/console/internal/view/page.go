package view

import (
	"net/url"

	"github.com/handover-go/handover/internal/adminpage"
)

// Page is for people. It has no scripts and loads nothing; the one with all flags comes
// again every 5 s.
func Page(s Shown) []byte {
	var p adminpage.Page
	refresh := 0
	if _, ok := s.(*Overview); ok {
		refresh = 5
	}
	p.Begin("Flags", refresh)
	s.write(&p)
	return p.End()
}

func (p *Problem) write(to *adminpage.Page) {
	to.Put("<h1>It did not work</h1>\n<p>%s</p>\n", p.Error)
	for _, name := range p.Near {
		to.Put("<p>Did you mean <a href=\"explain?flag=%s\">%s</a>?</p>\n", url.QueryEscape(name), name)
	}
	to.Put("<p><a href=\"./\">All flags</a></p>\n")
}
