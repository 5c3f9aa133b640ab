package guard

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/guard/internal/counts"
)

// Guard counts what requests tell of the two sides of a flag. Use New. It is safe for
// concurrent use; what requests call does not block and does not allocate.
type Guard struct {
	flag   flags.Switch
	cfg    Config
	made   time.Time
	tests  atomic.Pointer[tests]
	damper *counts.Damper
	judge  *Judge

	told    atomic.Int64 // the second in which a panic was logged last
	unknown atomic.Bool  // a name that is none has been told of

	mu     sync.Mutex
	outbox Sample // what Verdict has taken and Take has not
}

// tests are what is counted, and by which bounds. A request stays with those with which
// it has begun.
type tests struct {
	cfg    Config
	names  []string       // of metrics, by row
	rows   map[string]int // of Config.Metrics, by name
	slow   int            // the row of what is slow; 0 if nothing is
	counts *counts.Counts
}

func newTests(cfg Config, now time.Time) *tests {
	t := &tests{cfg: cfg, rows: make(map[string]int, len(cfg.Metrics))}
	t.names, _ = cfg.bounds()
	for row, name := range t.names {
		if name == slowName {
			t.slow = row
		} else if row > 0 {
			t.rows[name] = row
		}
	}
	t.counts = counts.Make(len(t.names), now.Unix())
	return t
}

// New returns a Guard of a flag that is off by default: on is the new path. The error
// joins what is wrong with the Config.
func New(flag flags.Switch, cfg Config) (*Guard, error) {
	var mistakes []error
	if flag.Key() == "" {
		mistakes = append(mistakes, errors.New("guard: new: no flag: give one that flags.Bool has declared"))
	}
	if flag.Default() {
		mistakes = append(mistakes, errors.New("guard: new: "+flag.Key()+" is on by default, so that a kill would send everybody to the new path: guard a flag that is off by default"))
	}
	judge, err := NewJudge(cfg)
	if err = errors.Join(append(mistakes, err)...); err != nil {
		return nil, err
	}
	g := &Guard{flag: flag, cfg: cfg, made: time.Now(), damper: counts.NewDamper(), judge: judge}
	g.tests.Store(newTests(cfg, g.made))
	return g, nil
}

// Record tells whether something went well, as "checkout-completed", for the arm of the
// subject that is pinned to ctx. A name that Config.Metrics does not have is logged, once,
// and not counted, unless Bounds has it.
func (g *Guard) Record(ctx context.Context, metric string, ok bool) {
	t := g.tests.Load()
	row, known := t.rows[metric]
	if !known {
		if _, ours := g.cfg.Metrics[metric]; !ours && !g.unknown.Swap(true) {
			g.logger().Error("guard: a metric is not in Config.Metrics, and is not counted", "flag", g.flag.Key(), "metric", metric)
		}
		return
	}
	arm := g.arm(ctx)
	tick := t.counts.Begin(row, arm)
	if !ok {
		g.fail(ctx, row, request{tests: t, arm: arm, tick: tick}, time.Since(g.made))
	}
}

// Step marks that a step of a ramp begins: Config.Least counts from here. The evidence
// stays.
func (g *Guard) Step() { g.judge.Step() }

// Verdict takes what has been counted, and says what comes of it. Call it about once a
// second: a regression is found in the second in which it is looked for.
func (g *Guard) Verdict() Verdict {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.take()
	return g.judge.Verdict()
}

// Take is what has been counted since the last Take, for the Judge of a fleet. The Guard's
// own Verdict goes by all of it as well.
func (g *Guard) Take() Sample {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.take()
	s := g.outbox
	g.outbox = Sample{}
	return s
}

// take hands what is new to the judge and to the outbox. g.mu is held.
func (g *Guard) take() {
	now := time.Now().Unix()
	t := g.tests.Load()
	s := sampled(t.counts.Take(now), t.names)
	s.Slow = max(0, t.cfg.Slow)
	if n := len(s.Seconds); n == 0 || s.Seconds[n-1].At < now {
		s.Seconds = append(s.Seconds, Second{At: now}) // time goes by, also without requests
	}
	g.judge.Add(s)
	g.outbox.add(s)
}

// arm is the side of the flag on which ctx's subject is.
func (g *Guard) arm(ctx context.Context) int {
	if g.flag.On(ctx) {
		return counts.New
	}
	return counts.Control
}

// fail counts a failure, unless it is the subject's second within a second.
func (g *Guard) fail(ctx context.Context, row int, r request, now time.Duration) {
	if s := g.subject(ctx); s != "" && !g.damper.First(row, s, g.made.Add(now).Unix()) {
		return
	}
	r.tests.counts.Fail(row, r.arm, r.tick)
}

func (g *Guard) subject(ctx context.Context) string {
	if g.cfg.Subject != nil {
		return g.cfg.Subject(ctx)
	}
	s, _ := flags.SubjectOf(ctx)
	return s.Key
}

func (g *Guard) logger() *slog.Logger { return cmp.Or(g.cfg.Logger, slog.Default()) }
