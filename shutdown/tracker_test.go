package shutdown_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/shutdown"
)

func TestATrackerWaitsForTheLastPieceOfWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var work shutdown.Tracker
		began := time.Now()
		for _, takes := range []time.Duration{time.Second, 3 * time.Second} {
			done, err := work.Begin("import")
			require.NoError(t, err)
			time.AfterFunc(takes, done)
		}
		require.Equal(t, 2, work.InFlight())
		require.NoError(t, work.Shutdown(t.Context()))
		require.Equal(t, 3*time.Second, time.Since(began))

		_, err := work.Begin("late")
		require.ErrorIs(t, err, shutdown.ErrStopped)
		require.EqualError(t, err, "shutdown: begin late: already stopped")
		require.NoError(t, work.Shutdown(t.Context()), "again")
	})
}

func TestATrackerNamesWhatIsStillThereAtTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var work shutdown.Tracker
		older, err := work.Begin("import")
		require.NoError(t, err)
		time.Sleep(time.Second)
		younger, err := work.Begin("mail")
		require.NoError(t, err)

		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		err = work.Shutdown(ctx)
		require.EqualError(t, err, "shutdown: cut 2 in flight: import after 3s, mail after 2s: context deadline exceeded")
		require.ErrorIs(t, err, context.DeadlineExceeded)

		older()
		older() // again: does not end somebody else's
		require.Equal(t, 1, work.InFlight())
		younger()
		require.NoError(t, work.Shutdown(t.Context()))
	})
}

func TestATrackerThatNeverHadWorkStopsAtOnce(t *testing.T) {
	var work shutdown.Tracker
	require.NoError(t, work.Shutdown(t.Context()))
}

func TestATrackerIsSafeForManyGoroutines(t *testing.T) {
	var work shutdown.Tracker
	refused := make(chan struct{})
	for range 8 {
		go func() {
			for {
				done, err := work.Begin("piece")
				if err != nil {
					refused <- struct{}{}
					return
				}
				done()
			}
		}()
	}
	require.NoError(t, work.Shutdown(t.Context()))
	for range 8 {
		<-refused
	}
	require.Zero(t, work.InFlight())
}
