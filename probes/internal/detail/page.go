package detail

import (
	"bytes"
	"cmp"
	"fmt"
	"html"
	"maps"
	"slices"
	"strings"
)

// The page is written by hand: html/template would be linked into every service
// that has a probe, and keeps the linker from leaving out what nobody calls.
const (
	head = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta http-equiv="refresh" content="5"><title>Probes</title><style>
:root { color-scheme: light dark; --ink: #222; --paper: #fff; --line: #ddd; --muted: #5c5c5c; --good: #17692c; --warn: #8a5a00; --bad: #b00020 }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e4e4; --paper: #161616; --line: #444; --muted: #a8a8a8; --good: #6ccf86; --warn: #e3ae55; --bad: #ff8a8a } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em; color: var(--ink); background: var(--paper); overflow-wrap: anywhere }
h1 { margin: .3em 0; font-size: 1.7em } h2 { margin: 1.5em 0 .3em; font-size: 1.1em }
table { display: block; max-width: 100%; overflow-x: auto; border-collapse: collapse; overflow-wrap: break-word }
th, td { text-align: left; vertical-align: top; padding: .2em 1.2em .2em 0; border-bottom: 1px solid var(--line); max-width: 36em }
small { color: var(--muted) }
.pass { color: var(--good) } .warn { color: var(--warn) } .fail { color: var(--bad); font-weight: bold }
.err { font-family: monospace; white-space: pre-wrap }
@media (max-width: 40em) { body { margin: 1em } .err { min-width: 18em } th, td { padding-right: .9em; max-width: 20em } }
</style></head><body>
<h1>Probes</h1>
`
	foot = "</body></html>\n"
)

// Page shows each endpoint, its checks with the worst first, and who asks. It has no
// scripts, loads nothing, and comes again every 5 s.
func Page(r Report) []byte {
	var b bytes.Buffer
	b.WriteString(head)
	for _, e := range r.Endpoints {
		fmt.Fprintf(&b, "<h2>%s: %s</h2>\n", e.Kind, mark(e.Status, e.Reason))
		table(&b, e.Checks)
	}
	asked(&b, r.Asked)
	b.WriteString(foot)
	return b.Bytes()
}

func mark(status, reason string) string {
	return fmt.Sprintf(`<span class="%[1]s">%[1]s</span> %[2]s`, status, html.EscapeString(reason))
}

func table(b *bytes.Buffer, checks map[string]Check) {
	if len(checks) == 0 {
		b.WriteString("<p>No checks.</p>\n")
		return
	}
	b.WriteString("<table><tr><th>check</th><th>status</th><th>for</th><th>verdict</th><th>last run</th><th>runs</th><th>error</th></tr>\n")
	for _, name := range worstFirst(checks) {
		c := checks[name]
		fmt.Fprintf(b, "<tr><td>%s<br><small>%s</small></td><td>%s%s</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td><td class=\"err\">%s</td></tr>\n",
			html.EscapeString(name), html.EscapeString(c.nature()), mark(c.Status, c.Reason), c.more(), c.Since,
			ago(c.Age), known(c.Took), c.counts(), html.EscapeString(c.Error))
	}
	b.WriteString("</table>\n")
}

func worstFirst(checks map[string]Check) []string {
	rank := map[string]int{"fail": 0, "warn": 1, "pass": 2}
	return slices.SortedFunc(maps.Keys(checks), func(x, y string) int {
		a, b := checks[x], checks[y]
		return cmp.Or(cmp.Compare(rank[a.Status], rank[b.Status]), cmp.Compare(a.Order, b.Order))
	})
}

func (c Check) nature() string {
	words := []string{c.Impact}
	if c.Scope != "" {
		words = append(words, c.Scope)
	}
	if len(c.DependsOn) > 0 {
		words = append(words, "depends on "+strings.Join(c.DependsOn, ", "))
	}
	return strings.Join(words, ", ")
}

func (c Check) more() string {
	switch {
	case c.FailsOpen:
		return " (fails open: all instances are affected, so this one stays)"
	case c.Total > 0:
		return fmt.Sprintf(" %d of %d", c.Done, c.Total)
	case c.InFlight > 0:
		return fmt.Sprintf(" (running for %s)", c.InFlight)
	}
	return ""
}

func (c Check) counts() string {
	var parts []string
	for _, result := range slices.Sorted(maps.Keys(c.Runs)) {
		parts = append(parts, fmt.Sprintf("%d %s", c.Runs[result], result))
	}
	return strings.Join(parts, ", ")
}

func asked(b *bytes.Buffer, all []Asked) {
	b.WriteString("<h2>Who asks</h2>\n")
	if len(all) == 0 {
		b.WriteString("<p>Nobody has asked yet: does the platform know of the probes?</p>\n")
		return
	}
	b.WriteString("<table><tr><th>agent</th><th>asks for</th><th>was told</th><th>times</th><th>last asked</th></tr>\n")
	for _, a := range all {
		told := "it fails"
		if a.OK {
			told = "it passes"
		}
		fmt.Fprintf(b, "<tr><td>%s</td><td>%s</td><td>%s</td><td>%d</td><td>%s</td></tr>\n", a.Agent, a.Kind, told, a.N, ago(a.Ago))
	}
	b.WriteString("</table>\n")
}

func known(t Time) string {
	if t == 0 {
		return ""
	}
	return t.String()
}

func ago(t Time) string {
	if t == 0 {
		return ""
	}
	return t.String() + " ago"
}
