package betting

import "math"

// Arm counts the requests of one arm, or of a part of them.
type Arm struct{ Begun, Failed uint64 }

// Cell counts what began within one second.
type Cell struct{ New, Control Arm }

// Bet is the evidence that one bound is broken. It is not for several goroutines at once.
type Bet struct {
	bound   *process
	control *process // nil if the control arm is not asked
}

// The bounds that are taken: nearer to 0 and 1 a float64 runs out of digits.
const (
	Least = 1e-9
	Most  = 0.999
)

// New is a Bet against a bound between Least and Most. With control, the new arm has to
// fail more often than the control arm as well.
func New(bound float64, control bool) *Bet {
	against := newBound(max(Least, min(bound, Most)))
	b := &Bet{bound: newProcess(1, 64, true, against.factors)}
	if control {
		b.control = newProcess(roundSeconds, 2, false, (&comparison{alone: against}).factors)
	}
	return b
}

// Add adds what is new of requests that began within a second, in any order. What is more
// than a minute older than the newest counts for the bet that was made first, and for no
// comparison.
func (b *Bet) Add(second int64, c Cell) {
	b.bound.add(second, c)
	if b.control != nil {
		b.control.add(second, c)
	}
}

// Log is the natural logarithm of the capital.
func (b *Bet) Log() float64 {
	if b.control == nil {
		return b.bound.log()
	}
	// Each of the two may be small for its own reason, so the smaller one is what
	// speaks against both: within the bound, or no worse than the other arm.
	return min(b.bound.log(), b.control.log())
}

// Evidence is the capital; at most math.MaxFloat64, which JSON can carry.
func (b *Bet) Evidence() float64 {
	return min(math.Exp(b.Log()), math.MaxFloat64)
}

// bound is the game against a fixed share of failures.
type bound struct{ failure, success lanes } // logarithms of what a stake is multiplied by

func newBound(p float64) *bound {
	b := &bound{}
	for lane := range b.failure {
		// Evenly between p and 1 by their logarithms: 1.2 %, 1.8 %, 2.6 % ... 83 % for 1 %.
		share := 1 - (float64(lane)+0.5)/float64(len(b.failure))
		q := math.Pow(p, share)
		b.failure[lane] = math.Log(p) * (share - 1)
		b.success[lane] = math.Log1p(-q) - math.Log1p(-p)
	}
	return b
}

func (b *bound) factors(c Cell) (f lanes) {
	failed := float64(c.New.Failed)
	passed := float64(c.New.Begun) - failed // below 0 if they began in an earlier cell
	for lane := range f {
		f[lane] = failed*b.failure[lane] + passed*b.success[lane]
	}
	return f
}
