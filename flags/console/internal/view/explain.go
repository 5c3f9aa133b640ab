package view

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/handover-go/handover/internal/adminpage"
)

func (e *Explained) write(p *adminpage.Page) {
	p.Put("<h1>%s</h1>\n<p><a href=\"./\">All flags</a></p>\n<p>%s<br>", e.Flag, e.Of.nature())
	e.Of.state(p)
	p.Put("</p>\n")
	if counts := e.Of.counts(); counts != "" {
		p.Put("<p>Answers so far: %s</p>\n", counts)
	}
	e.answer(p)
	e.ask(p)
	if e.Form.Writable {
		e.kill(p)
	}
}

func (e *Explained) answer(p *adminpage.Page) {
	who := "a subject without a key"
	if e.Asked.Subject != "" {
		who = e.Asked.Subject
	}
	p.Put("<h2>What %s gets</h2>\n<table>\n", who)
	value := "the default in the code"
	if !e.Default {
		value = text(e.Value)
	}
	for _, row := range [][2]string{
		{"value", value}, {"variant", e.Variant}, {"reason", e.Reason}, {"code", e.Code}, {"rule", e.Rule}, {"version", e.Version}, {"age", e.Age},
	} {
		if row[1] != "" {
			p.Put("<tr><th>%s</th><td>%s</td></tr>\n", row[0], row[1])
		}
	}
	p.Put("</table>\n")
	if e.NoKey {
		p.Put("<p class=\"warn\">A rollout was passed over: the subject has no key to go by.</p>\n")
	}
}

// ask is the form for another subject. It is a POST, so that whom it asks for is in no
// address, as these are logged and kept.
func (e *Explained) ask(p *adminpage.Page) {
	attributes := ""
	if len(e.Asked.Attributes) > 0 {
		attributes = text(e.Asked.Attributes)
	}
	p.Put(`<form method="post" action="explain"><input type="hidden" name="flag" value="%s">`+
		`<label>Subject <input name="subject" value="%s"></label>`+
		`<label>Attributes, as JSON <textarea name="attributes" rows="2" placeholder="{&quot;country&quot;: &quot;CH&quot;}">`+"\n%s</textarea></label>"+
		"<button>Explain</button></form>\n", e.Flag, e.Asked.Subject, attributes)
}

// kill is the form to kill the flag, or to take that back.
func (e *Explained) kill(p *adminpage.Page) {
	action, name, where := "kill", "Kill", "in this process; to turn it off everywhere, disable it in the source"
	if e.Killed != "" {
		action, name, where = "unkill", "Take the kill back", "in this process"
	}
	p.Put(`<h2>%s</h2><form method="post" action="%s"><input type="hidden" name="flag" value="%s">`, name, action, e.Flag)
	if e.Killed == "" {
		p.Put(`<label>Why <input name="why" required maxlength="%s"></label>`, strconv.Itoa(e.Form.MaxText))
	}
	p.Put(`<label>Who <input name="who" maxlength="%s"></label>`, strconv.Itoa(e.Form.MaxText))
	if e.Form.Token {
		p.Put(`<label>Token <input type="password" name="access_token" required autocomplete="off"></label>`)
	}
	p.Put("<button>%s</button> <small>%s</small></form>\n", name, where)
}

// text is a value as JSON, with its < and & as they are: put escapes them.
func text(value any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return fmt.Sprint(value)
	}
	return strings.TrimSpace(b.String())
}
