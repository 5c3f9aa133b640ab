package guard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/handover-go/handover/flags/guard/internal/betting"
)

// Config says what a new path may do, and how sure one has to be. The zero value is valid.
type Config struct {
	// MaxErrors is the share of requests that may fail, from 0 to 1. Default 0.01;
	// negative: errors are not tested, but counted.
	MaxErrors float64

	// Slow is from when on a request is slow. Default: none ever is.
	Slow time.Duration

	// MaxSlow is the share of requests that may be slow. Default 0.05.
	MaxSlow float64

	// Metrics are what Record is told of, by name, with the share that may be not ok:
	// at most 16. Default none.
	Metrics map[string]float64

	// Control lets the control arm speak for the new one: what trips has to be over
	// its bound and to fail more often than the old path, of which there must be some
	// requests. The comparison is made of rounds of ten seconds, ten seconds after each.
	// Where there has been no control arm for a minute, as at 100 %, the bound decides
	// alone.
	Control bool

	// FalseAlarm is the probability that a path within all its bounds is ever tripped
	// over. It is divided among the metrics. Default 0.001.
	FalseAlarm float64

	// Least is how many requests of the new arm have to end, in each step, before it
	// passes. It trips with fewer if they are clear. Default 100; negative is none.
	Least int

	// Fallback runs the old path when the new one has panicked: twice for one request,
	// so the new one should not have done anything by then that the old one does again.
	// Default false: Do returns a *PanicError, and Middleware answers 500.
	Fallback bool

	// Subject says whose request it is, for the one failure per subject and second.
	// "" is nobody's, and is counted. Default: the key of the subject that is pinned.
	Subject func(context.Context) string

	// Failure says whether an error of a path is a failure of it. Default: each is.
	// It is not asked once the request's own context is canceled: then the caller has
	// gone.
	Failure func(error) bool

	// Logger gets a record of panics that were contained, one a second at most.
	// Default slog.Default(), at the time of use.
	Logger *slog.Logger
}

// maxMetrics bounds memory, and how much one bound costs the others.
const maxMetrics = 16

// Names of the metrics that each Guard has.
const (
	errorsName = "errors"
	slowName   = "slow"
)

// bounds are the names and bounds of what is tested or counted; 0 is not tested.
func (c Config) bounds() (names []string, bounds []float64) {
	names, bounds = []string{errorsName}, []float64{max(0, cmp.Or(c.MaxErrors, 0.01))}
	if c.Slow > 0 {
		names, bounds = append(names, slowName), append(bounds, cmp.Or(c.MaxSlow, 0.05))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Metrics)) {
		names, bounds = append(names, name), append(bounds, c.Metrics[name])
	}
	return names, bounds
}

// likely reports whether a is a probability of a false alarm that one can work with.
func likely(a float64) bool { return a >= 1e-9 && a <= 0.5 } // NaN is not

func (c Config) falseAlarm() float64 { return cmp.Or(c.FalseAlarm, 0.001) }

func (c Config) least() uint64 { return uint64(max(0, cmp.Or(c.Least, 100))) }

// check says all that is wrong.
func (c Config) check() error {
	mistakes := c.checkMetrics()
	wrong := func(format string, args ...any) {
		mistakes = append(mistakes, fmt.Errorf("guard: new: "+format, args...))
	}
	if a := c.falseAlarm(); !likely(a) {
		wrong("FalseAlarm is %v: give a probability from 1e-9 to 0.5, as 0.001", a)
	}
	if c.Slow <= 0 && c.MaxSlow != 0 {
		wrong("MaxSlow is %v, but nothing is slow: give Slow, from when on a request is", c.MaxSlow)
	}
	if c.MaxErrors < 0 && c.Slow <= 0 && len(c.Metrics) == 0 {
		wrong("nothing is tested: give MaxErrors, Slow or Metrics")
	}
	return errors.Join(mistakes...)
}

func (c Config) checkMetrics() (mistakes []error) {
	wrong := func(format string, args ...any) {
		mistakes = append(mistakes, fmt.Errorf("guard: new: "+format, args...))
	}
	names, bounds := c.bounds()
	for i, name := range names {
		b := bounds[i]
		if i == 0 && b == 0 || b >= betting.Least && b <= betting.Most {
			continue
		}
		wrong("the bound of %s is %v: give a share from %v to %v, as 0.01 for 1%%", name, b, betting.Least, betting.Most)
	}
	for _, taken := range []string{"", errorsName, slowName} {
		if _, ok := c.Metrics[taken]; ok {
			wrong("Metrics has the name %q, which is taken: give it one of its own", taken)
		}
	}
	if n := len(c.Metrics); n > maxMetrics {
		wrong("Metrics has %d names: give those that should stop a rollout, %d at most", n, maxMetrics)
	}
	return mistakes
}
