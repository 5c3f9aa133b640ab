package podspec

import "strings"

// endpoints is the rules about where probes ask.
func endpoints() []rule {
	return []rule{
		{
			"startup-path", "it has to pass when the start is over: neither before, nor only if others are well too " +
				"(leodip/goiabada#390)", only("startup", startupPath),
		},
		{
			"liveness-path", "a restart heals this process and nothing else: neither a drain nor a database is a reason for one " +
				"(livekit/livekit-helm#116, vectorize-io/hindsight#3329)", only("liveness", livenessPath),
		},
		{
			"readiness-path", "what is green during the drain, or not answered at all, moves no traffic " +
				"(Logflare/logflare#3884)", only("readiness", readinessPath),
		},
		{
			"unknown-port", "the kubelet throws the result of such a probe away: it neither passes nor fails " +
				"(kubernetes/kubernetes#139283)", each(unknownPort),
		},
		{
			"serving-port", "a saturated server does not answer probes, and is restarted for its load (jwbron/egg#2414, " +
				"kubernetes/kubernetes#110083); when the program stops, it closes first", each(servingPort),
		},
		{
			"same-probe", "it is restarted at the moment at which it should only leave " +
				"(equinixmetal-helm/krakend#125)", only("liveness", sameProbe),
		},
	}
}

func startupPath(p *pod, pr probe, report report) {
	b := p.budget
	wrongPath(pr, report, b.StartupPath, map[string]string{
		b.LivenessPath:  "which passes before the start is over",
		b.ReadinessPath: "which fails for reasons that have nothing to do with the start",
	})
}

func livenessPath(p *pod, pr probe, report report) {
	b := p.budget
	if b.LivenessPath == "/livez" && pr.path() == "/healthz" && b.ReadinessPath != "/healthz" {
		return // its alias
	}
	wrongPath(pr, report, b.LivenessPath, map[string]string{
		b.StartupPath:   "which says nothing about what hangs later",
		b.ReadinessPath: "which fails when it should get no traffic, and not a restart",
	})
}

func readinessPath(p *pod, pr probe, report report) {
	b := p.budget
	never := "which passes while the pod drains, so that it never leaves"
	meanings := map[string]string{b.StartupPath: never, b.LivenessPath: never}
	if b.LivenessPath == "/livez" {
		meanings["/healthz"] = never
	}
	wrongPath(pr, report, b.ReadinessPath, meanings)
}

// wrongPath reports a probe that asks another path than it should; some of these
// have a meaning.
func wrongPath(pr probe, report report, right string, meanings map[string]string) {
	get := pr.Get("httpGet")
	if get.Absent() || pr.path() == right {
		return
	}
	meaning, ok := meanings[pr.path()]
	if !ok {
		meaning = "which the budget does not know"
	}
	report(get.Get("path"), "is %s, %s: ask %s", pr.path(), meaning, right)
}

func unknownPort(p *pod, pr probe, report report) {
	port, ok := pr.port()
	if !ok {
		return
	}
	if port.Text() == "" {
		report(port, "is missing: give the name or the number of a port")
	} else if _, known := p.port(port.Text()); !known || !port.IsNumber() && isDigits(port.Text()) {
		report(port, "is %q, which is no name under ports: give one of those, or a number without quotes", port.Text())
	}
}

func isDigits(text string) bool { return strings.Trim(text, "0123456789") == "" }

func servingPort(p *pod, pr probe, report report) {
	port, ok := pr.port()
	if !ok || p.budget.AdminPort == "" {
		return
	}
	admin, _ := p.port(p.budget.AdminPort)
	if asked, known := p.port(port.Text()); known && asked != admin {
		report(port, "is %s, and probes are answered at %s: ask there", port.Text(), p.budget.AdminPort)
	}
}

func sameProbe(p *pod, liveness probe, report report) {
	readiness, ok := p.probe("readiness")
	same := p.endpoint(liveness) == p.endpoint(readiness) &&
		liveness.period() == readiness.period() && liveness.failures() == readiness.failures()
	if ok && same && p.endpoint(liveness) != "" {
		report(liveness.Field, "asks what readiness asks, as often and as patiently: ask %s", p.budget.LivenessPath)
	}
}

// endpoint is what a probe asks, if two of them can be compared by that.
func (p *pod) endpoint(pr probe) string {
	f, ok := pr.port()
	if !ok {
		return ""
	}
	port, _ := p.port(f.Text())
	return strings.Join(append(pr.handlers(), port, pr.path(), pr.Get("grpc", "service").Text()), " ")
}
