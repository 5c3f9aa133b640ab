package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/handover-go/handover/examples/rollout/internal/fleet"
)

// shares are a canary's steps, in percent.
func shares() []int { return []int{5, 20, 50, 100} }

// judged is what became of one canary.
type judged struct {
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
func (w *world) canary(ctx context.Context, o options, out io.Writer) (result, error) {
	a := &analysis{}
	s, err := newSite(ctx, w, o, "canary", out, a.seen)
	if err != nil {
		return result{}, err
	}
	defer s.end()
	var all []judged
	err = s.canaries(ctx, a, &all)
	s.end()
	r := s.result("canary")
	r.Canaries, r.Spared = all, s.front.Spared()
	return r, err
}

func (s *site) canaries(ctx context.Context, a *analysis, all *[]judged) error {
	s.front.Weigh(map[string]int{"v1": 1}, "")
	s.stage("stable")
	stable, err := s.launch(ctx, fleet.Release{Version: "v1"}, s.o.replicas)
	if err != nil {
		return err
	}
	if err := s.begin(ctx); err != nil {
		return err
	}
	deserved := []string{rolledBack, promoted}
	for i, release := range []fleet.Release{{Version: "v2", Env: []string{"FLAGS_KILL=search"}}, {Version: "v3"}} {
		j, err := s.try(ctx, a, stable, release)
		if err != nil {
			return err
		}
		*all = append(*all, j)
		s.say("%s: %s at %d %%; %s", j.Version, j.Outcome, j.Share, j.Why)
		if s.o.mode == modeNaive {
			break // the bad one is what there is now
		}
		if j.Outcome != deserved[i] {
			return fmt.Errorf("%s was %s, and should have been %s: %s", j.Version, j.Outcome, deserved[i], j.Why)
		}
	}
	return s.finish(ctx)
}

// try gives a release its shares, and ends it or the stable one.
func (s *site) try(ctx context.Context, a *analysis, stable []*fleet.Process, release fleet.Release) (judged, error) {
	j := judged{Version: release.Version, Outcome: promoted}
	s.stage(release.Version + " starts, without traffic")
	canary, err := s.launch(ctx, release, s.o.replicas)
	if err != nil {
		return j, err
	}
	if err := a.begin(release.Version); err != nil {
		return j, err
	}
	for _, share := range shares() {
		j.Share = share
		s.weigh(release.Version, share)
		bad, err := s.bake(ctx, a)
		if err != nil {
			return j, err
		}
		if bad {
			j.Outcome = rolledBack
			break
		}
	}
	ending := stable
	if j.Outcome == rolledBack {
		s.stage(release.Version + " is rolled back")
		s.front.Weigh(map[string]int{"v1": 1}, "v1") // until that is in force, v1 answers for it
		ending = canary
	}
	if err := s.pause(ctx, s.o.fleet.Lag+s.o.fleet.Settle); err != nil {
		return j, err
	}
	a.end(&j)
	s.leave(ending...)
	return j, s.exits(ctx, ending...)
}

// weigh has the stable version answer what the canary has not; the last step has nobody
// who could, and neither has who is naive.
func (s *site) weigh(version string, share int) {
	spare := "v1"
	if s.o.mode == modeNaive {
		spare = ""
	}
	s.stage(fmt.Sprintf("%s has %d %%", version, share))
	s.front.Weigh(map[string]int{"v1": 100 - share, version: share}, spare)
}

// bake waits until a share may grow. Who is naive only waits.
func (s *site) bake(ctx context.Context, a *analysis) (bad bool, err error) {
	if err := s.pause(ctx, s.o.fleet.Lag); err != nil {
		return false, err
	}
	a.step()
	until := time.Now().Add(s.o.bake)
	if s.o.mode == modeNaive {
		return false, s.pause(ctx, s.o.bake)
	}
	err = s.during(ctx, func(ctx context.Context) error {
		for !bad && (time.Now().Before(until) || !a.passes()) {
			if err := wait(ctx, 50*time.Millisecond); err != nil {
				return err
			}
			bad = a.trips()
		}
		return nil
	})
	return bad, err
}
