package probestest

import "time"

// backoff is CrashLoopBackOff: how long a container that ends again and again
// waits for the next one; doBackOff of
// k8s.io/kubernetes pkg/kubelet/kuberuntime/kuberuntime_manager.go.
type backoff struct {
	delay    time.Duration // for the next one
	doubled  time.Time     // when it was last
	finished time.Time     // the end of the last container
}

// next returns the wait after a container that crashed or was killed. The first
// one to crash waits for nothing. After a kill the kubelet judges by what it knew
// before: the container that ended before this one.
func (b *backoff) next(now time.Time, crashed bool) time.Duration {
	const (
		first, longest = 10 * time.Second, 5 * time.Minute
		forgotten      = 10 * time.Minute
	)
	finished := b.finished
	if crashed {
		finished = now
	}
	b.finished = now
	if finished.IsZero() {
		return 0
	}
	if finished.Sub(b.doubled) > forgotten {
		b.delay = 0
	}
	wait := max(0, b.delay-now.Sub(finished))
	b.delay, b.doubled = min(max(first, 2*b.delay), longest), now.Add(wait)
	return wait
}
