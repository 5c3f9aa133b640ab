package flags_test

import (
	"context"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/handover-go/handover/flags"
	"github.com/stretchr/testify/require"
)

// Two that ask a source at the same time would each undo what the other has taken.
func TestRunsOnceAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := started(t, serves(on("new")), flags.Config{})
		stop := runs(t, c)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.EqualError(t, c.Run(ctx), "flags: run: it is running already, or still starting")
		stop()
		stop = runs(t, c)
		synctest.Wait()
		stop()
	})
}

func TestRunAfterAStartThatFailedIsAnError(t *testing.T) {
	c := flags.New(nil, flags.Config{})
	require.Error(t, c.Start(t.Context()))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	require.Error(t, c.Run(ctx))
}

func TestAnIntervalOfForEverAsksOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := serves(on("new"))
		c := started(t, source, flags.Config{Interval: math.MaxInt64})
		for range 5 {
			stop := runs(t, c)
			time.Sleep(time.Hour)
			stop()
		}
		require.Equal(t, 1, source.loads)
		require.NoError(t, c.Check(t.Context()))
	})
}

type panicsInWatch struct{ *store }

func (panicsInWatch) Watch(context.Context, func()) error { panic("no luck") }

func TestAWatchThatPanicsIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		said := &diary{}
		c := started(t, panicsInWatch{serves(on("new"))}, flags.Config{Logger: slogOf(said)})
		stop := runs(t, c)
		synctest.Wait()
		stop()
		require.Contains(t, strings.Join(said.all(), "\n"), "panic: no luck")
	})
}
