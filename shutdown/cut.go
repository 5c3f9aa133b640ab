package shutdown

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/handover-go/handover/shutdown/internal/traffic"
)

// Cut is work that the deadline did not wait for.
type Cut struct {
	// What is the name of tracked work, or a request's method and route pattern,
	// such as "GET /orders/{id}", and never its path. The pattern is known where
	// the http.Server's Handler is an http.ServeMux, or has its method Handler.
	What string
	Age  time.Duration // how long it had been in flight
	// Stack is that of its goroutine. It is empty where that is not known, as with a
	// call of GRPC, a Tracker's work, and a stream whose handler has returned.
	Stack string
	// Hijacked is a connection that had been upgraded: a WebSocket, a tunnel.
	Hijacked bool
	// Told is work that listened to Draining, was told, and did not end. It is
	// named in the Report and is no error: it has been asked. Never so with GRPC, where
	// it is not known which of a connection's calls listened.
	Told bool
}

// CutError says what was in flight at the deadline. It unwraps to the context's
// error.
type CutError struct {
	Cut   []Cut // all of it; the text names the first five
	Cause error // why it was not waited for any longer
}

// mostNamed keeps the error readable; the Cut has all.
const mostNamed = 5

// Error names the first five, each with its age, and then the cause.
func (e *CutError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "shutdown: cut %d in flight: ", len(e.Cut))
	for i, c := range e.Cut {
		if i == mostNamed {
			fmt.Fprintf(&b, "and %d more", len(e.Cut)-i)
			break
		}
		fmt.Fprintf(&b, "%s after %s, ", c.What, c.Age.Round(time.Millisecond))
	}
	return strings.TrimSuffix(b.String(), ", ") + ": " + e.Cause.Error()
}

// Unwrap is why it was not waited for: the error of Shutdown's context.
func (e *CutError) Unwrap() error { return e.Cause }

// cut ends what is left and says what it was.
func (d *drain) cut(ctx context.Context) error {
	d.step("cut")
	var untold []Cut
	for _, f := range d.traffic.InFlight() {
		c := Cut{What: d.what(f), Age: f.Age, Stack: f.Stack, Hijacked: f.Hijacked, Told: f.Told}
		d.report.Cut = append(d.report.Cut, c)
		if !c.Told {
			untold = append(untold, c)
		}
	}
	d.report.Finished = d.traffic.Finished() // what is cut now has not
	d.hooks()
	d.cutAll()
	if len(untold) == 0 {
		return nil
	}
	return &CutError{Cut: untold, Cause: context.Cause(ctx)}
}

// what names the request without its path, which may hold secrets.
func (d *drain) what(f traffic.InFlight) string {
	switch {
	case d.rpc != nil:
		return "gRPC calls of one connection"
	case f.Stream:
		return "an HTTP/2 stream"
	case f.Request == nil:
		return "a request that has not been read"
	}
	what := f.Request.Method
	if f.Hijacked && what == "PRI" { // Protocols.SetUnencryptedHTTP2 is drained, and this is not
		what = "HTTP/2 behind h2c.NewHandler"
	}
	if f.Request.URL != nil && f.Request.URL.Path != "*" {
		what = strings.TrimSpace(what + " " + d.pattern(f.Request))
	}
	if f.Hijacked {
		what += " (hijacked)"
	}
	return what
}

// pattern asks the application's mux. One of its own making may expect more of a
// request than a name, and must not end the program at the deadline by a panic.
func (d *drain) pattern(r *http.Request) (pattern string) {
	mux, ok := d.next.(interface {
		Handler(*http.Request) (http.Handler, string)
	})
	if !ok {
		return ""
	}
	defer func() {
		if recover() != nil {
			pattern = ""
		}
	}()
	_, pattern = mux.Handler(r) // "[METHOD ][HOST]/[PATH]", or none
	if _, rest, ok := strings.Cut(pattern, " "); ok {
		return rest
	}
	return pattern
}
