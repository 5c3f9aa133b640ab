package dbcompat_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
)

func TestASourceThatJumpsIsRefused(t *testing.T) {
	const O, D, R, N = dbcompat.Old, dbcompat.DualWrite, dbcompat.ReadNew, dbcompat.New
	broken := errors.New("the flag cannot be read")
	tests := map[string]struct {
		says []dbcompat.Stage // 7: it fails
		want []string
	}{
		"a walk there and back": {
			[]dbcompat.Stage{O, O, D, R, N, N, R, D, O},
			[]string{"old", "old", "dual-write", "read-new", "new", "new", "read-new", "dual-write", "old"},
		},
		"the first may be any": {[]dbcompat.Stage{N, R}, []string{"new", "read-new"}},
		"a jump, until it is taken back": {[]dbcompat.Stage{O, R, N, R, D, R}, []string{
			"old",
			"dbcompat: stage: from old to read-new, which are no neighbours: go to dual-write first, until nobody is at old any more",
			"dbcompat: stage: from old to new, which are no neighbours: go to dual-write first, until nobody is at old any more",
			"dbcompat: stage: from old to read-new, which are no neighbours: go to dual-write first, until nobody is at old any more",
			"dual-write", "read-new",
		}},
		"a jump back": {[]dbcompat.Stage{N, O, N, D}, []string{
			"new",
			"dbcompat: stage: from new to old, which are no neighbours: go to read-new first, until nobody is at new any more",
			"new",
			"dbcompat: stage: from new to dual-write, which are no neighbours: go to read-new first, until nobody is at new any more",
		}},
		"no answer, and none that is a stage": {[]dbcompat.Stage{O, 7, 0, 9, R, D}, []string{
			"old", "the flag cannot be read", "dbcompat: stage: Stage(0) is none", "dbcompat: stage: Stage(9) is none",
			"dbcompat: stage: from old to read-new, which are no neighbours: go to dual-write first, until nobody is at old any more", "dual-write",
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var says dbcompat.Stage
			source := dbcompat.StepByStep(func(context.Context) (dbcompat.Stage, error) {
				if says == 7 {
					return 0, broken
				}
				return says, nil
			})
			var diary []string
			for _, says = range tt.says {
				stage, err := source(t.Context())
				if err != nil {
					require.Zero(t, stage)
					diary = append(diary, err.Error())
					continue
				}
				diary = append(diary, stage.String())
			}
			require.Equal(t, tt.want, diary)
		})
	}
	require.Nil(t, dbcompat.StepByStep(nil), "which is refused by whoever needs one")
}

// An answer that has been on its way for long says Old when others are at DualWrite: if it
// counted, the step to ReadNew would be refused.
func TestAnAnswerThatComesLateIsAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type late struct{}
		stage, slow := dbcompat.Old, make(chan struct{})
		asked := 0
		source := dbcompat.StepByStep(func(ctx context.Context) (dbcompat.Stage, error) {
			said := stage
			if ctx.Value(late{}) != nil {
				if asked++; asked == 1 {
					<-slow
				}
			}
			return said, nil
		})
		ask := func() (dbcompat.Stage, error) { return source(t.Context()) }
		_, err := ask()
		require.NoError(t, err)
		var got dbcompat.Stage
		var wg sync.WaitGroup
		wg.Go(func() { got, _ = source(context.WithValue(t.Context(), late{}, true)) })
		synctest.Wait()
		stage = dbcompat.DualWrite
		_, err = ask()
		require.NoError(t, err)
		close(slow)
		wg.Wait()
		require.Equal(t, dbcompat.DualWrite, got)
		require.Equal(t, 2, asked)
		stage = dbcompat.ReadNew
		_, err = ask()
		require.NoError(t, err)
	})
}

func TestManyAskWhileThePersonWalks(t *testing.T) {
	var mu sync.Mutex
	stage, up := dbcompat.Old, true
	source := dbcompat.StepByStep(func(context.Context) (dbcompat.Stage, error) {
		mu.Lock()
		defer mu.Unlock()
		return stage, nil
	})
	step := func() {
		if stage == dbcompat.New || stage == dbcompat.Old {
			up = stage == dbcompat.Old
		}
		if stage--; up {
			stage += 2
		}
	}
	ended := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-ended:
					return
				default:
					if _, err := source(t.Context()); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	for range 1000 { // a step is over when somebody has been told
		mu.Lock()
		step()
		mu.Unlock()
		_, err := source(t.Context())
		require.NoError(t, err)
	}
	close(ended)
	wg.Wait()
}

func TestStepByStepAllocatesNothing(t *testing.T) {
	source := dbcompat.StepByStep(dbcompat.Fixed(dbcompat.DualWrite))
	ctx := t.Context()
	require.Zero(t, testing.AllocsPerRun(1000, func() { _, _ = source(ctx) }))
}

func BenchmarkStepByStep(b *testing.B) {
	source := dbcompat.StepByStep(dbcompat.Fixed(dbcompat.DualWrite))
	ctx := b.Context()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_, _ = source(ctx)
		}
	})
}
