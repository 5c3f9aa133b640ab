package podspec

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Budget is what a program needs from its pod: its times, in the words of the
// packages that have them. The zero value has their defaults; a negative duration
// means none.
type Budget struct {
	// Start is the longest that a start may take: lifecycle.Config.StartTimeout,
	// 1 min by default.
	Start time.Duration

	// GracePeriod is what the program counts on from SIGTERM to SIGKILL:
	// lifecycle.Config.GracePeriod, 30 s by default. What preStop spends comes
	// before it; DelayMax, Linger, Stops and Margin have to fit into it.
	GracePeriod time.Duration
	// Margin of it is kept back at the end: lifecycle.Config.Margin, 2 s by default,
	// at most a fifth.
	Margin time.Duration
	// PreStop is how long a hook sleeps before SIGTERM; none by default. It is a
	// shutdown delay (KEP-3960), by which the one of the program should be shorter.
	PreStop time.Duration
	// Delay is the shortest shutdown delay: probes.Config.Delay, 2 s by default,
	// less PreStop.
	Delay time.Duration
	// DelayMax is the longest, where a polling balancer is waited for:
	// probes.Config.DelayMax, 10 s by default, at most half of what Stops and
	// Margin leave. It is never less than Delay.
	DelayMax time.Duration
	// Linger is the longest linger: shutdown.Config.LingerMax, 5 s by default, at
	// most half of what then is left.
	Linger time.Duration
	// Stops are the times of what stops in turn, after delay and linger:
	// lifecycle.Component.StopTimeout of a worker or a pool, the longest request.
	// Of those that stop side by side it is the longest one. A 0 is 1 s, as
	// lifecycle reserves it for a place.
	Stops []time.Duration

	// LivenessGrace is the time from a failure of liveness or startup to SIGKILL;
	// by default that of the pod. A deadlocked process makes nothing of a long
	// one (kubernetes/kubernetes#64715), and one that still drains is cut by a short one.
	LivenessGrace time.Duration
	// MaxAge is how long one verdict on liveness answers probes: probes.Check.MaxAge,
	// the longest, 16 s by default.
	MaxAge time.Duration
	// Answer is the longest that an answer to a probe takes; 1 s by default, which
	// is for a busy node if no check runs in a probe. If they do: their time-outs.
	Answer time.Duration

	// Container is the name of the program's; by default the first of the pod.
	Container string
	// AdminPort is where the probes are answered: the name of a port or its
	// number. By default Write says "admin" and Lint accepts any.
	AdminPort string
	// The paths that the program answers; by default /startupz, /livez and /readyz.
	StartupPath, LivenessPath, ReadinessPath string
}

// longest is for any duration, so that their sums do not overflow.
const longest = 365 * 24 * time.Hour

// complete fills in the defaults, with 0 for none, and refuses what contradicts itself.
func (b Budget) complete() (Budget, error) {
	if err := b.mistakes(); err != nil {
		return b, err
	}
	b.Start = cmp.Or(b.Start, time.Minute)
	b.GracePeriod = cmp.Or(b.GracePeriod, 30*time.Second)
	b.Margin = max(0, cmp.Or(b.Margin, min(2*time.Second, b.GracePeriod/5)))
	b.PreStop = max(0, b.PreStop)
	b.Stops = slices.Clone(b.Stops)
	for i, stop := range b.Stops {
		b.Stops[i] = max(0, cmp.Or(stop, time.Second))
	}
	left := b.GracePeriod - b.Margin
	for _, stop := range b.Stops {
		left = max(0, left-stop)
	}
	b.Delay = cmp.Or(b.Delay, max(0, min(2*time.Second, left/2)-b.PreStop))
	b.Delay = max(0, b.Delay)
	b.DelayMax = max(b.Delay, cmp.Or(b.DelayMax, min(10*time.Second, left/2)))
	b.Linger = max(0, cmp.Or(b.Linger, min(5*time.Second, max(0, left-b.DelayMax)/2)))
	b.LivenessGrace = max(0, b.LivenessGrace)
	b.MaxAge = max(0, cmp.Or(b.MaxAge, 16*time.Second))
	b.Answer = max(0, cmp.Or(b.Answer, time.Second))
	b.StartupPath = cmp.Or(b.StartupPath, "/startupz")
	b.LivenessPath = cmp.Or(b.LivenessPath, "/livez")
	b.ReadinessPath = cmp.Or(b.ReadinessPath, "/readyz")
	return b, b.contradictions()
}

// stop is the longest that the stop takes after SIGTERM, and how that adds up:
// "delay 10 s + linger 5 s + margin 2 s".
func (b Budget) stop() (total time.Duration, sum string) {
	var terms []string
	add := func(what string, d time.Duration) {
		if total = min(total+d, 100*longest); d > 0 {
			terms = append(terms, what+" "+seconds(d))
		}
	}
	add("delay", b.DelayMax)
	add("linger", b.Linger)
	for _, stop := range b.Stops {
		add("stop", stop)
	}
	add("margin", b.Margin)
	return total, strings.Join(terms, " + ")
}
