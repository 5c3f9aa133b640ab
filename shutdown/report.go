package shutdown

import (
	"context"
	"log/slog"
	"time"
)

// Report tells how a Server stopped. Durations count from the signal, where
// Shutdown's context knows of it (Notify's does), and otherwise from the call of
// Shutdown or Close.
type Report struct {
	Began          time.Duration // t1: the call of Shutdown or Close
	Silence        time.Duration // on new connections, that the evidence asked for; the linger may have ended before
	LastNew        time.Duration // when the last first request on a new connection came; 0: none came since the signal
	ListenerClosed time.Duration // t2
	StillSent      bool          // LingerMax, or half of the time, was over while new connections still came: the next was refused
	Ended          time.Duration // t3: when the last connection was gone
	Steps          []Step        // the same moments, and what was in flight
	Finished       int           // requests that were answered since Began
	Refused        int           // of those: with 503, since they came too late
	GivenUp        int           // idle connections that were closed after long silence
	Told           int           // long-lived requests and connections that were told to come to an end
	Cut            []Cut         // what was still in flight at the deadline
}

// Step is a moment of the stop.
type Step struct {
	Name        string        // "shutdown", "listener closing", "last call", "cut" or "ended"
	At          time.Duration // as in Report
	Connections Connections   // that were open then
}

// Connections says how many connections are open, by what they are doing, and how
// many requests are in flight on them.
type Connections struct {
	New      int // accepted, but nothing has come
	Reading  int // a request is half read
	Active   int // a request is being answered; HTTP/2: one or more
	Idle     int // waiting for the next request
	Hijacked int // upgraded, and not closed
	Requests int // in flight on those that are active
}

// Connections looks at every connection: it is for metrics, a few times a minute.
func (s *Server) Connections() Connections { return Connections(s.traffic.Count()) }

// step notes that a moment of the stop has come.
func (d *drain) step(name string) {
	d.report.Steps = append(d.report.Steps, Step{name, d.since(d.traffic.Now()), d.Connections()})
}

// since is a moment on the report's clock.
func (d *drain) since(moment time.Duration) time.Duration { return moment - d.asked }

func (d *drain) conclude(ctx context.Context) {
	r := &d.report
	r.Began, r.Ended = d.since(d.began), d.since(d.traffic.Now())
	if last := d.traffic.LastNew(); last > d.asked { // also in the shutdown delay, which is tuned by it
		r.LastNew = d.since(last)
	}
	r.Refused = int(d.refused.Load())
	d.mu.Lock()
	d.Server.report = *r
	d.mu.Unlock()
	addr := d.Addr()
	if addr == nil {
		return // it has never listened
	}
	level := slog.LevelInfo
	if len(r.Cut) > 0 || r.StillSent {
		level = slog.LevelWarn
	}
	d.logger().LogAttrs(ctx, level, "drained",
		slog.String("addr", addr.String()), slog.Duration("began", r.Began), slog.Duration("last_new", r.LastNew),
		slog.Duration("linger_min", d.cfg.LingerMin), slog.Duration("silence", r.Silence),
		slog.Duration("listener_closed", r.ListenerClosed), slog.Bool("still_sent", r.StillSent), slog.Duration("ended", r.Ended),
		slog.Int("in_flight_at_first", r.Steps[0].Connections.Requests), slog.Int("hijacked_at_first", r.Steps[0].Connections.Hijacked),
		slog.Int("finished", r.Finished), slog.Int("refused", r.Refused), slog.Int("given_up", r.GivenUp),
		slog.Int("told", r.Told), slog.Int("cut", len(r.Cut)))
}

// Report tells how the server stopped; zero before it has.
func (s *Server) Report() Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.report
}
