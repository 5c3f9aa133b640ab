package shutdown

import (
	"net/http"
	"slices"
	"strings"
)

// probeAgents are prefixes of the User-Agent of those who ask and send nothing.
var probeAgents = []string{"kube-probe/", "ELB-HealthChecker/", "GoogleHC/", "Consul Health Check", "Envoy/HC"}

var probePaths = []string{"/livez", "/readyz", "/startupz", "/healthz"}

func isProbe(r *http.Request) bool {
	if slices.Contains(probePaths, r.URL.Path) {
		return true
	}
	if r.Method == http.MethodOptions && !r.ProtoAtLeast(1, 1) {
		return true // HAProxy's "option httpchk" without further words
	}
	agent := r.UserAgent()
	return slices.ContainsFunc(probeAgents, func(prefix string) bool { return strings.HasPrefix(agent, prefix) })
}
