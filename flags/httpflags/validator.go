package httpflags

import (
	"net/http"
	"time"
)

// validator returns the header that asks whether a document is still the one, and its
// value as the server wrote it: that an ETag is weak (a proxy that compresses makes it
// so) is for whom it comes back to.
func validator(header http.Header) (name, value string) {
	if tag := header.Get("ETag"); tag != "" {
		return "If-None-Match", tag
	}
	modified := header.Get("Last-Modified")
	at, err := http.ParseTime(modified)
	if err != nil {
		return "", ""
	}
	// Both are the server's clock, in whole seconds. The next version may have the same
	// time if this one was sent in that second (RFC 9110, section 8.8.2.2).
	sent, err := http.ParseTime(header.Get("Date"))
	if err != nil || sent.Sub(at) < 2*time.Second {
		return "", ""
	}
	return "If-Modified-Since", modified
}
