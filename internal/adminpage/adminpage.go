// Package adminpage has what the pages of an admin port have in common: who gets one,
// what it may do, and that no text gets onto it unescaped.
package adminpage

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// A table that is wider than the screen is moved in its own box. Words are broken outside
// of tables only: in them, each column would be as narrow as a letter.
const style = `
:root { color-scheme: light dark; --ink: #222; --paper: #fff; --line: #ddd; --muted: #5c5c5c; --good: #17692c; --warn: #8a5a00; --bad: #b00020 }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e4e4; --paper: #161616; --line: #444; --muted: #a8a8a8; --good: #6ccf86; --warn: #e3ae55; --bad: #ff8a8a } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em; color: var(--ink); background: var(--paper); overflow-wrap: anywhere }
h1 { margin: .3em 0; font-size: 1.7em } h2 { margin: 1.5em 0 .3em; font-size: 1.1em } p { max-width: 60em }
table { display: block; max-width: 100%; overflow-x: auto; border-collapse: collapse; overflow-wrap: break-word }
th, td { text-align: left; vertical-align: top; padding: .2em 1.2em .2em 0; border-bottom: 1px solid var(--line); max-width: 36em }
small { color: var(--muted) }
label { display: block; margin: .5em 0 }
input, textarea, button { font: inherit; box-sizing: border-box } input, textarea { display: block; width: 24em; max-width: 100% } ::placeholder { color: var(--muted) }
.good { color: var(--good) } .warn { color: var(--warn) } .bad { color: var(--bad); font-weight: bold }
.err { font-family: monospace; white-space: pre-wrap; max-width: 60em } .n { white-space: nowrap }
@media (max-width: 40em) { body { margin: 1em } th, td { padding-right: .9em; max-width: 20em } }
`

// Page is HTML that is being written. It is written by hand: html/template would keep
// the linker from leaving out what nobody calls. The zero value is an empty one.
type Page struct{ b bytes.Buffer }

// Begin writes the head. refresh is after how many seconds the page comes again; 0 is
// never.
func (p *Page) Begin(title string, refresh int) {
	p.Put(`<!DOCTYPE html>` + "\n" + `<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">`)
	if refresh > 0 {
		p.Put(`<meta http-equiv="refresh" content="%s">`, strconv.Itoa(refresh))
	}
	p.Put("<title>%s</title><style>", title)
	p.b.WriteString(style + "</style></head><body>\n")
}

// Put writes markup with a %s for each text. Texts are escaped, whatever they are, and
// there is no other way for one to get onto a page. In attributes, %s stands in quotes.
func (p *Page) Put(markup string, texts ...string) {
	escaped := make([]any, len(texts))
	for i, text := range texts {
		escaped[i] = html.EscapeString(text)
	}
	fmt.Fprintf(&p.b, markup, escaped...)
}

// End is the page.
func (p *Page) End() []byte {
	p.Put("</body></html>\n")
	return p.b.Bytes()
}

// Policy lets a page have its own style, and its forms lead back to it. It may not be
// framed: a click on what lies under another page would be one on its buttons.
func Policy() string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}

// Head sets what all answers have. The referrer stays within the site, but is not left
// out: without one, a browser says of a form that it comes from "null".
func Head(w http.ResponseWriter, contentType string, length int) {
	for header, value := range map[string]string{
		"Content-Type":            contentType,
		"Content-Length":          strconv.Itoa(length),
		"Vary":                    "Accept",
		"Cache-Control":           "no-store",
		"X-Content-Type-Options":  "nosniff",
		"X-Frame-Options":         "DENY",
		"Referrer-Policy":         "same-origin",
		"Content-Security-Policy": Policy(),
	} {
		w.Header().Set(header, value)
	}
}

// Wanted reports whether somebody wants HTML, and wants JSON no more than that, by the
// Accept headers. A wildcard is no wish: tools send one.
func Wanted(accept []string) bool {
	var page, data float64
	for accepted := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		media, params, err := mime.ParseMediaType(accepted)
		if err != nil {
			continue
		}
		q, err := strconv.ParseFloat(params["q"], 64)
		if err != nil {
			q = 1
		}
		switch media {
		case "text/html", "application/xhtml+xml":
			page = max(page, q)
		case "application/json":
			data = max(data, q)
		}
	}
	return page > 0 && page >= data
}
