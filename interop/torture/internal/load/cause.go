package load

import (
	"context"
	"errors"
	"io"
	"regexp"
	"strings"
	"syscall"

	"google.golang.org/grpc/status"
)

// errUnsent is what the client knows not to have been processed.
var errUnsent = errors.New("unsent")

func isUnsent(err error) bool { return errors.Is(err, errUnsent) }

// refusedStream reports whether HTTP/2 says that the stream was not processed.
// net/http keeps these errors to itself.
func refusedStream(err error) bool {
	said := err.Error()
	return strings.Contains(said, "graceful shutdown GOAWAY") || // above the last stream
		strings.Contains(said, "client conn not usable") || // told before it was opened
		strings.Contains(said, "REFUSED_STREAM")
}

// addresses differ from run to run.
var addresses = regexp.MustCompile(`\d+\.\d+\.\d+\.\d+:\d+`)

var numbers = regexp.MustCompile(`=\d+`)

// cause is short, and the same for the same.
func cause(err error) string {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED), strings.Contains(err.Error(), syscall.ECONNREFUSED.Error()): // gRPC wraps nothing
		return "refused"
	case errors.Is(err, syscall.ECONNRESET):
		return "reset"
	case errors.Is(err, context.DeadlineExceeded):
		return "time-out"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "truncated"
	case errors.Is(err, io.EOF):
		return "EOF"
	}
	said := err.Error()
	if s, ok := status.FromError(err); ok {
		said = s.Code().String() + " " + s.Message()
	}
	said = strings.TrimPrefix(said, "net/http: ")
	said = addresses.ReplaceAllString(said, "…")
	said = numbers.ReplaceAllString(said, "=…")
	if len(said) > 90 {
		said = said[:90] + "…"
	}
	return said
}
