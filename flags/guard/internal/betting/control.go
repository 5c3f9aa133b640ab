package betting

import "math"

// roundSeconds is the length of a round of the comparison. It is long enough for some
// requests of both arms, and short enough that the share of the new arm stands still.
const roundSeconds = 10

// lonely is for how many rounds there must have been no request of the control arm until
// the bound alone decides, as after the last step.
const lonely = 6

// comparison is the game against the control arm. If the new arm is no worse, each failure
// of a round is in it with a probability of at most its share of the requests; whether
// few or many fail, as when a database is away, does not matter. He bets that it is
// there more often, by odds of 1.3 to 820.
//
//	a failure of the new arm       odds / (1 + share*(odds-1))
//	a failure of the control arm      1 / (1 + share*(odds-1))
//
// The failures are drawn without being put back, by which the product is at most what it
// would be otherwise (Hoeffding 1963, theorem 4). That holds for a whole round, so it
// counts once, when it is over and what is slow has had time to end.
type comparison struct {
	alone *bound
	empty int // rounds without a request of the control arm, up to now
}

func (v *comparison) factors(c Cell) (f lanes) {
	if c.Control.Begun > 0 {
		v.empty = 0
	} else if v.empty++; v.empty > lonely {
		return v.alone.factors(c)
	}
	all := float64(c.New.Begun) + float64(c.Control.Begun)
	if all == 0 {
		return f
	}
	share := float64(c.New.Begun) / all
	failed, others := float64(c.New.Failed), float64(c.Control.Failed)
	for lane := range f {
		odds := math.Exp(7 * (float64(lane) + 0.5) / float64(len(f)))
		f[lane] = failed*math.Log(odds) - (failed+others)*math.Log1p(share*(odds-1))
	}
	return f
}
