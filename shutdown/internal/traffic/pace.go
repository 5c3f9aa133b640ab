package traffic

import "time"

const (
	// atOnce is how many may always go without a wait: so few are no herd.
	atOnce = 10
	// shortest is the time over which many go, however late it is.
	shortest = time.Second
	// saved is for how long credit is saved: a look that comes late must not be
	// followed by a burst.
	saved = 100 * time.Millisecond
)

// pace spreads what is done to many connections: at least so many a second, and
// as many as it takes for all of them to be done by a time.
type pace struct {
	perSecond float64
	by        time.Duration // 0: all at once
	most      int           // of those that have waited together
	rate      float64
	at        time.Duration // when credit was given last
	credit    float64
}

// take returns how many of those that wait may go now.
func (p *pace) take(now time.Duration, waiting int) int {
	if p.by == 0 || waiting == 0 {
		return waiting
	}
	if waiting > p.most {
		p.most = waiting
		p.rate = max(p.perSecond, float64(waiting)/max(p.by-now, shortest).Seconds())
	}
	if p.at == 0 {
		p.credit = atOnce
	} else {
		p.credit = min(p.credit+p.rate*(now-p.at).Seconds(), max(atOnce, p.rate*saved.Seconds()))
	}
	p.at = now
	n := min(waiting, int(p.credit))
	p.credit -= float64(n)
	return n
}
