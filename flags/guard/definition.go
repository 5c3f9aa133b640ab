package guard

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/guard/internal/betting"
	"github.com/handover-go/handover/flags/internal/tree"
)

// Parse reads the bounds in a flag's x-guard, each as the field of Config with its name
// and none of them needed; false has errors counted and not tested:
//
//	{"maxErrors": 0.01, "slow": "300ms", "maxSlow": 0.05, "metrics": {"checkout-completed": 0.3},
//	 "control": true, "falseAlarm": 0.001, "least": 100}
//
// What is wrong with it is a *flags.DocumentError with all mistakes.
func Parse(xguard []byte) (Config, error) {
	root, mistakes := tree.Parse(xguard)
	r := reader{mistakes: mistakes}
	if root != nil {
		r.guard(root)
	}
	if len(r.mistakes) == 0 {
		return r.cfg, nil
	}
	e := &flags.DocumentError{}
	for _, m := range r.mistakes {
		path := strings.TrimSuffix("x-guard."+m.Path, ".")
		e.Mistakes = append(e.Mistakes, flags.Mistake{Path: path, Line: m.Line, Column: m.Column, Problem: m.Problem, Instead: m.Instead})
	}
	return Config{}, e
}

type reader struct {
	cfg      Config
	mistakes []tree.Mistake
}

func (r *reader) wrong(n *tree.Node, path, problem, instead string) {
	r.mistakes = append(r.mistakes, tree.Mistake{Path: path, Line: n.Line, Column: n.Column, Problem: problem, Instead: instead})
}

func (r *reader) guard(root *tree.Node) {
	if root.Kind != tree.Object {
		r.wrong(root, "", "is "+root.Kind.String(), `an object: {"maxErrors": 0.01, "slow": "300ms"}`)
		return
	}
	read := map[string]func(n *tree.Node, path string){
		"maxErrors":  r.maxErrors,
		"slow":       r.slow,
		"maxSlow":    func(n *tree.Node, path string) { r.cfg.MaxSlow = r.share(n, path) },
		"metrics":    r.metrics,
		"control":    r.control,
		"falseAlarm": r.falseAlarm,
		"least":      r.least,
	}
	known := slices.Sorted(maps.Keys(read))
	for _, m := range root.Members {
		path := tree.Join("", m.Name)
		if field := read[m.Name]; field != nil {
			field(m.Value, path)
		} else if instead := tree.Nearest(m.Name, known); instead != "" {
			r.wrong(m.Value, path, "is unknown", tree.Quote(instead))
		} else if !strings.HasPrefix(m.Name, "x-") {
			r.wrong(m.Value, path, "is unknown", `one of "`+strings.Join(known, `", "`)+`"`)
		}
	}
	if len(r.mistakes) == 0 {
		r.together(root)
	}
}

// together is what is wrong with members that are each right.
func (r *reader) together(root *tree.Node) {
	if root.Get("maxSlow") != nil && r.cfg.Slow == 0 {
		r.wrong(root.Get("maxSlow"), "maxSlow", "is of no account, as nothing is slow", `"slow": "300ms" beside it`)
	}
	if r.cfg.MaxErrors < 0 && r.cfg.Slow == 0 && len(r.cfg.Metrics) == 0 {
		r.wrong(root, "", "tests nothing", `"maxErrors", "slow" or "metrics"`)
	}
}

// share is a bound.
func (r *reader) share(n *tree.Node, path string) float64 {
	if n.Kind != tree.Number || n.Number < betting.Least || n.Number > betting.Most {
		r.wrong(n, path, "is no share", "0.01 for 1 %; from 1e-9 to 0.999")
		return 0
	}
	return n.Number
}

func (r *reader) maxErrors(n *tree.Node, path string) {
	if n.Kind == tree.Bool && !n.Bool {
		r.cfg.MaxErrors = -1
		return
	}
	r.cfg.MaxErrors = r.share(n, path)
}

func (r *reader) slow(n *tree.Node, path string) {
	d, err := time.ParseDuration(n.Text)
	if n.Kind != tree.String || err != nil || d <= 0 {
		r.wrong(n, path, "is no time", `"300ms", "1.5s"; more than none`)
		return
	}
	r.cfg.Slow = d
}

func (r *reader) metrics(n *tree.Node, path string) {
	if n.Kind != tree.Object || len(n.Members) > maxMetrics {
		r.wrong(n, path, "is no object of at most 16 metrics", `{"checkout-completed": 0.3}`)
		return
	}
	r.cfg.Metrics = make(map[string]float64, len(n.Members))
	for _, m := range n.Members {
		at := tree.Join(path, m.Name)
		if m.Name == "" || m.Name == errorsName || m.Name == slowName {
			r.wrong(m.Value, at, "has a name that is taken", "one of its own")
			continue
		}
		r.cfg.Metrics[m.Name] = r.share(m.Value, at)
	}
}

func (r *reader) control(n *tree.Node, path string) {
	if n.Kind != tree.Bool {
		r.wrong(n, path, "is "+n.Kind.String(), "true or false")
		return
	}
	r.cfg.Control = n.Bool
}

func (r *reader) falseAlarm(n *tree.Node, path string) {
	if n.Kind != tree.Number || !likely(n.Number) {
		r.wrong(n, path, "is no probability of a false alarm", "0.001; from 1e-9 to 0.5")
		return
	}
	r.cfg.FalseAlarm = n.Number
}

func (r *reader) least(n *tree.Node, path string) {
	const most = 1e9
	whole := n.Number == float64(int64(min(max(n.Number, 0), most)))
	if n.Kind != tree.Number || !whole {
		r.wrong(n, path, "is no number of requests", "100; whole, 0 for none")
		return
	}
	r.cfg.Least = int(n.Number)
	if r.cfg.Least == 0 {
		r.cfg.Least = -1
	}
}

// Bounds takes the bounds of the flag's x-guard, as JSON, in the place of those of Config:
// all of them, also those that it does not name and that are at their defaults. nil takes
// those of Config again. What x-guard does not bound, as Fallback, stays.
//
// Other bounds are another question, so the tests begin anew, with a FalseAlarm of their
// own, and the Guard holds until Config.Least requests have ended again. The same bounds change nothing; and a Guard that
// has tripped stays as it is. On an error, which is Parse's, the bounds before stay.
func (g *Guard) Bounds(xguard []byte) error {
	cfg, err := g.cfg.bounded(xguard)
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.take()
	now := g.tests.Load()
	if cfg.sameBounds(now.cfg) || !g.judge.bound(cfg) {
		return nil
	}
	g.outbox.dropSlow()
	g.tests.Store(newTests(cfg, time.Now()))
	return nil
}

// Bounds is the Bounds of a Guard, for the Judge of a fleet.
func (j *Judge) Bounds(xguard []byte) error {
	cfg, err := j.cfg.bounded(xguard)
	if err == nil {
		j.bound(cfg)
	}
	return err
}

// bounded is a Config with the bounds of x-guard.
func (c Config) bounded(xguard []byte) (Config, error) {
	if xguard == nil {
		return c, nil
	}
	b, err := Parse(xguard)
	c.MaxErrors, c.Slow, c.MaxSlow, c.Metrics = b.MaxErrors, b.Slow, b.MaxSlow, b.Metrics
	c.Control, c.FalseAlarm, c.Least = b.Control, b.FalseAlarm, b.Least
	return c, err
}

// sameBounds reports whether two ask the same of a path.
func (c Config) sameBounds(other Config) bool {
	names, bounds := c.bounds()
	others, theirs := other.bounds()
	return slices.Equal(names, others) && slices.Equal(bounds, theirs) && max(0, c.Slow) == max(0, other.Slow) &&
		c.Control == other.Control && c.falseAlarm() == other.falseAlarm() && c.least() == other.least()
}
