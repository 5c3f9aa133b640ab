package probestest

import (
	"context"
	"time"
)

// kind is one of the three questions, in the order in which they are asked.
type kind int

const (
	startup kind = iota
	liveness
	readiness
)

func (k kind) String() string {
	return []string{startup: "startup", liveness: "liveness", readiness: "readiness"}[k]
}

// turn is how long after the event that calls for it a probe is asked. In a
// cluster, too, three workers do not tick in step.
func (k kind) turn() time.Duration { return time.Duration(k+1) * time.Millisecond }

// worker asks one probe for as long as the pod lives, one container after the
// other, as k8s.io/kubernetes pkg/kubelet/prober/worker.go.
type worker struct {
	pod     *Pod
	kind    kind
	probe   Probe
	trigger chan struct{} // has room for one

	// Of the worker's own goroutine. What was counted lasts beyond a restart of
	// the container, as it does in the kubelet.
	last result     // of a probe
	run  int        // how many times in a row
	held *container // on hold until there is another one
	odd  string     // the last event that was not a result
}

func (w *worker) work(ctx context.Context) {
	ticker := time.NewTicker(w.probe.Period)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C: // one that comes during a probe is kept, those after it are dropped
		case <-w.trigger:
			w.await(ctx)
			ticker.Reset(w.probe.Period)
		}
		w.ask(ctx)
	}
}

// await waits for the worker's turn. What else has called for it until then is
// answered by the same probe.
func (w *worker) await(ctx context.Context) {
	timer := time.NewTimer(w.kind.turn())
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	select {
	case <-w.trigger:
	default:
	}
}

// wake makes the worker ask at once: what the kubelet calls a manual run.
func (w *worker) wake() {
	select {
	case w.trigger <- struct{}{}:
	default:
	}
}

// ask is doProbe of the kubelet's worker.
func (w *worker) ask(ctx context.Context) {
	c := w.pod.asks(w.kind)
	if c == nil || c == w.held || time.Since(c.began) < max(w.kind.turn(), w.probe.InitialDelay) {
		return
	}
	a, err := w.pod.prober.ask(ctx, w.probe)
	if ctx.Err() != nil {
		return
	}
	w.noteOdd(a, err)
	if err != nil || !w.decides(a.result) {
		return // what was, stays
	}
	w.pod.set(c, w.kind, a)
	// A container that has started is not asked for it again
	// (kubernetes/kubernetes#117153), one that is being killed for nothing.
	if w.kind == startup || w.kind == liveness && a.result == failure {
		w.held, w.run = c, 0
	}
}

// decides counts a result, and reports whether it has reached its threshold.
func (w *worker) decides(r result) bool {
	if r != w.last {
		w.last, w.run = r, 0
	}
	w.run++
	if r == success {
		return w.run >= w.probe.SuccessThreshold
	}
	return w.run >= w.probe.FailureThreshold
}

// noteOdd puts into the diary what changes nothing but should be known, once.
func (w *worker) noteOdd(a answer, err error) {
	var odd string
	switch {
	case err != nil:
		odd = w.kind.String() + " probe errored, result thrown away: " + err.Error()
	case a.warning:
		odd = w.kind.String() + " probe warning: " + a.text
	}
	if odd != "" && odd != w.odd {
		w.pod.note(odd)
	}
	w.odd = odd
}
