package podspec

import "github.com/handover-go/handover/probes/podspec/internal/manifest"

// number is the rule that has the first and the last word about its field.
const number = "number"

// numbers is the rules about single numbers of a probe.
func numbers() []rule {
	return []rule{
		{
			number, "the API refuses quotes, fractions and what is too small, and takes 0 for the default " +
				"(Probe in the reference of core/v1)", wholeNumbers,
		},
		{
			"success-threshold", "the API refuses anything else (Probe in the reference of core/v1)", each(successThreshold),
		},
		{
			"timeout", "probes of a kind do not overlap: while they hang, the time-out is the period, and a failure is seen later " +
				"than the numbers say (kubernetes/website#44884, kyverno/policies#1500)", each(timeout),
		},
		{
			"answer", "what is only busy fails, as many do with the default of 1 s " +
				"(kubernetes/kubernetes#51096, datastax/pulsar-helm-chart#73)", each(answer),
		},
	}
}

// patience is the rules about how long it takes until a probe has failed.
func patience() []rule {
	return []rule{
		{
			"startup", "the container is restarted in the middle of its start, again and again " +
				"(leodip/goiabada#390)", only("startup", startup),
		},
		{
			"no-startup", "the container is restarted in the middle of its start (leodip/goiabada#390); " +
				"initialDelaySeconds is a guess, for which every start waits", noStartup,
		},
		{
			"one-verdict", "several probes read the same verdict: one failed run of a check restarts the container " +
				"(mozilla-ai/otari#1247)", only("liveness", oneVerdict),
		},
		{
			"eager-liveness", "it is restarted, with all that is in flight, before it is taken out " +
				"(equinixmetal-helm/krakend#125)", only("liveness", eagerLiveness),
		},
		{
			"readiness-period", "a deleted pod leaves whatever this probe says; a container that is restarted, by liveness for one, " +
				"leaves by nothing else (kubernetes/kubernetes#131690)", only("readiness", readinessPeriod),
		},
	}
}

func wholeNumbers(p *pod, report report) {
	check := func(f manifest.Field, least, otherwise int64) {
		if _, complaint := f.Number(least, otherwise); complaint != "" {
			report(f, "%s", complaint)
		}
	}
	check(p.gracePeriod(), 0, 30)
	check(p.hook.Get("sleep", "seconds"), 0, 0)
	for _, pr := range p.probes {
		for _, l := range limits() {
			check(pr.Get(l.key), l.least, l.otherwise)
		}
	}
}

func successThreshold(_ *pod, pr probe, report report) {
	if n := pr.number("successThreshold"); n != 1 && pr.kind != "readiness" {
		report(pr.Get("successThreshold"), "is %d: for %s it has to be 1", n, pr.kind)
	}
}

func timeout(_ *pod, pr probe, report report) {
	if pr.timeout() > pr.period() {
		report(pr.Get("timeoutSeconds"), "is %d, longer than periodSeconds, %d: give at most that", pr.timeout(), pr.period())
	}
}

func answer(p *pod, pr probe, report report) {
	if least := p.budget.answer(); pr.timeout() < least {
		report(pr.Get("timeoutSeconds"), "is %d, and an answer may take %s: give at least %d", pr.timeout(), seconds(p.budget.Answer), least)
	}
}

func startup(p *pod, pr probe, report report) {
	if right, wrong := p.tooSoon(pr); wrong {
		report(pr.Get("failureThreshold"), "is %d: the container is restarted as early as %d s after its start, which may take %s: give at least %d",
			pr.failures(), pr.restart(), seconds(p.budget.Start), right)
	}
}

func noStartup(p *pod, report report) {
	liveness, ok := p.probe("liveness")
	if _, has := p.probe("startup"); has || !ok {
		return
	}
	if _, wrong := p.tooSoon(liveness); wrong {
		report(p.container.Get("startupProbe"), "is missing: liveness restarts the container as early as %d s after its start, which may take %s: ask %s",
			liveness.restart(), seconds(p.budget.Start), p.budget.StartupPath)
	}
}

// tooSoon reports whether a probe may restart the container before its start has
// to be over, and the failureThreshold with which it does not. A second is
// forgiven: it is the kubelet's tick, and makes 60 × 1 s a minute.
func (p *pod) tooSoon(pr probe) (failureThreshold int64, wrong bool) {
	span := whole(p.budget.Start) - 1
	return failures(pr.period(), span-pr.number("initialDelaySeconds")), pr.restart() < span
}

func oneVerdict(p *pod, pr probe, report report) {
	span := whole(p.budget.MaxAge)
	if last := (pr.failures() - 1) * pr.period(); last < span {
		report(pr.Get("failureThreshold"), "is %d: the last failure comes %d s after the first, and a verdict answers for %s: give at least %d",
			pr.failures(), last, seconds(p.budget.MaxAge), failures(pr.period(), span))
	}
}

func eagerLiveness(p *pod, liveness probe, report report) {
	readiness, ok := p.probe("readiness")
	if !ok {
		return
	}
	if l, r := liveness.failures()*liveness.period(), readiness.failures()*readiness.period(); l < r {
		report(liveness.Get("failureThreshold"), "× periodSeconds is %d s, less than the %d s of readiness: give at least %d",
			l, r, failures(liveness.period(), r-liveness.period()))
	}
	if l, r := liveness.timeout(), readiness.timeout(); l < r {
		report(liveness.Get("timeoutSeconds"), "is %d, less than the %d of readiness: give at least that", l, r)
	}
}

func readinessPeriod(p *pod, pr probe, report report) {
	if most := p.budget.drainSeen(); p.budget.Delay > 0 && pr.period() > most {
		report(pr.Get("periodSeconds"), "is %d, and the shutdown delay %s: it may be over before a probe has seen it: give %d",
			pr.period(), seconds(p.budget.Delay), most)
	}
}
