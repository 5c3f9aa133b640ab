package audience

import (
	"net/http"
	"strings"
)

// Agent is who asks, by the manner of asking.
type Agent int

// The agents. A label of a metric has one of their names.
const (
	Other Agent = iota
	Kubelet
	HAProxy
	AWS
	Google
	Envoy
	Consul
	agents
)

func (a Agent) String() string {
	return [...]string{"other", "kubelet", "haproxy", "elb", "gcp", "envoy", "consul"}[a]
}

// Balances reports whether its verdict is known to move traffic. The kubelet's does
// not: the endpoint of a pod goes when the pod is deleted, not when a probe fails.
func (a Agent) Balances() bool { return a > Kubelet }

// identify knows what the agents call themselves.
func identify(r *http.Request) Agent {
	agent := r.UserAgent()
	switch {
	case strings.HasPrefix(agent, "kube-probe/"):
		return Kubelet
	case strings.HasPrefix(agent, "ELB-HealthChecker/"):
		return AWS
	case strings.HasPrefix(agent, "GoogleHC/"):
		return Google
	case strings.HasPrefix(agent, "Envoy/HC"):
		return Envoy
	case strings.HasPrefix(agent, "Consul Health Check"):
		return Consul
	case agent == "" && !r.ProtoAtLeast(1, 1), strings.HasPrefix(agent, "HAProxy"):
		return HAProxy // "option httpchk GET /readyz" without further words is HTTP/1.0 and has no agent
	}
	return Other
}
