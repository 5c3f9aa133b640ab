package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/handover-go/handover/examples/rollout/internal/fleet"
)

// streams are open while the fleets are switched.
const streams = 3

// switched is what only blue-green knows.
type switched struct {
	BackMS     float64 `json:"back_ms"`     // from the switch back to the first answer of the old fleet
	Streams    int     `json:"streams"`     // that the old fleet had open
	StreamsCut int     `json:"streams_cut"` // that were not told to go to another instance
}

// blueGreen has two whole fleets, and one switch.
func (w *world) blueGreen(ctx context.Context, o options, out io.Writer) (result, error) {
	var last atomic.Value // the version that has answered last
	last.Store("")
	s, err := newSite(ctx, w, o, "bluegreen", out, func(version string, _ time.Duration, _ bool) { last.Store(version) })
	if err != nil {
		return result{}, err
	}
	defer s.end()
	r := &switched{}
	s.front.Weigh(map[string]int{"v1": 1}, "")
	err = s.switchFleets(ctx, r, func() string { return last.Load().(string) })
	s.end()
	done := s.result("bluegreen")
	done.BlueGreen = r
	return done, err
}

func (s *site) switchFleets(ctx context.Context, r *switched, last func() string) error {
	s.stage("blue")
	blue, err := s.launch(ctx, fleet.Release{Version: "v1"}, s.o.replicas)
	if err != nil {
		return err
	}
	if err := s.begin(ctx); err != nil {
		return err
	}
	cut, err := s.follow(ctx, blue[0])
	if err != nil {
		return err
	}
	s.stage("blue has the traffic, green starts")
	if _, err := s.launch(ctx, fleet.Release{Version: "v2"}, s.o.replicas); err != nil {
		return err
	}
	if s.o.mode == modeNaive {
		s.stage("switch to green, and kill blue")
		s.toGreen()
		s.kill(blue)
	} else if err := s.thereAndBack(ctx, r, last); err != nil {
		return err
	} else {
		s.stage("blue drains")
		s.leave(blue...)
	}
	if err := s.exits(ctx, blue...); err != nil {
		return err
	}
	r.Streams, r.StreamsCut = streams, cut()
	s.stage("green alone")
	if err := s.pause(ctx, s.o.fleet.Lag+time.Second); err != nil {
		return err
	}
	return s.finish(ctx)
}

func (s *site) toGreen() { s.front.Weigh(map[string]int{"v2": 1}, "") }

// thereAndBack switches to green, back, and to green again. Blue still runs, so that the
// way back needs nothing to be started.
func (s *site) thereAndBack(ctx context.Context, r *switched, last func() string) error {
	hold := s.o.fleet.Lag + s.o.fleet.Warmup/2
	s.stage("switch to green")
	s.toGreen()
	if err := s.until(ctx, func() bool { return last() == "v2" }); err != nil {
		return err
	}
	if err := s.pause(ctx, hold); err != nil {
		return err
	}
	s.stage("switch back to blue")
	s.front.Weigh(map[string]int{"v1": 1}, "")
	began := time.Now()
	if err := s.until(ctx, func() bool { return last() == "v1" }); err != nil {
		return err
	}
	r.BackMS = milliseconds(time.Since(began))
	if err := s.pause(ctx, s.o.fleet.Warmup/2); err != nil {
		return err
	}
	s.stage("switch to green again")
	s.toGreen()
	return s.pause(ctx, hold)
}

func (s *site) kill(all []*fleet.Process) {
	for _, p := range all {
		s.replaced[p.Name] = true
		p.Kill()
		s.say("%s killed", p.Name)
	}
}

// follow opens event streams of a process, which last until it is told to go. cut waits
// for their ends, and returns how many came without a word.
func (s *site) follow(ctx context.Context, p *fleet.Process) (cut func() int, err error) {
	var following sync.WaitGroup
	var silent atomic.Int64
	transport := &http.Transport{DisableKeepAlives: true}
	placed, err := send(ctx, transport, http.MethodPost, p.API, "/orders", `{"user":1,"item":"tea","delay_seconds":3600}`)
	if err != nil {
		return nil, err
	}
	_ = placed.Body.Close()
	for range streams {
		stream, err := send(ctx, transport, http.MethodGet, p.API, "/orders/1/events", "")
		if err != nil {
			return nil, err
		}
		following.Go(func() {
			defer func() { _ = stream.Body.Close() }()
			text, err := io.ReadAll(stream.Body)
			if err != nil || !strings.Contains(string(text), "event: bye") {
				silent.Add(1)
			}
		})
	}
	return func() int {
		following.Wait()
		return int(silent.Load())
	}, nil
}

func send(ctx context.Context, transport *http.Transport, method, address, path, body string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://"+address+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	return transport.RoundTrip(r)
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
