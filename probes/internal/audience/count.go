package audience

import "time"

// Count says how often an agent has asked at one place and got one answer.
type Count struct {
	Endpoint Endpoint
	Agent    Agent
	OK       bool
	N        int64
	Last     time.Duration // when it last asked there, whatever the answer
}

// gone sums up probers of one agent.
type gone struct {
	counts [endpoints][2]int64
	lasts  [endpoints]int64
}

func (g *gone) take(p *prober) {
	for at := range endpoints {
		for ok := range 2 {
			g.counts[at][ok] += p.count(at, ok)
		}
		g.lasts[at] = max(g.lasts[at], p.lasts[at].Load())
	}
}

// Counts lists those that have asked at all, by place, agent and answer.
func (a *Audience) Counts() []Count {
	a.mu.Lock()
	sums := a.gone
	all := a.probers.Load()
	a.mu.Unlock()
	if all != nil {
		for _, p := range *all {
			sums[p.agent].take(p)
		}
	}
	var counts []Count
	for at := range endpoints {
		for agent := range agents {
			for ok, n := range sums[agent].counts[at] {
				if n > 0 {
					counts = append(counts, Count{at, agent, ok == 1, n, time.Duration(sums[agent].lasts[at])})
				}
			}
		}
	}
	return counts
}
