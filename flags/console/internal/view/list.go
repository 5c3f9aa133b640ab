package view

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/handover-go/handover/internal/adminpage"
)

func (o *Overview) write(p *adminpage.Page) {
	p.Put("<h1>Flags</h1>\n")
	o.inForce(p)
	if len(o.Flags) == 0 {
		p.Put("<p>No flags: none is declared, and there is no set.</p>\n")
		return
	}
	p.Put("<table><tr><th>flag</th><th>state</th><th>answers</th><th>no key</th><th>unpinned</th></tr>\n")
	all := slices.Clone(o.Flags)
	slices.SortStableFunc(all, func(a, b Flag) int { return b.trouble() - a.trouble() })
	for _, f := range all {
		p.Put(`<tr><td><a href="explain?flag=%s">%s</a><br><small>%s</small></td><td>`, url.QueryEscape(f.Key), f.Key, f.nature())
		f.state(p)
		p.Put("</td><td>%s</td><td>%s</td><td>%s</td></tr>\n", f.counts(), some(f.NoKey), some(f.Unpinned))
	}
	p.Put("</table>\n")
}

func (o *Overview) inForce(p *adminpage.Page) {
	if o.Version == "" {
		p.Put(`<p><span class="bad">No set</span>: all flags are at their defaults`)
	} else {
		p.Put("<p>Set <b>%s</b>, origin: %s", o.Version, o.Origin)
	}
	if o.Age != "" {
		p.Put("; the source stood by it %s ago", o.Age)
	}
	if o.Stale {
		p.Put(` <span class="bad">stale</span>`)
	}
	if o.Frozen {
		p.Put(` <span class="warn">frozen</span>`)
	}
	p.Put("</p>\n")
	for _, e := range o.Errors {
		p.Put("<p class=\"err bad\">%s</p>\n", e)
	}
	if o.DroppedExposures > 0 {
		p.Put("<p class=\"warn\">%s exposures dropped</p>\n", some(o.DroppedExposures))
	}
}

// trouble brings those up that somebody should look at.
func (f Flag) trouble() int {
	switch {
	case f.Killed != "":
		return 3
	case f.Problem != "":
		return 2
	case f.Expired:
		return 1
	}
	return 0
}

func (f Flag) nature() string {
	words := []string{f.Type}
	if f.Owner != "" {
		words = append(words, f.Owner)
	}
	if f.Expires != "" {
		words = append(words, "until "+f.Expires)
	}
	return strings.Join(words, ", ")
}

// state is what holds of a flag, the worst first.
func (f Flag) state(p *adminpage.Page) {
	if f.Killed != "" {
		p.Put(`<span class="bad">killed</span>: %s<br>`, f.Killed)
	}
	if f.Problem != "" {
		p.Put(`<span class="bad">%s</span><br>`, f.Problem)
	}
	if f.Expired {
		p.Put(`<span class="warn">expired</span><br>`)
	}
	switch {
	case !f.Defined:
		p.Put(`<span class="warn">not in the set</span>`)
	case f.Disabled:
		p.Put("disabled by its definition")
	case f.Killed == "" && f.Problem == "":
		p.Put(`<span class="good">in force</span>`)
	}
	if !f.Declared {
		p.Put(" <small>not declared here</small>")
	}
}

func (f Flag) counts() string {
	var parts []string
	for _, a := range f.Answers {
		name := a.Variant
		if name == "" {
			name = "(default)"
		}
		parts = append(parts, fmt.Sprintf("%d %s %s", a.Count, name, a.Reason))
	}
	return strings.Join(parts, ", ")
}

func some(n uint64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}
