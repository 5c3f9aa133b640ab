package probes_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/probes"
)

// window is the time in which a run of a check is in flight: the verdict on the run
// before has been published, and the next one cannot have been.
type window struct{ good bool }

// flapping fails and passes in turn, and says in which window it is; nil: in none.
func flapping(now *atomic.Pointer[window]) run {
	last := true
	return func(context.Context) error {
		w := &window{good: last}
		now.Store(w)
		time.Sleep(50 * time.Millisecond)
		last = !last
		now.Store(nil)
		if !last {
			return context.Canceled
		}
		return nil
	}
}

// Ten thousand probers at once, of a set with one check that flaps and decides, others
// that hang, panic and end their goroutine and only warn, and more that are added
// meanwhile. A green in a window in which the decision is red would be wrong.
func TestACrowdOfProbersSeesNoWrongGreen(t *testing.T) {
	const probers, questions = 10_000, 5
	synctest.Test(t, func(t *testing.T) {
		set := quiet(probes.Config{})
		var now atomic.Pointer[window]
		quick := func(name string, impact probes.Impact, r run) probes.Check {
			return prompt(probes.Check{
				Name: name, Kind: probes.Readiness, Scope: probes.Local, Impact: impact,
				Interval: 10 * time.Millisecond, Timeout: 100 * time.Millisecond, Run: r,
			})
		}
		add(t, set,
			quick("decides", probes.Critical, flapping(&now)),
			quick("hangs", probes.Degrading, deaf(time.Hour)),
			quick("panics", probes.Degrading, explode),
			quick("vanishes", probes.Degrading, vanish),
			quick("obeys", probes.Degrading, hang),
		)
		require.NoError(t, set.Ready(t.Context()))
		stop := running(t, set)
		time.Sleep(time.Second)
		before := runtime.NumGoroutine()

		var green, red, judged, wrong atomic.Int64
		handler := set.Handler()
		var all sync.WaitGroup
		for i := range probers {
			all.Go(func() {
				p := poller{agent: "kube-probe/1.37", host: fmt.Sprint("10.0.0.", i%100)}
				for range questions {
					time.Sleep(time.Duration(rand.Int64N(int64(400 * time.Millisecond))))
					was := now.Load()
					code := p.askOf(handler)
					is := now.Load()
					if code == http.StatusOK {
						green.Add(1)
					} else {
						red.Add(1)
					}
					if was == nil || was != is {
						continue
					}
					judged.Add(1)
					if code == http.StatusOK && !was.good {
						wrong.Add(1)
					}
				}
			})
		}
		for i := range 50 {
			time.Sleep(10 * time.Millisecond)
			add(t, set, quick(fmt.Sprint("added-", i), probes.Degrading, []run{good, bad, explode, hang}[i%4]))
		}
		all.Wait()
		time.Sleep(time.Second)
		after := runtime.NumGoroutine()
		t.Logf("%d probers: %d greens, %d reds, %d of them while the truth was known, %d wrong; goroutines %d before, %d after 50 more checks",
			probers, green.Load(), red.Load(), judged.Load(), wrong.Load(), before, after)
		require.Zero(t, wrong.Load())
		require.Positive(t, green.Load())
		require.Positive(t, red.Load())
		require.Greater(t, judged.Load(), int64(probers)/2)
		require.LessOrEqual(t, after, before+2*50, "at most a watcher and a run for each check that was added")
		_ = stop()
		time.Sleep(2 * time.Hour)
	})
}
