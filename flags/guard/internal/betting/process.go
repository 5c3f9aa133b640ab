package betting

// lanes are the alternatives on which one gambler bets at the same time.
type lanes [12]float64

// process is the capital over time. A bet that was made in round r has seen what began
// in r and later. What is more than some rounds old is settled; a younger round may still
// change, when a request ends that began in it.
type process struct {
	span, open int64            // seconds in a round, rounds that are open
	peek       bool             // open rounds count already
	factors    func(Cell) lanes // logarithms of what a round multiplies stakes by

	begun               bool
	start, base, newest int64   // rounds: the first, the oldest open one, the last
	known               int64   // up to which the stakes before a round are right
	rounds              []round // the open ones, and one that is to come
	late                lanes   // factors of what was too late for its round
}

// endOfTime is the last second: the years up to 36,812 do.
const endOfTime = 1 << 40

type round struct {
	cell   Cell
	before stakes
}

func newProcess(span, open int64, peek bool, factors func(Cell) lanes) *process {
	p := &process{span: span, open: open, peek: peek, factors: factors, rounds: make([]round, open+1)}
	p.rounds[0].before = newStakes()
	return p
}

func (p *process) at(r int64) *round { return &p.rounds[r%int64(len(p.rounds))] }

func (p *process) add(second int64, c Cell) {
	r := min(second, endOfTime) / p.span
	if !p.begun && second > 0 {
		p.begun, p.start, p.base, p.newest, p.known = true, r, r, r, r
		p.at(r).before = newStakes()
	}
	if second <= 0 || r < p.base {
		if p.peek {
			p.late = p.late.times(p.factors(c))
		}
		return
	}
	p.advance(r)
	if c == (Cell{}) {
		return
	}
	p.known = min(p.known, r)
	cell := &p.at(r).cell
	cell.New.add(c.New)
	cell.Control.add(c.Control)
}

// advance opens rounds up to r, and closes as many.
func (p *process) advance(r int64) {
	if r <= p.newest {
		return
	}
	base := max(p.base, r-p.open+1)
	p.settle(min(base, p.newest+1))
	if base > p.newest+1 { // nothing was asked for in between
		p.at(base).before, p.known = p.at(p.newest+1).before, base
	}
	for fresh := max(base, p.newest+1); fresh <= r; fresh++ {
		p.at(fresh).cell = Cell{}
	}
	p.base, p.newest = base, r
}

// settle plays all rounds before r.
func (p *process) settle(r int64) {
	for ; p.known < r; p.known++ {
		now := p.at(p.known)
		p.at(p.known + 1).before = now.before.play(p.known-p.start, p.factors(now.cell))
	}
}

// log is the logarithm of the capital.
func (p *process) log() float64 {
	if !p.peek {
		return p.at(p.base).before.log(lanes{})
	}
	p.settle(p.newest + 1)
	return p.at(p.newest + 1).before.log(p.late)
}

func (a *Arm) add(more Arm) {
	a.Begun += more.Begun
	a.Failed += more.Failed
}
