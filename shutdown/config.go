package shutdown

import (
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Config changes how a Server stops. The zero value is what nearly everybody
// wants.
type Config struct {
	// LingerMin is the shortest silence on new connections that counts as
	// evidence. Default 0.5 s.
	LingerMin time.Duration
	// LingerMax is the longest time to linger; the linger is also never longer
	// than half of the time that is left. Default 5 s, negative: no linger.
	LingerMax time.Duration
	// IsProbe tells requests of probers, which come on new connections whether or
	// not a balancer sends traffic. Default: the usual probe paths and the agents
	// of the kubelet, AWS, Google, Consul, Envoy and HAProxy.
	IsProbe func(*http.Request) bool
	// RetryAfter keeps the listener open after the linger, as long as anything is
	// in flight, and answers what still comes with 503 and this Retry-After
	// (probes and /metrics excepted). It is for clients that find no other
	// instance and heed it; the others are better off with a refused connection,
	// which may always be tried again. Default 0: the listener closes.
	RetryAfter time.Duration
	// Envoy adds X-Envoy-Immediate-Health-Check-Fail to each response of the
	// drain: an Envoy that checks this instance's health takes it out of rotation
	// at once. Default false.
	Envoy bool
	// Listener is used instead of opening http.Server.Addr: a Unix socket, or one
	// that systemd holds; not one that speaks TLS, which is TLSConfig's matter. If
	// it has no SetDeadline, what waits in its queue is lost when it closes.
	Listener net.Listener
	// Logger gets one record when the server listens and one when it has
	// stopped. Default slog.Default() at the time of use.
	Logger *slog.Logger
}
