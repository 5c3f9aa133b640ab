package podspec

import (
	"fmt"
	"time"
)

// termination is the rules about the way from the deletion of a pod to SIGKILL.
func termination() []rule {
	return []rule{
		{
			"grace-period", "SIGKILL cuts what is in flight; the period begins before preStop does " +
				"(kubernetes/kubernetes#74160, spring-projects/spring-boot#26469)", gracePeriod,
		},
		{
			"probe-grace", "it is for not waiting long for what is broken; readiness kills nothing, and the API refuses it there " +
				"(kubernetes/kubernetes#64715)", each(probeGrace),
		},
		{
			"pre-stop", "hook and delay wait for the same: with both, the drain has less time; with neither, the listener closes " +
				"while traffic still comes (KEP-3960, kubernetes/kubernetes#114465)", preStop,
		},
		{
			"pre-stop-length", "the hook is cut at the end of the period, and SIGKILL comes 2 s after SIGTERM " +
				"(kubernetes/kubernetes#65496)", preStopLength,
		},
		{
			"pre-stop-exec", "an image without a shell has no sleep: the hook fails, and SIGTERM comes at once " +
				"(coredns/helm#43, linkerd/linkerd2#6723)", preStopExec,
		},
	}
}

func gracePeriod(p *pod, report report) {
	hook, own := p.hookSeconds(), whole(p.budget.GracePeriod)
	if p.grace() >= hook+own {
		return
	}
	before := ""
	if hook > 0 {
		before = fmt.Sprintf("%d s for preStop, and ", hook)
	}
	report(p.gracePeriod(), "is %d, and %d is needed: %s%d s that the program counts on (%s): give that, or take the difference off its own grace period",
		p.grace(), hook+own, before, own, p.budget.shares())
}

// hookSeconds is how long the hook takes; if that cannot be seen, what the budget says.
func (p *pod) hookSeconds() int64 {
	if !p.hook.known {
		return whole(p.budget.PreStop)
	}
	return p.hook.seconds
}

func probeGrace(p *pod, pr probe, report report) {
	f := pr.Get("terminationGracePeriodSeconds")
	switch n := pr.grace(); {
	case !f.Absent() && pr.kind == "readiness":
		report(f, "is not for readiness: leave it out")
	case n > p.grace():
		report(f, "is %d, longer than the pod's %d: give less, or leave it out", n, p.grace())
	}
}

func preStop(p *pod, report report) {
	planned := whole(p.budget.PreStop)
	have := p.hookSeconds()
	switch {
	case !p.hook.known && planned == 0:
		report(p.hook.Field, "takes a time that cannot be seen here: use sleep, or say how long in Budget.PreStop")
	case have < planned:
		report(p.hook.Field, "takes %d s, and the program counts on %d s: set sleep: {seconds: %d}, or give it back its shutdown delay", have, planned, planned)
	case have > 0 && planned == 0 && p.budget.Delay > 0:
		report(p.hook.Field, "takes %d s, after which the program delays for %s more: leave it out, or shorten the delay and say so in Budget.PreStop: %v",
			have, seconds(p.budget.Delay), time.Duration(have)*time.Second)
	}
}

func preStopLength(p *pod, report report) {
	if p.hook.kind == "" || !p.hook.known {
		return
	}
	if p.hook.seconds >= p.grace() {
		report(p.hook.Field, "takes %d s, all of terminationGracePeriodSeconds, %d: give less", p.hook.seconds, p.grace())
	}
	for _, pr := range p.probes {
		if n := pr.grace(); n > 0 && p.hook.seconds >= n {
			report(p.hook.Field, "takes %d s, all that %s leaves when it fails, %d: give less", p.hook.seconds, pr.kind, n)
		}
	}
}

func preStopExec(p *pod, report report) {
	if p.hook.kind == "exec" && p.hook.known {
		report(p.hook.Get("exec"), "runs the image's sleep: use sleep: {seconds: %d}, which the kubelet does itself since Kubernetes 1.30", p.hook.seconds)
	}
}
