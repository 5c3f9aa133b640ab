package traffic

import "time"

const (
	// atOnce is how many may always go without a wait: so few are no herd.
	atOnce = 10
	// saved is for how long credit is saved: a look that comes late must not be
	// followed by a burst.
	saved = 200 * time.Millisecond
)

// pace spreads what is done to many connections: at least so many a second, and
// as many as it takes for all of them to be done within a time.
type pace struct {
	perSecond float64
	within    time.Duration // 0: all at once
	most      int           // of those that have waited together
	at        time.Duration // when credit was given last
	credit    float64
}

// take returns how many of those that wait may go now.
func (p *pace) take(now time.Duration, waiting int) int {
	if p.within <= 0 || waiting == 0 {
		return waiting
	}
	p.most = max(p.most, waiting)
	rate := max(p.perSecond, float64(p.most)/p.within.Seconds())
	if p.at == 0 {
		p.credit = atOnce
	} else {
		p.credit = min(p.credit+rate*(now-p.at).Seconds(), max(atOnce, rate*saved.Seconds()))
	}
	p.at = now
	n := min(waiting, int(p.credit))
	p.credit -= float64(n)
	return n
}
