package traffic

import "time"

// comeBack is within what time a client that was told to go away, and still has
// us in its rotation, comes back on a new connection: a round trip.
const comeBack = 100 * time.Millisecond

// Evidence is what the last one to two minutes of normal service say about how
// long to wait.
type Evidence struct {
	Any      bool          // whether traffic ever came
	Silence  time.Duration // on new connections, after which none will come
	Patience time.Duration // with an idle connection, after which it is not used again
	Longest  time.Duration // that a request took
	most     time.Duration
}

// Evidence weighs what has been seen. Silences are between least and most; most
// also where too little has been seen to know.
func (t *Table) Evidence(least, most time.Duration) Evidence {
	return Evidence{
		Any:      t.news.last.Load() != 0,
		Silence:  t.news.silence(least, most),
		Patience: t.reuse.silence(least, most),
		Longest:  t.takes.longest(),
		most:     most,
	}
}

// LastNew is when the last first request on a new connection came; 0: never.
func (t *Table) LastNew() time.Duration { return time.Duration(t.news.last.Load()) }

// QuietAt is when traffic has been quiet for as long as the evidence asks, if it
// stays so, and the silence on new connections that this takes.
//
// New connections alone are not enough to watch. A proxy that still sends here
// may need none for long, while it uses those it has pooled; but each answer of
// the drain ends one of those, and then the new ones appear, as often as requests
// did. So the gaps between those count as well, and so does what Look has seen:
// begunAgain.
func (t *Table) QuietAt(e Evidence, begunAgain time.Duration) (at, silence time.Duration) {
	silence = max(e.Silence, min(silenceFactor*t.arrivals.longest(), e.most))
	return max(
		after(t.LastNew(), silence),
		t.UnusedAt(e, begunAgain),
		after(time.Duration(t.sentAway.Load()), e.Patience), // it comes back with its next request
		after(time.Duration(t.lastEnded.Load()), comeBack),
	), silence
}

// UnusedAt is when old connections have not been used for so long that the others
// will not be, either. As long as some are, a pool is being used up: it takes
// first what was used last, and each answer of the drain ends one, so that soon
// it reaches those which have been silent for minutes.
func (t *Table) UnusedAt(e Evidence, begunAgain time.Duration) time.Duration {
	return after(max(time.Duration(t.further.Load()), begunAgain), e.Patience)
}

func after(event, silence time.Duration) time.Duration {
	if event == 0 {
		return 0 // it never happened
	}
	return event + silence
}
