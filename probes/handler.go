package probes

import (
	"net/http"
	"time"

	"github.com/handover-go/handover/probes/internal/audience"
)

// Handler serves the probes: /startupz, /livez with its alias /healthz, and
// /readyz. Anything else is 404; only GET and HEAD are allowed.
//
// The status is 200 or 503, the body at most 4 KiB of JSON:
//
//	{"status":"fail","checks":{"postgres":{"status":"fail","reason":"timeout"}}}
//
// or, where the Accept header names it, application/health+json or text/plain.
// A status is pass, warn (200: what fails does not count) or fail. The reason for a
// check is a code of its own (see [ReasonError]) or error, timeout, panic, stuck,
// stale, suppressed, closed (a gate), on (a toggle), or pending if it was not run
// yet; for the whole, beside its status, starting or draining. A shared check that
// does not count has "fail_open". Checks that fail come first, and "omitted" counts
// those that did not fit. No error text is ever shown: see AdminHandler.
func (s *Set) Handler() http.Handler { return http.HandlerFunc(s.serve) }

// kindOf compares paths itself, as a ServeMux answers some of those that it does
// not know with a redirect, and a redirect passes for a success.
func kindOf(path string) Kind {
	switch path {
	case "/startupz":
		return Startup
	case "/readyz":
		return Readiness
	case "/livez", "/healthz":
		return Liveness
	}
	return 0
}

func (s *Set) serve(w http.ResponseWriter, r *http.Request) {
	kind := kindOf(r.URL.Path)
	if kind == 0 {
		http.NotFound(w, r)
		return
	}
	if !reads(w, r) {
		return
	}
	a, now := s.answerNow(kind)
	a.Write(w, r)
	s.observe(kind, r, a.Code == http.StatusOK, now) // after that: who waits for it, waits for what was written
}

// reads answers methods that a probe does not have.
func reads(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true
	}
	w.Header().Set("Allow", "GET, HEAD")
	http.Error(w, "a probe is read: use GET or HEAD", http.StatusMethodNotAllowed)
	return false
}

// Observe notes that somebody has been told what an endpoint says, by a handler of
// your own; the set's own handlers do it themselves. Drain waits for balancers that
// it knows of from here, and the metrics count what was noted. Call it when the
// answer has been written. It allocates nothing, but for who asks for the first time.
func (s *Set) Observe(kind Kind, r *http.Request, ok bool) {
	if kind >= Startup && kind <= Liveness && r != nil {
		s.observe(kind, r, ok, s.now())
	}
}

func (s *Set) observe(kind Kind, r *http.Request, ok bool, now time.Duration) {
	misled, found := s.audience.Seen(audience.Endpoint(kind-Startup), r, ok, now)
	if !found {
		return
	}
	select {
	case s.misled <- misled: // Run logs it: a log that hangs must not keep the prober
	default:
	}
}
