package dialect

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/handover-go/handover/probes"
)

// Consul is a handler for an HTTP check of Consul, whose state "warning" it knows.
//
// Consul's DNS still hands out an instance that warns, unless it says only_passing.
// Who asks its API with ?passing=true gets none: there a shared check that fails open
// empties the fleet after all (hashicorp/consul#595). Let them check /readyz.
func Consul(set *probes.Set) http.Handler {
	return speak(set, func(code int, status probes.Status, _ string) int {
		if code == http.StatusOK && status == probes.Warn {
			return http.StatusTooManyRequests
		}
		return code
	})
}

// HAProxy is a handler for a backend that drains a server softly:
//
//	option httpchk GET /readyz/haproxy
//	http-check disable-on-404
//	option redispatch
//
// The first 404, whatever fall says, keeps new sessions away from the server. Those
// that are bound to it by a cookie or a stick table still come, until it closes; then
// redispatch finds them another. If sessions are not bound, /readyz is as good.
//
// HAProxy's own method is OPTIONS, which is refused: name GET.
func HAProxy(set *probes.Set) http.Handler {
	return speak(set, func(code int, _ probes.Status, reason string) int {
		if code == http.StatusServiceUnavailable && reason == "draining" {
			return http.StatusNotFound
		}
		return code
	})
}

// translation makes of the code of /readyz, and of what readiness says, another code.
type translation func(code int, status probes.Status, reason string) int

// speak serves /readyz at whatever path it is mounted, with other codes.
func speak(set *probes.Set, translate translation) http.Handler {
	if set == nil {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "dialect: there is no set: give the one that probes.New has made", http.StatusServiceUnavailable)
		})
	}
	handler := set.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if below(r) {
			http.NotFound(w, r)
			return
		}
		asked := new(http.Request)
		*asked = *r
		asked.URL = &url.URL{Path: "/readyz"}
		handler.ServeHTTP(writer{w, set, translate}, asked)
	})
}

// below reports whether a path only begins like the pattern that it is mounted at.
func below(r *http.Request) bool {
	return strings.HasSuffix(r.Pattern, "/") && !strings.HasSuffix(r.Pattern, r.URL.Path)
}

type writer struct {
	http.ResponseWriter
	set       *probes.Set
	translate translation
}

// WriteHeader asks what readiness says after the answer was made, so that may be newer.
// It only chooses among codes that mean the same to Drain.
func (w writer) WriteHeader(code int) {
	status, reason := w.set.Status(probes.Readiness)
	w.ResponseWriter.WriteHeader(w.translate(code, status, reason))
}
