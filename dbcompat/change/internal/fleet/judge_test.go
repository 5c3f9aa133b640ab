package fleet_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
)

// A move is an epoch that was published.
type move struct {
	Epoch int64
	Stage dbcompat.Stage
	At    time.Time
}

// A life is a transaction that was committed.
type life struct {
	Worker string
	Stage  dbcompat.Stage
	Epoch  int64     // 0 is not known
	At     time.Time // of the commit; or before it, of the last statement
}

// judge finds the lives that were too long. The moves are in their order.
func judge(moves []move, lives []life) (found []string) {
	for _, l := range lives {
		n, _ := slices.BinarySearchFunc(moves, l.At, func(m move, at time.Time) int { return m.At.Compare(at) })
		if n == 0 { // nothing was published
			found = append(found, fmt.Sprintf("%s: %v, epoch %d, before there was anything", l.Worker, l.Stage, l.Epoch))
			continue
		}
		live := moves[max(0, n-2):n]
		if !slices.ContainsFunc(live, func(m move) bool { return m.Stage == l.Stage && (l.Epoch == 0 || l.Epoch == m.Epoch) }) {
			last := live[len(live)-1]
			found = append(found, fmt.Sprintf("%s: %v, epoch %d, %v after %v, epoch %d", l.Worker, l.Stage, l.Epoch, l.At.Sub(last.At), last.Stage, last.Epoch))
		}
	}
	return found
}

func TestTheJudge(t *testing.T) {
	at := func(n int) time.Time { return time.Unix(int64(n), 0) }
	moves := []move{{1, dbcompat.Old, at(10)}, {2, dbcompat.DualWrite, at(20)}, {3, dbcompat.ReadNew, at(30)}, {4, dbcompat.DualWrite, at(40)}}
	tests := map[string]struct {
		life
		want []string
	}{
		"of the present epoch":                {life{"w", dbcompat.DualWrite, 2, at(25)}, nil},
		"of the one before":                   {life{"w", dbcompat.DualWrite, 2, at(35)}, nil},
		"right before the second one after":   {life{"w", dbcompat.Old, 1, at(30)}, nil},
		"right after it":                      {life{"w", dbcompat.Old, 1, at(31)}, []string{"w: old, epoch 1, 1s after read-new, epoch 3"}},
		"the stage is right, the epoch isn't": {life{"w", dbcompat.DualWrite, 2, at(41)}, []string{"w: dual-write, epoch 2, 1s after dual-write, epoch 4"}},
		"of an epoch that is not known":       {life{"w", dbcompat.DualWrite, 0, at(41)}, nil},
		"of a stage that is gone":             {life{"w", dbcompat.Old, 0, at(41)}, []string{"w: old, epoch 0, 1s after dual-write, epoch 4"}},
		"of a stage that is not there yet":    {life{"w", dbcompat.ReadNew, 3, at(25)}, []string{"w: read-new, epoch 3, 5s after dual-write, epoch 2"}},
		"before all":                          {life{"w", dbcompat.Old, 1, at(5)}, []string{"w: old, epoch 1, before there was anything"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, test.want, judge(moves, []life{test.life}))
		})
	}
}
