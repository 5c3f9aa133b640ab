package podspec

import (
	"slices"
	"strconv"
	"strings"

	"github.com/handover-go/handover/probes/podspec/internal/manifest"
)

// A hook is what preStop does, and how long it takes if that can be seen.
type hook struct {
	manifest.Field
	kind    string // "" for none
	seconds int64
	known   bool
}

func newHook(f manifest.Field) hook {
	h := hook{Field: f}
	for _, kind := range present(f, "tcpSocket", "httpGet", "exec", "sleep") {
		h.kind = kind
	}
	switch h.kind {
	case "": // no time at all
		h.known = true
	case "sleep":
		h.seconds, _ = f.Get("sleep", "seconds").Number(0, 0)
		h.known = true
	case "exec":
		h.seconds, h.known = slept(f.Get("exec", "command"))
	}
	return h
}

// slept understands the usual ways to write it: [sleep, "5"], [sh, -c, sleep 5].
func slept(command manifest.Field) (n int64, ok bool) {
	var words []string
	for _, f := range command.Items() {
		words = append(words, strings.Fields(f.Text())...)
	}
	if len(words) == 4 && strings.HasSuffix(words[0], "sh") && words[1] == "-c" {
		words = words[2:]
	}
	if len(words) != 2 || !slices.Contains([]string{"sleep", "/bin/sleep", "/usr/bin/sleep"}, words[0]) {
		return 0, false // it does something else, or more
	}
	n, err := strconv.ParseInt(strings.TrimSuffix(words[1], "s"), 10, 32)
	return n, err == nil && n >= 0
}
