package betting

import (
	"math"
	"slices"
)

// stakes are what is on the table, as logarithms: 10,000 requests that went well make of
// a stake less than a float64 can hold.
type stakes struct {
	first lanes   // put there in the first round
	later lanes   // and in all others
	put   float64 // rounds up to which the reserve has been put there
}

func newStakes() (s stakes) {
	s.put = 1
	for lane := range s.first {
		s.first[lane] = math.Log(0.5 / float64(len(s.first)))
		s.later[lane] = math.Inf(-1)
	}
	return s
}

// reserve is what has not been put there after so many rounds.
func reserve(rounds float64) float64 { return 0.5 / rounds }

// play puts there what is due by a round, and then plays it.
func (s stakes) play(round int64, f lanes) stakes {
	age := float64(round) + 1
	if due := reserve(s.put) - reserve(age); due > 0 {
		stake := math.Log(due / float64(len(s.later)))
		for lane := range s.later {
			s.later[lane] = logSum(s.later[lane], stake)
		}
		s.put = age
	}
	s.first, s.later = s.first.times(f), s.later.times(f)
	return s
}

// log is the logarithm of all of it, with factors for the first stakes.
func (s stakes) log(late lanes) float64 {
	first, rest := s.first.times(late), math.Log(reserve(s.put))
	most := max(rest, slices.Max(first[:]), slices.Max(s.later[:]))
	sum := math.Exp(rest - most)
	for lane := range first {
		sum += math.Exp(first[lane]-most) + math.Exp(s.later[lane]-most)
	}
	return most + math.Log(sum)
}

func (l lanes) times(f lanes) lanes {
	for lane := range l {
		l[lane] += f[lane]
	}
	return l
}

func logSum(a, b float64) float64 {
	if a < b {
		a, b = b, a
	}
	if a-b > 40 { // b is less than a float64 would notice
		return a
	}
	return a + math.Log1p(math.Exp(b-a))
}
