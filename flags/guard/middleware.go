package guard

import (
	"context"
	"maps"
	"net/http"
	"time"

	"github.com/handover-go/handover/flags/guard/internal/answer"
	"github.com/handover-go/handover/flags/guard/internal/counts"
)

// Middleware is Do for whole routes: newHandler serves if the flag is on for the subject
// that is pinned to the request, and oldHandler if not. A status of 500 or more is a
// failure, and so is a panic. The time is that to the first byte of the answer: how fast a
// client reads, or how long a stream of events lives, is not the path's.
//
// After a panic of newHandler, oldHandler serves with Config.Fallback, as long as nothing
// of the request's body was read and nothing of an answer written. Otherwise the answer is
// 500, or is cut off if it has begun.
func (g *Guard) Middleware(newHandler, oldHandler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.arm(r.Context()) == counts.Control {
			g.serveOld(w, r, oldHandler)
			return
		}
		before := w.Header().Clone()
		body, again := answer.WithBody(r)
		out := &answer.Answer{ResponseWriter: w, Since: g.made}
		switch caught := g.serveNew(out, again, newHandler); {
		case caught == nil:
			return
		case out.Status != 0:
			panic(http.ErrAbortHandler) // so that the client does not take a part for the whole
		default:
			clear(w.Header())
			maps.Copy(w.Header(), before)
		}
		if g.cfg.Fallback && !body.Touched.Load() {
			oldHandler.ServeHTTP(w, r)
			return
		}
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
	})
}

func (g *Guard) serveOld(w http.ResponseWriter, r *http.Request, handler http.Handler) {
	q, returned := g.begin(counts.Control), false
	out := &answer.Answer{ResponseWriter: w, Since: g.made}
	defer func() {
		if returned {
			return
		}
		if value := recover(); value != nil {
			g.died(r.Context(), q, value)
			panic(value)
		}
	}()
	handler.ServeHTTP(out.Writer(), r)
	returned = true
	g.served(r.Context(), q, out)
}

func (g *Guard) serveNew(out *answer.Answer, r *http.Request, handler http.Handler) (caught *PanicError) {
	q, returned := g.begin(counts.New), false
	defer func() {
		if !returned {
			caught = g.caught(r.Context(), q, recover())
		}
	}()
	handler.ServeHTTP(out.Writer(), r)
	returned = true
	g.served(r.Context(), q, out)
	return nil
}

// served counts an answer that is complete.
func (g *Guard) served(ctx context.Context, q request, out *answer.Answer) {
	at := out.At
	if out.Status == 0 {
		at = time.Since(g.made)
	}
	g.end(ctx, q, at, out.Status >= http.StatusInternalServerError && !gone(ctx))
}
