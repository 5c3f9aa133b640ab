package audience

import (
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// most bounds the records: who sends a different agent each time fills no memory.
const most = 64

// An Audience is those who ask one set. Its zero value is empty and ready; its
// methods are safe for concurrent use.
type Audience struct {
	probers atomic.Pointer[map[key]*prober]
	watched atomic.Bool // somebody waits for news
	misled  atomic.Bool // a Misled has been reported

	mu   sync.Mutex    // guards what follows, and changes of probers
	gone [agents]gone  // what those asked of whom there is no record any more
	news chan struct{} // closed when a prober has been answered
}

// Misled is a balancer that asks a place which does not tell it of a drain.
type Misled struct {
	Agent Agent
	Host  string
}

// polls is how often a balancer asks the wrong place before that is no accident.
const polls = 3

// Seen notes who has asked, and whether the answer was good. Once in a lifetime it
// reports a balancer that polls liveness and never readiness.
func (a *Audience) Seen(at Endpoint, r *http.Request, ok bool, now time.Duration) (Misled, bool) {
	k := key{host: host(r.RemoteAddr)}
	if agent := r.Header["User-Agent"]; len(agent) > 0 {
		k.agent = agent[0]
	}
	p := a.find(k)
	if p == nil {
		p = a.add(k, r)
	}
	p.visit(at, r, ok, now)
	if at == Ready {
		if a.watched.Load() {
			a.tell()
		}
		return Misled{}, false
	}
	misled := at == Live && p.agent.Balances() && p.visits(Live) >= polls && p.visits(Ready) == 0
	if misled && a.misled.CompareAndSwap(false, true) {
		return Misled{p.agent, strings.Clone(k.host)}, true
	}
	return Misled{}, false
}

// host is the address without the port, which differs from probe to probe.
func host(addr string) string {
	if i := strings.LastIndexByte(addr, ':'); i >= 0 {
		return addr[:i]
	}
	return addr // a Unix socket's
}

func (a *Audience) find(k key) *prober {
	if all := a.probers.Load(); all != nil {
		return (*all)[k]
	}
	return nil
}

// add copies, so that nobody who looks ever waits. If there are too many, the one
// that has been away for longest goes.
func (a *Audience) add(k key, r *http.Request) *prober {
	a.mu.Lock()
	defer a.mu.Unlock()
	if p := a.find(k); p != nil {
		return p
	}
	all := map[key]*prober{}
	if old := a.probers.Load(); old != nil {
		maps.Copy(all, *old)
	}
	if len(all) >= most {
		away := longestAway(all)
		a.gone[all[away].agent].take(all[away])
		delete(all, away)
	}
	p := &prober{agent: identify(r)}
	all[key{strings.Clone(k.host), strings.Clone(k.agent)}] = p // not the whole request's header with it
	a.probers.Store(&all)
	return p
}

// longestAway prefers those that nobody would wait for: a flood of strangers must not
// make the shutdown forget a balancer, an unknown one neither.
func longestAway(all map[key]*prober) key {
	var found key
	var least *prober
	for k, p := range all {
		if least == nil || older(p, least) {
			found, least = k, p
		}
	}
	return found
}

func older(p, than *prober) bool {
	if a, b := p.rank(), than.rank(); a != b {
		return a < b
	}
	return p.last() < than.last()
}

func (p *prober) rank() int {
	switch {
	case p.agent.Balances():
		return 2
	case p.polls.Load() > 1:
		return 1
	}
	return 0
}
