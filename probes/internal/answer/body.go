package answer

import "strconv"

const (
	// MaxBody is well below the 10 KiB after which a kubelet stops reading and
	// the server sees a reset connection.
	MaxBody = 4 << 10
	// tail is room for the end of a body, `},"omitted":` and a number included.
	tail = 60
	// healthJSON is the draft of the IETF that some dashboards read:
	// datatracker.ietf.org/doc/html/draft-inadarei-api-health-check-06
	healthJSON = "application/health+json"
)

// Bodies are written by hand: names and codes need no escaping, and a probe's body
// is made at every verdict.

// fit appends a line after the other as long as there is room, and reports how
// many there was none for.
func fit(b []byte, lines []Line, appendLine func(b []byte, l Line, first bool) []byte) (_ []byte, omitted int) {
	for i, l := range lines {
		longer := appendLine(b, l, i == 0)
		if len(longer) > MaxBody-tail {
			return b, len(lines) - i
		}
		b = longer
	}
	return b, 0
}

func start(lines []Line) []byte { return make([]byte, 0, min(MaxBody, 64+128*len(lines))) }

func asJSON(status Status, reason Reason, lines []Line) []byte {
	b := append(start(lines), `{"status":"`...)
	b = append(b, status.String()...)
	b = appendReason(append(b, '"'), reason)
	b = append(b, `,"checks":{`...)
	b, omitted := fit(b, lines, appendJSON)
	b = append(b, '}')
	if omitted > 0 {
		b = strconv.AppendInt(append(b, `,"omitted":`...), int64(omitted), 10)
	}
	return append(b, "}\n"...)
}

func appendJSON(b []byte, l Line, first bool) []byte {
	if !first {
		b = append(b, ',')
	}
	b = append(append(append(b, '"'), l.Name...), `":{"status":"`...)
	b = appendReason(append(append(b, l.shown()...), '"'), l.Reason)
	if l.Open {
		b = append(b, `,"fail_open":true`...)
	}
	if l.Total > 0 {
		b = strconv.AppendInt(append(b, `,"done":`...), int64(l.Done), 10)
		b = strconv.AppendInt(append(b, `,"total":`...), int64(l.Total), 10)
	}
	return append(b, '}')
}

// shown is fail where a check fails open: that it does not count is the probe's
// status, and said beside it.
func (l Line) shown() string {
	if l.Open {
		return Fail.String()
	}
	return l.Status.String()
}

func appendReason(b []byte, r Reason) []byte {
	if r == None {
		return b
	}
	b = append(b, `,"reason":"`...)
	return append(append(b, r...), '"')
}

// asHealthJSON has the draft's names: a list for each check, output for the
// reason, notes for what holds for the whole.
func asHealthJSON(status Status, reason Reason, lines []Line) []byte {
	b := append(start(lines), `{"status":"`...)
	b = append(append(b, status.String()...), '"')
	if reason != None {
		b = append(append(append(b, `,"output":"`...), reason...), '"')
	}
	b = append(b, `,"checks":{`...)
	b, omitted := fit(b, lines, appendHealthJSON)
	b = append(b, '}')
	if omitted > 0 {
		b = strconv.AppendInt(append(b, `,"notes":["omitted: `...), int64(omitted), 10)
		b = append(b, `"]`...)
	}
	return append(b, "}\n"...)
}

func appendHealthJSON(b []byte, l Line, first bool) []byte {
	if !first {
		b = append(b, ',')
	}
	b = append(append(append(b, '"'), l.Name...), `":[{"status":"`...)
	b = append(append(b, l.Status.String()...), '"')
	if l.Reason != None {
		b = append(append(append(b, `,"output":"`...), l.Reason...), '"')
	}
	if l.Open {
		b = append(b, `,"fail_open":true`...)
	}
	if l.Total > 0 {
		b = strconv.AppendInt(append(b, `,"observedValue":`...), int64(l.Done), 10)
		b = append(strconv.AppendInt(append(b, `,"observedUnit":"of `...), int64(l.Total), 10), '"')
	}
	return append(b, "}]"...)
}

// asText is for a person with curl and for a shell: a line each, words apart.
func asText(status Status, reason Reason, lines []Line) []byte {
	b := append(start(lines), status.String()...)
	if reason != None {
		b = append(append(b, ' '), reason...)
	}
	b = append(b, '\n')
	b, omitted := fit(b, lines, appendText)
	if omitted > 0 {
		b = append(strconv.AppendInt(b, int64(omitted), 10), " omitted\n"...)
	}
	return b
}

func appendText(b []byte, l Line, _ bool) []byte {
	b = append(append(b, l.shown()...), ' ')
	b = append(b, l.Name...)
	if l.Reason != None {
		b = append(append(b, ' '), l.Reason...)
	}
	if l.Total > 0 {
		b = strconv.AppendInt(append(b, ' '), int64(l.Done), 10)
		b = strconv.AppendInt(append(b, '/'), int64(l.Total), 10)
	}
	if l.Open {
		b = append(b, " (fails open)"...)
	}
	return append(b, '\n')
}
