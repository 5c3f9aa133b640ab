package watchdog_test

import (
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/probes"
	"github.com/handover-go/handover/probes/watchdog"
)

// channel is a lock that a bubble can wait for; for a sync.Mutex it cannot.
type channel chan struct{}

func (c channel) Lock()   { c <- struct{}{} }
func (c channel) Unlock() { <-c }

func TestALockInASet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lock, health := make(channel, 1), quiet()
		require.NoError(t, health.Add(watchdog.Lock("orders", lock, 10*time.Second)))
		stop := background(t.Context(), t, health.Run)
		says := func(want string) {
			t.Helper()
			synctest.Wait()
			require.Equal(t, `{"status":`+want+"}\n", livez(health))
		}
		const alive = `"pass","checks":{"orders":{"status":"pass"}}`
		says(alive)

		lock.Lock() // for longer than an Interval, as busy as it can be
		time.Sleep(14 * time.Second)
		says(alive)
		lock.Unlock()
		time.Sleep(6 * time.Second)
		says(alive)

		lock.Lock() // and for ever
		time.Sleep(15 * time.Second)
		says(alive)
		time.Sleep(6 * time.Second)
		says(`"fail","checks":{"orders":{"status":"fail","reason":"stuck"}}`)
		time.Sleep(time.Hour)
		says(`"fail","checks":{"orders":{"status":"fail","reason":"stuck"}}`)
		require.Len(t, lock, 1, "nobody took it meanwhile")

		lock.Unlock() // after all
		synctest.Wait()
		require.Empty(t, lock, "the late check has released it again")
		time.Sleep(6 * time.Second)
		says(alive)
		stop()
		require.Empty(t, lock)
	})
}

// A run that the stop has failed returns when the process goes on, and passes then.
func TestAStopOfTheProcessFailsNoLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lock, health := make(channel, 1), quiet()
		require.NoError(t, health.Add(watchdog.Lock("orders", lock, 0)))
		stop := background(t.Context(), t, health.Run)
		synctest.Wait()
		lock.Lock()
		time.Sleep(15500 * time.Millisecond) // a run waits, and has timed out
		lock.Unlock()
		for range 20 {
			time.Sleep(time.Second)
			require.Equal(t, `{"status":"pass","checks":{"orders":{"status":"pass"}}}`+"\n", livez(health))
		}
		stop()
	})
}

func TestTheFieldsOfACheck(t *testing.T) {
	loop := watchdog.New(watchdog.Config{}).Heartbeat("loop", limit)
	tests := map[string]struct{ check, want probes.Check }{
		"of a heartbeat": {
			loop.Check(),
			probes.Check{Name: "loop", Kind: probes.Liveness, FailAfter: 2, PassAfter: 1},
		},
		"of a lock": {
			watchdog.Lock("orders", new(sync.Mutex), limit),
			probes.Check{Name: "orders", Kind: probes.Liveness, Timeout: limit, FailAfter: 2, PassAfter: 1},
		},
		"of a lock without a limit": {
			watchdog.Lock("orders", new(sync.Mutex), 0),
			probes.Check{Name: "orders", Kind: probes.Liveness, Timeout: 10 * time.Second, FailAfter: 2, PassAfter: 1},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			require.NotNil(t, test.check.Run)
			test.check.Run = nil // functions do not compare
			require.Equal(t, test.want, test.check)
		})
	}
}

func TestALockIsReleased(t *testing.T) {
	var mutex sync.Mutex
	var rw sync.RWMutex
	for _, lock := range []sync.Locker{&mutex, &rw, rw.RLocker()} {
		require.NoError(t, watchdog.Lock("orders", lock, time.Second).Run(t.Context()))
		require.True(t, mutex.TryLock() && rw.TryLock())
		mutex.Unlock()
		rw.Unlock()
	}
}

// The price that the comment of Lock speaks of, and the way around it.
func TestAReaderThatIsSlow(t *testing.T) {
	var mu sync.RWMutex
	mu.RLock() // the slow one
	require.NoError(t, watchdog.Lock("orders", mu.RLocker(), time.Second).Run(t.Context()))

	checked := make(chan error)
	go func() { checked <- watchdog.Lock("orders", &mu, time.Second).Run(t.Context()) }()
	for mu.TryRLock() { // until the check waits in line, and keeps out new readers
		mu.RUnlock()
		runtime.Gosched()
	}
	mu.RUnlock()
	require.NoError(t, <-checked)
	require.True(t, mu.TryLock())
	mu.Unlock()
}

// A pointer that is nil panics when it is locked, which the set turns into a failure.
func TestALockThatPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		health := quiet()
		require.NoError(t, health.Add(watchdog.Lock("orders", (*sync.RWMutex)(nil), 0)))
		stop := background(t.Context(), t, health.Run)
		synctest.Wait()
		require.Equal(t, `{"status":"fail","checks":{"orders":{"status":"fail","reason":"panic"}}}`+"\n", livez(health))
		stop()
	})
}
