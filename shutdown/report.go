package shutdown

import (
	"context"
	"log/slog"
	"time"
)

// Report tells how a Server stopped. Durations count from the call of Shutdown
// or Close.
type Report struct {
	Silence        time.Duration // on new connections, that the evidence asked for; the linger may have ended before
	LastNew        time.Duration // when the last first request on a new connection came; 0: none came
	ListenerClosed time.Duration // t2: when the listener closed
	Took           time.Duration // t3: until the last connection was gone
	GivenUp        int           // idle connections that were closed after long silence
	Cut            []Cut         // what was still in flight at the deadline
}

func (d *drain) conclude(ctx context.Context) {
	d.report.Took = d.traffic.Now() - d.began
	d.report.LastNew = max(0, d.traffic.LastNew()-d.began)
	d.mu.Lock()
	d.Server.report = d.report
	d.mu.Unlock()
	addr := d.http.Addr
	if listening := d.Addr(); listening != nil {
		addr = listening.String()
	}
	level := slog.LevelInfo
	if len(d.report.Cut) > 0 {
		level = slog.LevelWarn
	}
	d.logger().Log(ctx, level, "drained", "addr", addr, "took", d.report.Took,
		"silence", d.report.Silence, "last_new", d.report.LastNew, "listener_closed", d.report.ListenerClosed,
		"given_up", d.report.GivenUp, "cut", len(d.report.Cut))
}

// Report tells how the server stopped; zero before it has.
func (s *Server) Report() Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.report
}
