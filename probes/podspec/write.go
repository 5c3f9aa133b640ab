package podspec

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"
)

// Write prints the part of a pod spec that belongs to the budget, as YAML to copy:
// the grace period, the three probes and, with a PreStop, its hook. Each number has
// its reason beside it, in whole seconds as the kubelet counts. A budget with
// mistakes is an error, which lists all of them, and prints nothing.
func (b Budget) Write(w io.Writer) error {
	b, err := b.complete()
	if err != nil {
		return err
	}
	var out bytes.Buffer
	before := ""
	if b.PreStop > 0 {
		before = "preStop " + seconds(b.PreStop) + ", then "
	}
	fmt.Fprintf(&out, "terminationGracePeriodSeconds: %d # %s%s from SIGTERM to SIGKILL: %s\n",
		whole(b.PreStop)+whole(b.GracePeriod), before, seconds(b.GracePeriod), b.shares())
	fmt.Fprintf(&out, "containers:\n  - name: %s\n", scalar(cmp.Or(b.Container, "app")))
	for _, p := range []snippet{b.startup(), b.liveness(), b.readiness()} {
		fmt.Fprintf(&out, "    %s: # %s\n      httpGet:\n        path: %s\n        port: %s\n", p.key, p.why, p.path, b.port())
		for _, n := range p.numbers {
			fmt.Fprintf(&out, "      %s: %d # %s\n", n.key, n.value, n.why)
		}
	}
	if b.PreStop > 0 {
		fmt.Fprintf(&out, "    lifecycle:\n      preStop:\n        sleep: # since Kubernetes 1.30; it needs no shell in the image\n"+
			"          seconds: %d # a delay before SIGTERM: they add up, so that of the program has to be %s\n",
			whole(b.PreStop), seconds(b.Delay))
	}
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("podspec: write: %w", err)
	}
	return nil
}

// shares is what becomes of the grace period.
func (b Budget) shares() string {
	total, sum := b.stop()
	if sum == "" {
		return "all of it to spare"
	}
	return fmt.Sprintf("at most %s, so %s to spare", sum, seconds(b.GracePeriod-total))
}

// A snippet is one probe as it is printed.
type snippet struct {
	key, why, path string
	numbers        []line
}

// A line is a number with its reason.
type line struct {
	key   string
	value int64
	why   string
}

func (b Budget) startup() snippet {
	period, why := b.answer(), "the shortest there is: a rollout waits for this answer once a pod"
	if period > 1 {
		why = "no shorter than its time-out: probes do not overlap"
	}
	return snippet{"startupProbe", "until it passes, the other two are not asked", b.StartupPath, append([]line{
		{"periodSeconds", period, why},
		{"timeoutSeconds", b.answer(), "the longest that an answer takes: " + seconds(b.Answer)},
		{"failureThreshold", failures(period, whole(b.Start)-1), "for as long as the longest start: " + seconds(b.Start)},
	}, b.livenessGrace()...)}
}

func (b Budget) liveness() snippet {
	period := max(10, 2*b.answer())
	threshold := max(3, failures(period, whole(b.MaxAge)))
	return snippet{"livenessProbe", "it stays green while the pod drains", b.LivenessPath, append([]line{
		{"periodSeconds", period, "a restart is the last resort: nobody waits for this answer"},
		{"timeoutSeconds", 2 * b.answer(), "twice that of readiness: a slow node is taken out before it is restarted"},
		{"failureThreshold", threshold, fmt.Sprintf("the last comes %d s after the first; a verdict holds for %s, so that no single one kills",
			(threshold-1)*period, seconds(b.MaxAge))},
	}, b.livenessGrace()...)}
}

func (b Budget) readiness() snippet {
	period, why := min(2, b.drainSeen()), "each shutdown delay, "+seconds(b.Delay)+", is seen by a probe"
	if b.Delay == 0 {
		period, why = 2, "there is no shutdown delay that it could miss"
	}
	return snippet{"readinessProbe", "it fails as soon as the pod drains", b.ReadinessPath, []line{
		{"periodSeconds", max(period, b.answer()), why},
		{"timeoutSeconds", b.answer(), "a node this busy should get less traffic"},
		{"failureThreshold", 2, "one lost packet is none"},
	}}
}

func (b Budget) livenessGrace() []line {
	if b.LivenessGrace == 0 {
		return nil
	}
	return []line{{"terminationGracePeriodSeconds", whole(b.LivenessGrace), "instead of the pod's: what is broken is not waited for"}}
}

// answer is the shortest time-out that fits.
func (b Budget) answer() int64 { return max(1, whole(b.Answer)) }

// drainSeen is the longest period of which a probe is sure to fall into the
// shutdown delay, as far as whole seconds and the time-out allow.
func (b Budget) drainSeen() int64 { return max(1, b.answer(), int64(b.Delay/time.Second)) }

// port is a name or, without the quotes that would make it one, a number.
func (b Budget) port() string {
	if isDigits(b.AdminPort) && b.AdminPort != "" {
		return b.AdminPort
	}
	return scalar(cmp.Or(b.AdminPort, "admin"))
}

// scalar quotes what YAML takes for something else than text.
func scalar(text string) string {
	quoted, err := yaml.Marshal(text)
	if err != nil {
		return strconv.Quote(text)
	}
	return string(bytes.TrimSpace(quoted))
}

// failures is the failureThreshold whose last failure comes so many seconds after
// the first, at the least.
func failures(period, span int64) int64 { return 1 + (max(0, span)+period-1)/period }

// whole rounds up to what a kubelet can count.
func whole(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + " s" }
