package flags

import (
	"context"
	"net/http"
	"time"

	"github.com/handover-go/handover/flags/internal/logic"
)

// pin is what a request has in its context: one version of the definitions and one
// subject. It does not change.
type pin struct {
	client *Client // nil if there are only forced flags
	view   *view
	scope  logic.Scope
	at     time.Time
	age    time.Duration // of the view, at that moment
	outer  *pin          // of another client
	forced []forced
	shown  *shown // what has been told of exposures; nil if nobody wants to know
}

// forced is a flag with a value that was given by Flag.With.
type forced struct {
	decl  *declaration
	value any
}

type pinned struct{}

func pinOf(ctx context.Context) *pin {
	if ctx == nil {
		return nil // as nobody should, but an evaluation does not panic
	}
	p, _ := ctx.Value(pinned{}).(*pin)
	return p
}

// Middleware pins each request: subjectOf is asked once, and all evaluations of the
// request, in whatever order and however long it takes, come from the set that was in
// force at its beginning. A nil subjectOf is a subject without a key.
func (c *Client) Middleware(subjectOf func(*http.Request) Subject, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var s Subject
		if subjectOf != nil {
			s = subjectOf(r)
		}
		next.ServeHTTP(w, r.WithContext(c.Pin(r.Context(), s)))
	})
}

// Pin pins the set in force and the subject to the context returned: for a job, a
// message, a command. In a context that this client has pinned already the set stays and
// the subject is exchanged, as when the user of a request becomes known.
func (c *Client) Pin(ctx context.Context, s Subject) context.Context {
	p := &pin{client: c, scope: logic.Scope{Key: s.Key, Attributes: s.Attributes}, outer: pinOf(ctx)}
	if p.outer != nil {
		p.forced = p.outer.forced
		if p.outer.client == nil { // there was nothing else in it
			p.outer = nil
		}
	}
	if before := p.outer.of(c); before != nil {
		p.view, p.at, p.age = before.view, before.at, before.age
		if before == p.outer {
			p.outer = before.outer
		}
	} else {
		p.view, p.at = c.view.Load(), time.Now()
		p.age = p.view.age(p.at)
	}
	p.scope.Now = p.at.Unix()
	c.crowd.see(s, p.at)
	p.shown = c.exposures.shown(len(p.view.entries))
	return context.WithValue(ctx, pinned{}, p)
}

// of is the pin of a client.
func (p *pin) of(c *Client) *pin {
	for ; p != nil; p = p.outer {
		if p.client == c {
			return p
		}
	}
	return nil
}

// With is a context in which the flag has this value, whatever else is pinned to it,
// before or after: for tests, which may run in parallel, and for people who look at
// what is not for everybody yet. Only a kill is stronger.
func (f Flag[T]) With(ctx context.Context, value T) context.Context {
	if f.decl == nil {
		return ctx
	}
	var p pin
	if outer := pinOf(ctx); outer != nil {
		p = *outer
	}
	p.forced = append([]forced{{f.decl, value}}, p.forced...)
	return context.WithValue(ctx, pinned{}, &p)
}
