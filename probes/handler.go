package probes

import "net/http"

// Handler serves the probes: /startupz, /livez with its alias /healthz, and
// /readyz. Anything else is 404; only GET and HEAD are allowed.
//
// The status is 200 or 503, the body at most 4 KiB of JSON:
//
//	{"status":"fail","checks":{"postgres":{"status":"fail","reason":"timeout"}}}
//
// A status is pass, warn (200: a shared check fails) or fail. The reason for a
// check is timeout, error, panic, stuck, stale, or pending if it was not run
// yet; for the whole, beside its status, starting or draining. Checks that fail
// come first, and "omitted" counts those that did not fit. No error text is ever shown.
func (s *Set) Handler() http.Handler { return http.HandlerFunc(s.serve) }

// serve compares paths itself, as a ServeMux answers some of those that it does
// not know with a redirect, and a redirect passes for a success.
func (s *Set) serve(w http.ResponseWriter, r *http.Request) {
	var kind Kind
	switch r.URL.Path {
	case "/startupz":
		kind = Startup
	case "/readyz":
		kind = Readiness
	case "/livez", "/healthz":
		kind = Liveness
	default:
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "a probe is read: use GET or HEAD", http.StatusMethodNotAllowed)
		return
	}
	s.answer(kind).write(w)
}

// answer is the one that holds now. The first to find it expired judges it
// again and puts up the result, unless a newer answer has come in the meantime.
// There is no log record of that: a log that hangs may be what keeps the
// scheduler, and must not keep the prober as well.
func (s *Set) answer(kind Kind) *answer {
	for {
		a := s.answers[kind].Load()
		now := s.now()
		if now <= a.until {
			return a
		}
		if judged := a.picture.render(now); s.answers[kind].CompareAndSwap(a, judged) {
			return judged
		}
	}
}

// write sends the answer whole. A kubelet that gets a status and then waits for
// the body throws its result away, and keeps the old one for ever; so there is a
// Content-Length, and a single write. A prober that has hung up is no concern.
func (a *answer) write(w http.ResponseWriter) {
	header := w.Header()
	for _, f := range a.header {
		header[f.key] = f.values // all probes share them; net/http only reads
	}
	w.WriteHeader(a.code)
	_, _ = w.Write(a.body) // net/http keeps it back from a HEAD
}
