// Package answer is an http.ResponseWriter, and a request's body, that know how far they
// have come.
package answer

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"time"
)

// Answer notes the status of an answer, and when it began.
type Answer struct {
	http.ResponseWriter
	Status int           // 0 before it has begun
	At     time.Duration // when it began, after Since
	Since  time.Time
}

func (a *Answer) begin(status int) {
	if a.Status == 0 {
		a.Status, a.At = status, time.Since(a.Since)
	}
}

// WriteHeader passes it on. What is below 200 is not the answer yet, but for 101.
func (a *Answer) WriteHeader(status int) {
	if status >= http.StatusOK || status == http.StatusSwitchingProtocols {
		a.begin(status)
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write passes it on.
func (a *Answer) Write(p []byte) (int, error) {
	a.begin(http.StatusOK)
	return a.ResponseWriter.Write(p)
}

// ReadFrom passes it on, so that a file goes to the connection without being copied.
func (a *Answer) ReadFrom(from io.Reader) (int64, error) {
	a.begin(http.StatusOK)
	return io.Copy(a.ResponseWriter, from)
}

// FlushError is what http.ResponseController calls.
func (a *Answer) FlushError() error {
	a.begin(http.StatusOK)
	return http.NewResponseController(a.ResponseWriter).Flush()
}

// Unwrap is for http.ResponseController: deadlines, full duplex.
func (a *Answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// Writer is the Answer with what the writer below can do, as handlers ask for it by
// type.
func (a *Answer) Writer() http.ResponseWriter {
	_, flushes := a.ResponseWriter.(http.Flusher)
	h, hijacks := a.ResponseWriter.(http.Hijacker)
	switch {
	case flushes && hijacks:
		return struct {
			*Answer
			flusher
			hijacker
		}{a, flusher{a}, hijacker{a, h}}
	case flushes:
		return struct {
			*Answer
			flusher
		}{a, flusher{a}}
	case hijacks:
		return struct {
			*Answer
			hijacker
		}{a, hijacker{a, h}}
	default:
		return a
	}
}

type flusher struct{ of *Answer }

// Flush passes it on.
func (f flusher) Flush() { _ = f.of.FlushError() } // http.Flusher has no error

type hijacker struct {
	of    *Answer
	below http.Hijacker
}

// Hijack passes it on: the answer has begun, and the rest is between the two.
func (h hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := h.below.Hijack()
	if err == nil {
		h.of.begin(http.StatusSwitchingProtocols)
	}
	return conn, rw, err
}
