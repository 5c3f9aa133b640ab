package console

import (
	"fmt"
	"strings"
	"time"

	"github.com/handover-go/handover/dbcompat/backfill"
	"github.com/handover-go/handover/dbcompat/change/walk"
	"github.com/handover-go/handover/internal/adminpage"
)

// page is the overview for people.
func page(o overview) []byte {
	p := &adminpage.Page{}
	p.Begin("Change", 5)
	if o.Error != "" {
		p.Put("<h1>It did not work</h1>\n<p class=\"err bad\">%s</p>\n", o.Error)
	}
	if s := o.State; s != nil {
		state(p, *s)
		instances(p, *s)
		steps(p, o.Steps)
	}
	if m := o.Mismatches; m != nil {
		p.Put("<h2>Mismatches, of this process</h2>\n<p>%s of %s rows that were read</p>\n", fmt.Sprint(m.Differ), fmt.Sprint(m.Compared))
		for _, s := range m.Samples {
			p.Put("<p><small>at %s: %s</small></p>\n", s.Stage.String(), s.Key)
		}
	}
	events(p, o.Events)
	return p.End()
}

func state(p *adminpage.Page, s walk.State) {
	p.Put("<h1>%s</h1>\n<p>%s: %s to %s</p>\n<table>\n", s.Name, s.Columns.Table, strings.Join(s.Columns.Old, ", "), strings.Join(s.Columns.New, ", "))
	row := func(what, class, text string) {
		p.Put("<tr><th>%s</th><td class=\"%s\">%s</td></tr>\n", what, class, text)
	}
	row("stage", "", fmt.Sprintf("%s, epoch %d", s.Stage, s.Epoch))
	if s.Settled.IsZero() {
		row("settled", "warn", "not yet")
	} else {
		row("settled", "good", "since "+ago(s.Now, s.Settled))
	}
	row("fence", "", map[bool]string{true: "yes", false: "no"}[s.Fenced])
	switch {
	case !s.Dropped.IsZero():
		row("old columns", "", "dropped "+ago(s.Now, s.Dropped)+" ago")
	case !s.Hidden.IsZero():
		row("old columns", "warn", "hidden since "+ago(s.Now, s.Hidden))
	}
	row("back-fill", "", filled(s.Fill))
	if v := s.Verification; v == nil {
		row("verification", "", "none")
	} else {
		class := map[bool]string{true: "good", false: "bad"}[v.Mismatches == 0]
		row("verification", class, fmt.Sprintf("%d of %d rows differ, at %s, %s ago; %s", v.Mismatches, v.Rows, v.Stage, ago(s.Now, v.Ended), strings.Join(v.Examples, "; ")))
	}
	for _, u := range s.Unmanaged {
		row("declared "+string(u.Kind), map[bool]string{true: "warn"}[len(u.Seen) > 0], fmt.Sprintf("%s, pid %v", u.Name, u.Seen))
	}
	p.Put("</table>\n")
}

func filled(f walk.Fill) string {
	if f.State == backfill.None {
		return "none"
	}
	text := fmt.Sprintf("%s, %.1f %%: %d of %d rows, %d changed, %d skipped", f.State, 100*f.Share(), f.Rows, f.Total, f.Changed, f.Skipped)
	if f.State == backfill.Running {
		text += fmt.Sprintf(", %.0f/s, %s left", f.RowsPerSecond, f.Left)
	}
	if f.State == backfill.Running && !f.Alive {
		text += "; its runner is silent"
	}
	if f.Waiting != "" {
		text += "; waits for " + f.Waiting
	}
	return text
}

func instances(p *adminpage.Page, s walk.State) {
	p.Put("<h2>Instances</h2>\n")
	if len(s.Instances) == 0 {
		p.Put("<p>None has joined.</p>\n")
		return
	}
	p.Put("<table><tr><th>instance</th><th>version</th><th>can do</th><th>is at</th><th>lease</th></tr>\n")
	behind := map[string]bool{}
	for _, i := range s.Behind() {
		behind[i.ID] = true
	}
	for _, i := range s.Instances {
		p.Put("<tr><td>%s</td><td>%s</td><td>%s to %s</td>", i.Name, i.Version, i.Min.String(), i.Max.String())
		p.Put("<td class=\"%s\">%s</td>", map[bool]string{true: "warn"}[behind[i.ID]], i.Stage.String()+map[bool]string{true: ", behind"}[behind[i.ID]])
		if i.Lapsed {
			p.Put("<td class=\"bad\">lapsed %s ago</td></tr>\n", (-i.Left).Round(time.Second).String())
		} else {
			p.Put("<td>%s left</td></tr>\n", i.Left.Round(time.Second).String())
		}
	}
	p.Put("</table>\n")
}

func steps(p *adminpage.Page, all []walk.Step) {
	for _, s := range all {
		title := s.Verb
		if s.To != 0 {
			title += " to " + s.To.String()
		}
		p.Put("<h2>Next: %s</h2>\n<p>%s</p>\n", title, s.Means)
		if s.Ready {
			p.Put("<p class=\"good\">it can be done</p>\n")
		}
		for _, m := range s.Missing {
			p.Put("<p><span class=\"warn\">%s</span> %s: %s</p>\n", m.Who, m.What, m.Do)
		}
	}
}

func events(p *adminpage.Page, all []walk.Event) {
	if len(all) == 0 {
		return
	}
	p.Put("<h2>What has happened</h2>\n<table>\n")
	for _, e := range all {
		p.Put("<tr><td class=\"n\">%s</td><td>%s</td><td class=\"n\">epoch %s</td><td>%s</td></tr>\n", e.At.UTC().Format(time.DateTime), e.String(), fmt.Sprint(e.Epoch), e.Actor)
	}
	p.Put("</table>\n")
}

// ago is for people.
func ago(now, then time.Time) string { return now.Sub(then).Round(time.Second).String() }
