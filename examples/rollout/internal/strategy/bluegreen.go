package strategy

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/handover-go/handover/examples/rollout/internal/fleet"
	"github.com/handover-go/handover/examples/rollout/internal/site"
)

// streams are open while the fleets are switched.
const streams = 3

// Switched is what only blue-green knows.
type Switched struct {
	BackMS     float64 `json:"back_ms"`     // from the switch back to the first answer of the old fleet
	Streams    int     `json:"streams"`     // that the old fleet had open
	StreamsCut int     `json:"streams_cut"` // that were not told to go to another instance
}

// blueGreen has two whole fleets, and one switch.
func blueGreen(ctx context.Context, w *site.World, o site.Options, screen site.Screen) (Result, error) {
	f := &fleets{}
	f.last.Store("")
	seen := func(version string, _ time.Duration, _ bool) { f.last.Store(version) }
	var err error
	if f.Site, err = site.New(ctx, w, o, BlueGreen, screen, seen); err != nil {
		return Result{}, err
	}
	defer f.End()
	f.Front.Weigh(map[string]int{"v1": 1}, "")
	err = f.thereAndBack(ctx)
	f.End()
	r := result(BlueGreen, f.Site)
	r.BlueGreen = &f.Switched
	return r, err
}

// fleets are two, blue and green.
type fleets struct {
	*site.Site
	Switched

	last atomic.Value // the version that has answered last
}

func (s *fleets) thereAndBack(ctx context.Context) error {
	s.Stage("blue")
	blue, err := s.Launch(ctx, fleet.Release{Version: "v1"}, s.Options.Replicas)
	if err != nil {
		return err
	}
	if err := s.Begin(ctx); err != nil {
		return err
	}
	cut, err := s.follow(ctx, blue[0])
	if err != nil {
		return err
	}
	s.Stage("blue has the traffic, green starts")
	if _, err := s.Launch(ctx, fleet.Release{Version: "v2"}, s.Options.Replicas); err != nil {
		return err
	}
	if s.Options.Naive {
		s.Stage("switch to green, and kill blue")
		s.toGreen()
		s.Kill(blue...)
	} else if err := s.switchThrice(ctx); err != nil {
		return err
	} else {
		s.Stage("blue drains")
		s.Leave(blue...)
	}
	if err := s.Exits(ctx, blue...); err != nil {
		return err
	}
	s.Streams, s.StreamsCut = streams, cut()
	s.Stage("green alone")
	if err := s.Pause(ctx, s.Options.Lag+time.Second); err != nil {
		return err
	}
	return s.Finish(ctx)
}

func (s *fleets) toGreen() { s.Front.Weigh(map[string]int{"v2": 1}, "") }

// switchThrice switches to green, back, and to green again. Blue still runs, so that the
// way back needs nothing to be started.
func (s *fleets) switchThrice(ctx context.Context) error {
	hold := s.Options.Lag + s.Options.Warmup/2
	s.Stage("switch to green")
	s.toGreen()
	if err := s.answers(ctx, "v2"); err != nil {
		return err
	}
	if err := s.Pause(ctx, hold); err != nil {
		return err
	}
	s.Stage("switch back to blue")
	s.Front.Weigh(map[string]int{"v1": 1}, "")
	began := time.Now()
	if err := s.answers(ctx, "v1"); err != nil {
		return err
	}
	s.BackMS = milliseconds(time.Since(began))
	if err := s.Pause(ctx, s.Options.Warmup/2); err != nil {
		return err
	}
	s.Stage("switch to green again")
	s.toGreen()
	return s.Pause(ctx, hold)
}

// answers waits until a version does.
func (s *fleets) answers(ctx context.Context, version string) error {
	return s.During(ctx, func(ctx context.Context) error {
		for s.last.Load() != version {
			if err := site.Wait(ctx, time.Millisecond); err != nil {
				return err
			}
		}
		return nil
	})
}

// follow opens event streams of a process, which last until it is told to go. cut waits
// for their ends, and returns how many came without a word.
func (s *fleets) follow(ctx context.Context, p *fleet.Process) (cut func() int, err error) {
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
