package answer

import (
	"io"
	"net/http"
	"sync/atomic"
)

// Body knows whether somebody has begun to read it.
type Body struct {
	io.ReadCloser
	Touched atomic.Bool
}

// WithBody is the request with a body that knows. The body of the one that was given is
// the same.
func WithBody(r *http.Request) (*Body, *http.Request) {
	b := &Body{ReadCloser: r.Body}
	if r.Body == nil || r.Body == http.NoBody {
		return b, r
	}
	again := r.WithContext(r.Context()) // a copy: what ServeHTTP is given is not written to
	again.Body = b
	return b, again
}

// Read reads the request's body.
func (b *Body) Read(p []byte) (int, error) {
	b.Touched.Store(true)
	return b.ReadCloser.Read(p)
}

// Close closes it.
func (b *Body) Close() error {
	b.Touched.Store(true)
	return b.ReadCloser.Close()
}
