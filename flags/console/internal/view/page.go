package view

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"net/url"
)

const style = `
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em; color: #222; background: #fff }
h2 { margin: 1.5em 0 .3em; font-size: 1.1em }
table { border-collapse: collapse }
th, td { text-align: left; vertical-align: top; padding: .2em 1.2em .2em 0; border-bottom: 1px solid #ddd; overflow-wrap: anywhere }
small { color: #666 }
label { display: block; margin: .3em 0 }
input, textarea { font: inherit; width: 24em }
.good { color: #17692c } .warn { color: #8a5a00 } .bad { color: #b00020; font-weight: bold }
.err { font-family: monospace; white-space: pre-wrap; max-width: 60em }
`

// Policy lets a page have its own style, and its forms lead back here. Nobody may frame
// it: a click on what lies under another page would be a kill.
func Policy() string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}

// page is HTML that is being written. It is written by hand: html/template would keep
// the linker from leaving out what nobody calls.
type page struct{ b bytes.Buffer }

// put writes markup with a %s for each text. Texts are escaped, whatever they are, and
// there is no other way for one to get onto a page. In attributes, %s stands in quotes.
func (p *page) put(markup string, texts ...string) {
	escaped := make([]any, len(texts))
	for i, text := range texts {
		escaped[i] = html.EscapeString(text)
	}
	fmt.Fprintf(&p.b, markup, escaped...)
}

// Page is for people. It has no scripts and loads nothing; the one with all flags comes
// again every 5 s.
func Page(s Shown) []byte {
	var p page
	p.put(`<!DOCTYPE html>` + "\n" + `<html lang="en"><head><meta charset="utf-8">`)
	if _, ok := s.(*Overview); ok {
		p.put(`<meta http-equiv="refresh" content="5">`)
	}
	p.b.WriteString("<title>Flags</title><style>" + style + "</style></head><body>\n")
	s.write(&p)
	p.put("</body></html>\n")
	return p.b.Bytes()
}

func (p *Problem) write(to *page) {
	to.put("<h1>It did not work</h1>\n<p>%s</p>\n", p.Error)
	for _, name := range p.Near {
		to.put("<p>Did you mean <a href=\"explain?flag=%s\">%s</a>?</p>\n", url.QueryEscape(name), name)
	}
	to.put("<p><a href=\"./\">All flags</a></p>\n")
}
