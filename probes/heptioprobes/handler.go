package heptioprobes

import (
	"errors"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/heptiolabs/healthcheck"

	"github.com/handover-go/handover/probes"
)

// A Handler is a healthcheck.Handler. Its methods may be called at any time, from
// any goroutine, from within a check too. Make one with [New].
type Handler struct {
	set       *probes.Set
	config    Config
	well, ill healthcheck.Handler // the original, for {} with 200 and with 503
	unrun     atomic.Int64        // so many members of liveness have not been run yet

	mu       sync.Mutex         // guards what follows; never held during a check, a log record or a write
	members  map[string]*member // what was added here, by its name in the set
	refusals []*refusal
}

var _ healthcheck.Handler = (*Handler)(nil)

// New makes a handler of a set, which it neither runs nor makes ready. Without a
// set, /ready is 503 for ever and Err says why.
func New(set *probes.Set, config Config) *Handler {
	h := &Handler{
		set: set, config: config, members: map[string]*member{},
		well: healthcheck.NewHandler(), ill: healthcheck.NewHandler(),
	}
	ill := errors.New("shown by nobody")
	h.ill.AddLivenessCheck("", func() error { return ill }) // of liveness counts at both
	if set == nil {
		h.set = probes.New(probes.Config{})
		h.refuse("set", errors.New("heptioprobes: new: the set is nil: give the one that the program runs"))
	}
	return h
}

// ServeHTTP serves /live and /ready.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var kind probes.Kind
	switch r.URL.Path {
	case "/live":
		kind = probes.Liveness
	case "/ready":
		kind = probes.Readiness
	}
	h.answer(kind, r).ServeHTTP(w, r)
}

// LiveEndpoint serves /live under any path.
func (h *Handler) LiveEndpoint(w http.ResponseWriter, r *http.Request) {
	h.answer(probes.Liveness, r).LiveEndpoint(w, r)
}

// ReadyEndpoint serves /ready under any path.
func (h *Handler) ReadyEndpoint(w http.ResponseWriter, r *http.Request) {
	h.answer(probes.Readiness, r).ReadyEndpoint(w, r)
}

// answer is the original that has to say what holds. It is settled before a word
// is written, so that the set notes what the prober is really told.
func (h *Handler) answer(kind probes.Kind, r *http.Request) healthcheck.Handler {
	if kind == 0 || r.Method != http.MethodGet {
		return h.well // for a 404, a redirect or a 405
	}
	var original healthcheck.Handler
	var ok bool
	if r.URL.RawQuery != "" && r.URL.Query().Get("full") == "1" {
		original, ok = h.full(kind)
	} else {
		original, ok = h.brief(kind)
	}
	h.set.Observe(kind, r, ok)
	return original
}

// brief reads what is there already, and makes nothing.
func (h *Handler) brief(kind probes.Kind) (original healthcheck.Handler, ok bool) {
	status, _ := h.set.Status(probes.Liveness)
	if kind == probes.Readiness {
		readiness, _ := h.set.Status(probes.Readiness)
		status = max(status, readiness)
		if h.unrun.Load() > 0 {
			status = probes.Fail
		}
	}
	if status == probes.Fail {
		return h.ill, false
	}
	return h.well, true
}

// full is made anew each time that it is asked for, mostly by a person: of one
// report, so that it does not contradict itself.
func (h *Handler) full(kind probes.Kind) (original healthcheck.Handler, ok bool) {
	original, ok = healthcheck.NewHandler(), true
	add := original.AddReadinessCheck
	if kind == probes.Liveness {
		add = original.AddLivenessCheck
	}
	for _, l := range h.lines(kind) {
		add(l.name, func() error { return l.err })
		ok = ok && l.err == nil
	}
	return original, ok
}
