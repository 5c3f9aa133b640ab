package podspec

import "strings"

// handlers is the rules about which probes there are, and how they ask.
func handlers() []rule {
	return []rule{
		{
			"no-probes", "traffic comes as soon as the process has started, and goes on when it hangs " +
				"(kubernetes/kubernetes#38355)", noProbes,
		},
		{
			"no-readiness", "traffic comes as soon as the process has started, and a rollout does not wait for more " +
				"(kubernetes/kubernetes#38355)", noReadiness,
		},
		{
			"handler", "the API refuses none, and more than one (Probe in the reference of core/v1)", each(handler),
		},
		{
			"exec", "each probe starts a process, which may outlive its time-out (kubernetes/kubernetes#123931); " +
				"Kubernetes 1.35 asks none of readiness during the drain (kubernetes/kubernetes#140881)", each(exec),
		},
		{
			"tcp-socket", "the kernel accepts for a process that hangs, while its backlog has room " +
				"(kubernetes/kubernetes#103632)", each(tcpSocket),
		},
	}
}

func noProbes(p *pod, report report) {
	if len(p.probes) == 0 && !p.ends() {
		report(p.container, "has no probes: take those that Budget.Write prints")
	}
}

func noReadiness(p *pod, report report) {
	if _, ok := p.probe("readiness"); !ok && len(p.probes) > 0 && !p.ends() {
		report(p.container.Get("readinessProbe"), "is missing: ask %s", p.budget.ReadinessPath)
	}
}

func handler(_ *pod, pr probe, report report) {
	switch keys := pr.handlers(); len(keys) {
	case 0:
		report(pr.Field, "asks nothing: give it an httpGet")
	case 1:
	default:
		report(pr.Field, "asks in %d ways, %s: give it one", len(keys), strings.Join(keys, ", "))
	}
}

func exec(_ *pod, pr probe, report report) {
	if f := pr.Get("exec"); !f.Absent() {
		report(f, "runs a command: use httpGet")
	}
}

func tcpSocket(_ *pod, pr probe, report report) {
	if f := pr.Get("tcpSocket"); !f.Absent() {
		report(f, "only connects: use httpGet, or grpc")
	}
}
