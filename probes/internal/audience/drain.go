package audience

import "time"

// Untold says how many balancers still have to be told "not ready", each threshold
// times in a row, and the next moment at which that changes by itself: when one of
// them has been away for too long.
func (a *Audience) Untold(threshold int, now time.Duration) (n int, until time.Duration) {
	all := a.probers.Load()
	if all == nil {
		return 0, 0
	}
	for _, p := range *all {
		awaited := p.awaited()
		if awaited <= now || p.told.Load() >= int64(threshold) {
			continue
		}
		n++
		if until == 0 || awaited < until {
			until = awaited
		}
	}
	return n, until
}

// News is a channel that is closed when the next question to Ready has been
// answered. Ask for it before looking at Untold.
func (a *Audience) News() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.news == nil {
		a.news = make(chan struct{})
	}
	a.watched.Store(true)
	return a.news
}

func (a *Audience) tell() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.news != nil {
		close(a.news)
		a.news = nil
	}
	a.watched.Store(false)
}
