package report

import (
	"strings"
	"time"
	"unicode/utf8"
)

// Run is one deployment under load.
type Run struct {
	Strategy, Service string
	Naive             string   // what is naive about it; empty if nothing is
	Lines             []string // the words of the result, as printed
	Requests, Failed  int
	Seconds           []Second      // from the beginning of the load
	Lasted            time.Duration // the load, but for the answers that it still waited for; default all of Seconds
	Processes         []Process
	Marks             []Mark
}

// Second is one second of the load.
type Second struct {
	Answers map[string]int // by version; of an error as well
	Failed  int
	P99     time.Duration // 0: nobody answered
}

// Process is one process that took part. Its times count from the beginning of the
// load, and are negative for what was before; nil is never.
type Process struct {
	Name, Version            string
	Started                  time.Duration
	Ready, Signalled, Exited *time.Duration
}

// Mark is a step of the deployment.
type Mark struct {
	At   time.Duration
	Text string
}

// longest is a name. What is longer was not meant as one.
const longest = 200

// name is a text of one line and of a length to be read.
func name(s string) string { return short(plain(s), longest) }

// plain is a text without what no document may have.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == 0xFFFE || r == 0xFFFF {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "�"))
}

func short(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}

// title is how a strategy is called in a heading.
func (r Run) title() string {
	if r.Strategy == "bluegreen" {
		return "Blue-green"
	}
	s := name(r.Strategy)
	_, first := utf8.DecodeRuneInString(s)
	return strings.ToUpper(s[:first]) + s[first:]
}

// how it was done.
func (r Run) how() string {
	switch {
	case r.Naive == "":
		return "service: " + name(r.Service)
	case r.Service == "naive":
		return "naive: " + name(r.Naive)
	}
	return "service: " + name(r.Service) + "; naive: " + name(r.Naive)
}

// outcome is a sentence.
func (r Run) outcome() string {
	return grouped(r.Failed) + " of " + grouped(r.Requests) + " requests failed"
}

// from and to are the first and the last second in which there is anything to see.
func (r Run) reach() (from, to float64) {
	to = r.lasted()
	see := func(at *time.Duration) {
		if at != nil {
			from, to = min(from, at.Seconds()), max(to, at.Seconds())
		}
	}
	for _, p := range r.Processes {
		see(&p.Started)
		see(p.Ready)
		see(p.Signalled)
		see(p.Exited)
	}
	for _, m := range r.Marks {
		see(&m.At)
	}
	return from, max(to, from+1)
}

// lasted is where the last second that is drawn ends.
func (r Run) lasted() float64 {
	n := float64(len(r.Seconds))
	if took := r.Lasted.Seconds(); took > 0 {
		return min(took, n)
	}
	return n
}
