package flags_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/handover-go/handover/flags"
	"github.com/stretchr/testify/require"
)

func TestAnExposureIsToldOncePerPin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		split, fixed := flags.Bool("new", false), flags.Bool("fixed", false)
		c := started(t, flags.Static(rollout(100)), flags.Config{Exposed: func(e flags.Exposure) {
			told = append(told, e.Flag+" "+e.Variant+" "+e.Subject.Key)
		}}, split, fixed)
		stop := runs(t, c)
		for _, key := range []string{"u-1", "u-2", ""} {
			ctx := c.Pin(t.Context(), flags.Subject{Key: key})
			for range 3 {
				split.On(ctx)
				fixed.On(ctx)
			}
		}
		stop()
		require.Equal(t, []string{"new on u-1", "new on u-2"}, told)
	})
}

// A hook that hangs costs exposures, which are counted, and no request.
func TestAHookThatHangsHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		until, told := make(chan struct{}), 0
		split := flags.Bool("new", false)
		c := started(t, flags.Static(rollout(100)), flags.Config{Exposed: func(flags.Exposure) {
			<-until
			told++
		}}, split)
		stop := runs(t, c)
		for i := range 2000 {
			require.True(t, split.On(c.Pin(t.Context(), flags.Subject{Key: fmt.Sprint(i)})))
			synctest.Wait()
		}
		close(until)
		stop()
		require.Equal(t, 1025, told)
		require.EqualValues(t, 2000-1025, c.Report().Dropped)
	})
}

// A hook that panics loses what it was told, and nothing else.
func TestAHookThatPanicsHurtsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		said, told := &diary{}, 0
		split := flags.Bool("new", false)
		c := started(t, flags.Static(rollout(100)), flags.Config{Logger: slogOf(said), Exposed: func(flags.Exposure) {
			if told++; told == 1 {
				panic("no luck")
			}
		}}, split)
		stop := runs(t, c)
		split.On(c.Pin(t.Context(), flags.Subject{Key: "1"}))
		split.On(c.Pin(t.Context(), flags.Subject{Key: "2"}))
		synctest.Wait()
		stop()
		require.Equal(t, 2, told)
		require.Contains(t, strings.Join(said.all(), "\n"), "no luck")
	})
}
