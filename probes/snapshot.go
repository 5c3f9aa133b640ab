package probes

import (
	"cmp"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// reason is a public code: all that a prober learns about a failure.
type reason string

const (
	none     reason = ""
	pending  reason = "pending" // has not been run yet
	failed   reason = "error"
	timedOut reason = "timeout"
	stuck    reason = "stuck" // overstayed its time-out, and has still not returned
	panicked reason = "panic"
	stale    reason = "stale" // judged too long ago to be believed

	starting reason = "starting" // of the set
	draining reason = "draining" // of the set
)

// status is ordered: a probe is as bad as the worst of its checks.
type status int

const (
	pass status = iota
	warn        // a failure that is shown and does not count
	fail
)

func (s status) String() string { return [...]string{"pass", "warn", "fail"}[s] }

// never is the moment at which a verdict expires that does not.
const never = time.Duration(math.MaxInt64)

// verdict is what is known of one check.
type verdict struct {
	name   string
	reason reason        // none: it passes
	open   bool          // a failure only warns
	until  time.Duration // later it is stale
}

// at judges the verdict at a moment: what it counts for, and why. Staleness is
// no failure of what is checked, shared or not, but of who checks: here, in
// this instance. So it counts.
func (v verdict) at(now time.Duration, kind Kind) (status, reason) {
	switch {
	case now > v.until:
		return fail, stale
	case v.reason == none:
		return pass, none
	case v.reason == pending && kind == Liveness:
		return pass, pending
	case v.open:
		return warn, v.reason
	}
	return fail, v.reason
}

// picture is all that goes into an answer. It is never changed, so whoever
// finds the answer expired can judge again, without a lock.
type picture struct {
	kind     Kind
	reason   reason // of the set
	verdicts []verdict
}

// answer is what a probe writes, ready to be written.
type answer struct {
	picture picture
	status  status
	code    int
	header  []field
	body    []byte
	until   time.Duration // later a verdict in it is stale, and it has to be judged again
}

// field is one of a header; its key is canonical. Ranging over a slice of them is
// cheaper than over a map, and done at every probe.
type field struct {
	key    string
	values []string
}

// line is one check as a body shows it.
type line struct {
	name   string
	status status
	reason reason
}

func (p picture) render(now time.Duration) *answer {
	a := &answer{picture: p, code: http.StatusOK, until: never}
	if p.reason != none {
		a.status = fail
	}
	lines := make([]line, 0, len(p.verdicts))
	for _, v := range p.verdicts {
		status, reason := v.at(now, p.kind)
		a.status = max(a.status, status)
		if reason != stale {
			a.until = min(a.until, v.until)
		}
		lines = append(lines, line{v.name, status, reason})
	}
	if a.status == fail {
		a.code = http.StatusServiceUnavailable
	}
	slices.SortStableFunc(lines, func(x, y line) int { return cmp.Compare(y.status, x.status) }) // the worst first
	a.body = body(a.status, p.reason, lines)
	a.header = []field{
		{"Content-Type", []string{"application/json"}},
		{"Content-Length", []string{strconv.Itoa(len(a.body))}},
		{"Cache-Control", []string{"no-store"}}, // an answer that a proxy keeps is a green that does not expire
		{"X-Content-Type-Options", []string{"nosniff"}},
	}
	return a
}

const (
	// maxBody is well below the 10 KiB after which a kubelet stops reading and
	// the server sees a reset connection.
	maxBody = 4 << 10
	// tail is room for the end of a body, `},"omitted":` and a number included.
	tail = 40
)

// body writes JSON by hand: names and codes need no escaping. Lines that do not
// fit are counted.
func body(status status, reason reason, lines []line) []byte {
	b := make([]byte, 0, min(maxBody, 64+128*len(lines)))
	b = append(b, `{"status":"`...)
	b = append(b, status.String()...)
	b = appendReason(append(b, '"'), reason)
	b = append(b, `,"checks":{`...)
	shown := 0
	for ; shown < len(lines); shown++ {
		longer := appendLine(b, lines[shown], shown > 0)
		if len(longer) > maxBody-tail {
			break
		}
		b = longer
	}
	b = append(b, '}')
	if omitted := len(lines) - shown; omitted > 0 {
		b = append(b, `,"omitted":`...)
		b = strconv.AppendInt(b, int64(omitted), 10)
	}
	return append(b, "}\n"...)
}

func appendLine(b []byte, l line, comma bool) []byte {
	if comma {
		b = append(b, ',')
	}
	b = append(append(append(b, '"'), l.name...), `":{"status":"`...)
	shown := l.status
	if shown == warn {
		shown = fail // it fails; that it does not count is the probe's status
	}
	b = appendReason(append(append(b, shown.String()...), '"'), l.reason)
	return append(b, '}')
}

func appendReason(b []byte, r reason) []byte {
	if r == none {
		return b
	}
	b = append(b, `,"reason":"`...)
	return append(append(b, r...), '"')
}
