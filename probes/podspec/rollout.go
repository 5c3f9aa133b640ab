package podspec

import (
	"strconv"
	"strings"

	"github.com/handover-go/handover/probes/podspec/internal/manifest"
)

// rollout is the rules about how instances are replaced.
func rollout() []rule {
	return []rule{
		{"rollout", "there is nobody to hand over to (kubernetes/kubernetes#23304)", noInstance},
	}
}

// noInstance is for Deployments: the others replace an instance in its place.
func noInstance(p *pod, report report) {
	if p.object.Kind != "Deployment" {
		return
	}
	strategy, replicas := p.object.Get("spec", "strategy"), p.object.Get("spec", "replicas")
	if f := strategy.Get("type"); f.Text() == "Recreate" {
		report(f, "is Recreate, which stops all instances before it starts one: use RollingUpdate")
		return
	}
	f := strategy.Get("rollingUpdate", "maxUnavailable")
	if replicas.Absent() && f.IsNumber() {
		return // an autoscaler says how many there are
	}
	of, _ := replicas.Number(0, 1)
	gone := unavailable(f, of)
	if surge := strategy.Get("rollingUpdate", "maxSurge").Text(); surge == "0" || surge == "0%" {
		gone = max(gone, 1) // or else the controller could not begin
	}
	if of > 0 && gone >= of {
		report(f, "lets %d of %d instances be gone: let it be 0, and maxSurge 1", of, of)
	}
}

// unavailable is how many that is: a number, or a percentage that is rounded down,
// 25 % by default.
func unavailable(f manifest.Field, replicas int64) int64 {
	if n, complaint := f.Number(0, 0); complaint == "" && !f.Absent() {
		return n
	}
	text, _ := strings.CutSuffix(f.Text(), "%")
	percent, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		percent = 25
	}
	return percent * replicas / 100
}
