package podspec

import (
	"slices"
	"strings"

	"github.com/handover-go/handover/probes/podspec/internal/manifest"
)

// A probe is one that is there.
type probe struct {
	manifest.Field
	kind string
}

// A limit is what the API makes of a number: what it refuses, and what it takes
// for one that is missing or 0 (SetDefaults_Probe in pkg/apis/core/v1/defaults.go).
type limit struct {
	key              string
	least, otherwise int64
}

func limits() []limit {
	return []limit{
		{"initialDelaySeconds", 0, 0},
		{"periodSeconds", 1, 10},
		{"timeoutSeconds", 1, 1},
		{"successThreshold", 1, 1},
		{"failureThreshold", 1, 3},
		{"terminationGracePeriodSeconds", 1, 0}, // 0: that of the pod
	}
}

func (p probe) number(key string) int64 {
	for _, l := range limits() {
		if l.key == key {
			n, _ := p.Get(key).Number(l.least, l.otherwise)
			return n
		}
	}
	return 0
}

func (p probe) period() int64   { return p.number("periodSeconds") }
func (p probe) timeout() int64  { return p.number("timeoutSeconds") }
func (p probe) failures() int64 { return p.number("failureThreshold") }
func (p probe) grace() int64    { return p.number("terminationGracePeriodSeconds") }

// restart is when the container is restarted, at the earliest, if the probe never
// passes. The first failure may come as soon as the initial delay is over, so it
// takes one period less than failureThreshold × period (pkg/kubelet/prober/worker.go).
func (p probe) restart() int64 {
	return p.number("initialDelaySeconds") + (p.failures()-1)*p.period()
}

// handlers are the ways in which it asks; the API wants exactly one.
func (p probe) handlers() []string {
	return present(p.Field, "exec", "httpGet", "tcpSocket", "grpc")
}

func present(f manifest.Field, keys ...string) []string {
	return slices.DeleteFunc(keys, func(key string) bool { return f.Get(key).Absent() })
}

// port is the field that says where it asks, if it is one of those that do.
func (p probe) port() (f manifest.Field, ok bool) {
	for _, key := range p.handlers() {
		if key != "exec" {
			return p.Get(key, "port"), true
		}
	}
	return manifest.Field{}, false
}

// path is that of an httpGet, without its query.
func (p probe) path() string {
	path, _, _ := strings.Cut(p.Get("httpGet", "path").Text(), "?")
	if path == "" {
		return "/"
	}
	return path
}
