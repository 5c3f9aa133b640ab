package strategy

import (
	"context"
	"time"

	"github.com/handover-go/handover/examples/rollout/internal/fleet"
	"github.com/handover-go/handover/examples/rollout/internal/site"
)

// Stalled is what a release that never becomes ready has done: nothing.
type Stalled struct {
	Requests   int     `json:"requests"` // meanwhile
	Failed     int     `json:"failed"`
	WaitedS    float64 `json:"waited_s"` // for it to be ready
	RolledBack bool    `json:"rolled_back"`
}

// rolling replaces processes one by one, and then tries a release that is never ready.
func rolling(ctx context.Context, w *site.World, o site.Options, screen site.Screen) (Result, error) {
	s, err := site.New(ctx, w, o, Rolling, screen, nil)
	if err != nil {
		return Result{}, err
	}
	defer s.End()
	stalled := &Stalled{}
	err = oneByOne(ctx, s, stalled)
	s.End()
	r := result(Rolling, s)
	if stalled.RolledBack { // and not ended before, or in the middle of it
		r.Stalled = stalled
	}
	return r, err
}

func oneByOne(ctx context.Context, s *site.Site, stalled *Stalled) error {
	s.Stage("v1 serves")
	old, err := s.Launch(ctx, fleet.Release{Version: "v1"}, s.Options.Replicas)
	if err != nil {
		return err
	}
	if err := s.Begin(ctx); err != nil {
		return err
	}
	if _, err := s.Roll(ctx, old, fleet.Release{Version: "v2"}); err != nil {
		return err
	}
	if err := stall(ctx, s, stalled); err != nil {
		return err
	}
	return s.Finish(ctx)
}

// stall deploys a release whose DATABASE_URL leads nowhere. As nothing is taken away
// before something is there, it ends with the deadline, and those that serve go on.
func stall(ctx context.Context, s *site.Site, r *Stalled) error {
	s.Stage("v3 starts, and will never be ready")
	requests, failed, _ := s.Load.Lately()
	surge, err := s.Fleet.Start(fleet.Release{Version: "v3", Env: []string{"DATABASE_URL=postgres://nobody@127.0.0.1:1/nowhere"}})
	if err != nil {
		return err
	}
	began := time.Now()
	limited, cancel := context.WithTimeout(ctx, s.Options.Deadline)
	defer cancel()
	if s.During(limited, surge.Ready) == nil {
		return surge.Failed("is ready, without a database")
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	r.WaitedS, r.RolledBack = time.Since(began).Seconds(), true
	s.Stage("no progress: v3 is rolled back")
	surge.Terminate()
	if err := s.Exits(ctx, surge); err != nil {
		return err
	}
	r.Requests, r.Failed, _ = s.Load.Lately()
	r.Requests, r.Failed = r.Requests-requests, r.Failed-failed
	return nil
}
