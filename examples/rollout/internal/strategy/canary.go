package strategy

import (
	"context"
	"fmt"
	"time"

	"github.com/handover-go/handover/examples/rollout/internal/analysis"
	"github.com/handover-go/handover/examples/rollout/internal/fleet"
	"github.com/handover-go/handover/examples/rollout/internal/site"
)

// shares are a canary's steps, in percent.
func shares() []int { return []int{5, 20, 50, 100} }

// Judged is what became of one canary.
type Judged struct {
	Version  string  `json:"version"`
	Outcome  string  `json:"outcome"` // promoted or rolled_back
	Why      string  `json:"why,omitempty"`
	Share    int     `json:"share"` // the largest, in percent
	Requests int     `json:"requests"`
	Failures int     `json:"failures"` // of its answers; clients got those of the stable version
	P99MS    float64 `json:"p99_ms"`
	StableMS float64 `json:"stable_p99_ms"`
}

const (
	promoted   = "promoted"
	rolledBack = "rolled_back"
)

// canary has a bad version, and then a good one. What the bad one is like no probe sees:
// it is ready, and refuses each search.
func canary(ctx context.Context, w *site.World, o site.Options, screen site.Screen) (Result, error) {
	t := &trials{}
	var err error
	if t.Site, err = site.New(ctx, w, o, Canary, screen, t.analysis.Seen); err != nil {
		return Result{}, err
	}
	defer t.End()
	err = t.all(ctx)
	t.End()
	r := result(Canary, t.Site)
	r.Canaries, r.Spared = t.done, t.Spared()
	return r, err
}

// trials are canaries, one after the other.
type trials struct {
	*site.Site
	analysis analysis.Analysis
	stable   []*fleet.Process
	done     []Judged
}

func (s *trials) all(ctx context.Context) (err error) {
	s.Front.Weigh(map[string]int{"v1": 1}, "")
	s.Stage("stable")
	if s.stable, err = s.Launch(ctx, fleet.Release{Version: "v1"}, s.Options.Replicas); err != nil {
		return err
	}
	if err := s.Begin(ctx); err != nil {
		return err
	}
	deserved := []string{rolledBack, promoted}
	for i, release := range []fleet.Release{{Version: "v2", Env: []string{"FLAGS_KILL=search"}}, {Version: "v3"}} {
		j, err := s.try(ctx, release)
		if err != nil {
			return err
		}
		s.done = append(s.done, j)
		s.Say("%s: %s at %d %%; %s", j.Version, j.Outcome, j.Share, j.Why)
		if s.Options.Naive {
			break // the bad one is what there is now
		}
		if j.Outcome != deserved[i] {
			return fmt.Errorf("%s was %s, and should have been %s: %s", j.Version, j.Outcome, deserved[i], j.Why)
		}
	}
	return s.Finish(ctx)
}

// try gives a release its shares, and ends it or the stable one.
func (s *trials) try(ctx context.Context, release fleet.Release) (Judged, error) {
	j := Judged{Version: release.Version, Outcome: promoted}
	s.Stage(release.Version + " starts, without traffic")
	canary, err := s.Launch(ctx, release, s.Options.Replicas)
	if err != nil {
		return j, err
	}
	if err := s.analysis.Begin(release.Version); err != nil {
		return j, err
	}
	for _, share := range shares() {
		j.Share = share
		s.weigh(release.Version, share)
		bad, err := s.bake(ctx)
		if err != nil {
			return j, err
		}
		if bad {
			j.Outcome = rolledBack
			break
		}
	}
	ending := s.stable
	if j.Outcome == rolledBack {
		s.Stage(release.Version + " is rolled back")
		s.Front.Weigh(map[string]int{"v1": 1}, "v1") // until that is in force, v1 answers for it
		ending = canary
	}
	if err := s.Pause(ctx, s.Options.Lag+s.Options.Settle); err != nil {
		return j, err
	}
	f := s.analysis.End(j.Outcome == promoted)
	j.Why, j.Requests, j.Failures = f.Why, f.Requests, f.Failures
	j.P99MS, j.StableMS = milliseconds(f.P99), milliseconds(f.StableP99)
	s.Leave(ending...)
	return j, s.Exits(ctx, ending...)
}

// weigh has the stable version answer what the canary has not; the last step has nobody
// who could, and neither has who is naive.
func (s *trials) weigh(version string, share int) {
	spare := "v1"
	if s.Options.Naive {
		spare = ""
	}
	s.Stage(fmt.Sprintf("%s has %d %%", version, share))
	s.Front.Weigh(map[string]int{"v1": 100 - share, version: share}, spare)
}

// bake waits until a share may grow. Who is naive only waits.
func (s *trials) bake(ctx context.Context) (bad bool, err error) {
	if err := s.Pause(ctx, s.Options.Lag); err != nil {
		return false, err
	}
	s.analysis.Step()
	until := time.Now().Add(s.Options.Bake)
	if s.Options.Naive {
		return false, s.Pause(ctx, s.Options.Bake)
	}
	err = s.During(ctx, func(ctx context.Context) error {
		for !bad && (time.Now().Before(until) || !s.analysis.Passes()) {
			if err := site.Wait(ctx, 50*time.Millisecond); err != nil {
				return err
			}
			bad = s.analysis.Trips()
		}
		return nil
	})
	return bad, err
}
