package shutdown

import (
	"net/http"
	"strings"
)

// isProbe knows those who ask and send nothing, by path, agent or manner.
func isProbe(r *http.Request) bool {
	switch r.URL.Path {
	case "/livez", "/readyz", "/startupz", "/healthz":
		return true
	}
	agent := r.UserAgent()
	for _, prefix := range [...]string{"kube-probe/", "ELB-HealthChecker/", "GoogleHC/", "Consul Health Check", "Envoy/HC"} {
		if strings.HasPrefix(agent, prefix) {
			return true
		}
	}
	// HAProxy's "option httpchk" without further words.
	return r.Method == http.MethodOptions && !r.ProtoAtLeast(1, 1)
}
