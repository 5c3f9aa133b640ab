package load

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// payload is the body of each POST.
const payload = "a small body"

// Request is one draw from the mix.
type Request struct {
	Method, Path string
	Fresh        bool      // it brings its own connection
	Slow         bool      // it is for SlowPath
	Due          time.Time // its latency counts from here, even if it was sent late
}

// String is the method, the path, and what is special.
func (r Request) String() string {
	if r.Fresh {
		return r.Method + " " + r.Path + " on its own connection"
	}
	return r.Method + " " + r.Path
}

func (r Request) http(host string) *http.Request {
	target, _ := url.ParseRequestURI(r.Path) // checked with the Config
	req := &http.Request{Method: r.Method, URL: target, Host: host, Header: http.Header{}, Close: r.Fresh}
	req.Header.Set("User-Agent", "droptest")
	if r.Method == http.MethodPost {
		req.Body = io.NopCloser(strings.NewReader(payload))
		req.ContentLength = int64(len(payload))
	}
	return req
}
