package watchdog

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/handover-go/handover/probes"
)

// Lock is a check that a lock can be had within limit, 10 s by default; it is the
// check's Timeout. The lock is released at once, also when it comes too late. Until
// it comes the check is stuck, and does not ask for it a second time.
//
// The set believes it at the second run in a row (FailAfter 2): the limit is real
// time, and a stop of the whole process can fail one run, but not two.
//
// A check waits in line as everybody does, since polling with TryLock may never
// get a busy lock. That has a price for a sync.RWMutex: while somebody waits for
// Lock, new readers wait too, so behind one slow reader a check makes a queue of
// all others. If readers may be slow, check mu.RLocker(), which keeps nobody
// waiting; it finds the writer that does not let go, but no such reader.
//
// It is for locks of this process: one in a database is everybody's.
func Lock(name string, lock sync.Locker, limit time.Duration) probes.Check {
	check := probes.Check{
		Name: name, Kind: probes.Liveness,
		Timeout: cmp.Or(limit, 10*time.Second), FailAfter: 2, PassAfter: 1,
	}
	if lock != nil { // or else Add refuses a check without Run
		check.Run = func(context.Context) error {
			lock.Lock()
			defer lock.Unlock()
			return nil
		}
	}
	return check
}
