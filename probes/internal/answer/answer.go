package answer

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Answer is what a probe writes, ready to be written.
type Answer struct {
	Picture Picture
	Status  Status
	Code    int
	Until   time.Duration // later a verdict in it is stale, and it has to be judged again

	json   page
	asked  sync.Once // for one of the others, which few ask for
	health page
	text   page
	lines  []Line
}

// page is a body and its header.
type page struct {
	header []field
	body   []byte
}

// field is one of a header; its key is canonical. Ranging over a slice of them is
// cheaper than over a map, and done at every probe.
type field struct {
	key    string
	values []string
}

// Render judges a picture at a moment.
func (p Picture) Render(now time.Duration) *Answer {
	a := &Answer{Picture: p, Code: http.StatusOK, Until: Never, lines: p.Judge(now)}
	a.Status = p.Status(a.lines)
	for i, v := range p.Verdicts {
		if a.lines[i].Reason != Stale {
			a.Until = min(a.Until, v.Until)
		}
	}
	if a.Status == Fail {
		a.Code = http.StatusServiceUnavailable
	}
	slices.SortStableFunc(a.lines, func(x, y Line) int { return cmp.Compare(y.Status, x.Status) }) // the worst first
	a.json = newPage("application/json", asJSON(a.Status, p.Reason, a.lines))
	return a
}

func newPage(contentType string, body []byte) page {
	return page{body: body, header: []field{
		{"Content-Type", []string{contentType}},
		{"Content-Length", []string{strconv.Itoa(len(body))}},
		{"Cache-Control", []string{"no-store"}}, // an answer that a proxy keeps is a green that does not expire
		{"X-Content-Type-Options", []string{"nosniff"}},
	}}
}

// Write sends the answer whole, in the form that was asked for. A kubelet that
// gets a status and then waits for the body throws its result away, and keeps the
// old one for ever; so there is a Content-Length, and a single write. A prober that
// has hung up is no concern.
func (a *Answer) Write(w http.ResponseWriter, r *http.Request) {
	p := a.page(r.Header["Accept"])
	header := w.Header()
	for _, f := range p.header {
		header[f.key] = f.values // all probes share them; net/http only reads
	}
	w.WriteHeader(a.Code)
	_, _ = w.Write(p.body) // net/http keeps it back from a HEAD
}

// page gives JSON to whoever does not name one of the other two. Quality values are
// not weighed: no prober sends them.
func (a *Answer) page(accept []string) *page {
	for _, accepted := range accept {
		if len(accepted) < len("text/plain") { // "*/*", mostly
			continue
		}
		health, text := strings.Contains(accepted, healthJSON), strings.Contains(accepted, "text/plain")
		if health || text {
			a.asked.Do(a.renderOthers)
		}
		switch {
		case health:
			return &a.health
		case text:
			return &a.text
		}
	}
	return &a.json
}

func (a *Answer) renderOthers() {
	a.health = newPage(healthJSON, asHealthJSON(a.Status, a.Picture.Reason, a.lines))
	a.text = newPage("text/plain; charset=utf-8", asText(a.Status, a.Picture.Reason, a.lines))
}
