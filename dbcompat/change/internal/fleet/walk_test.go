//go:build unix

package fleet_test

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/change/walk"
	"github.com/handover-go/handover/dbcompat/internal/ledger"
)

func walks(t *testing.T) int {
	t.Helper()
	text := os.Getenv("FLEET_WALKS")
	if text == "" {
		return 10
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}

func TestNobodyNotices(t *testing.T) {
	tests := map[string]struct {
		options walk.Options
		share   int // of the walks
		cards   []string
	}{
		"with a fence": {walk.Options{Fence: true}, 1, []string{"kill", "stop open", "stop bare", "stop late", "drop", "restart", "crash", "replace", "none", "none", "none"}},
		// What is bare or late, nobody stops.
		"without one": {walk.Options{}, 5, []string{"kill", "stop open", "crash", "none"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			f := newFleet(t, test.options)
			n := max(1, walks(t)/test.share)
			for i := range n {
				f.walkThrough(test.cards)
				if i%20 == 19 {
					t.Logf("%d walks of %d", i+1, n)
				}
			}
			f.audit()
			require.NoError(t, f.ledger.Clean())
			t.Logf("%d walks in %.1f s", n, time.Since(began).Seconds())
		})
	}
}

// walkThrough goes from the end where the change is to the other one.
func (f *fleet) walkThrough(cards []string) {
	f.Helper()
	path := []dbcompat.Stage{dbcompat.DualWrite, dbcompat.ReadNew, dbcompat.New}
	if f.at == dbcompat.New {
		path = []dbcompat.Stage{dbcompat.ReadNew, dbcompat.DualWrite, dbcompat.Old}
	}
	for i, to := range path {
		if f.there(to) {
			f.move(to)
			f.settle()
		} else {
			f.troubled(f.deal(cards...), to, path[min(i+1, len(path)-1)])
		}
		f.mix(2)
		if i == 0 { // the column that is believed next has not been written at the end
			f.fill()
		}
	}
	require.Empty(f, f.judge())
	require.NoError(f, f.ledger.Clean())
}

// That it is the fence which stops a process that has been stopped and does not ask its
// clock: without one it writes, two stages later.
func TestWhoIsLateWithoutAFence(t *testing.T) {
	f := newFleet(t, walk.Options{})
	goOn := f.stop(0, "late")
	f.move(dbcompat.DualWrite)
	f.settle()
	f.fill()
	f.move(dbcompat.ReadNew)
	require.Equal(t, "done", goOn())
	found := f.judge()
	require.Len(t, found, 1)
	require.Contains(t, found[0], "worker 1: old, epoch 1, ")
	require.Contains(t, found[0], "after read-new, epoch 3")
	t.Log(found[0])
}

// That it can find something: the change moves by two, whatever anybody has acknowledged.
func TestMovesThatNobodyHasAcknowledged(t *testing.T) {
	f := newFleet(t, walk.Options{Fence: true})
	f.execute("ALTER TABLE handover.changes DISABLE TRIGGER change_moves")
	stale := false
	var found []string
	for deadline := time.Now().Add(patience); len(found) == 0 || !stale; {
		require.True(t, time.Now().Before(deadline), "nothing is found")
		by := 2
		if f.at != dbcompat.Old {
			by = -2
		}
		f.at = dbcompat.Stage(int(f.at) + by)
		f.execute(moveBy(by))
		f.mix(3)
		found = append(found, f.judge()...)
		f.ledger.Look(func() { stale = f.ledger.Counts[ledger.Stale] > 0 })
	}
	f.audit()
	t.Logf("%s; %s", found[0], f.ledger.Faults[0])
}

func moveBy(n int) string {
	by := strconv.Itoa(n)
	half := strconv.Itoa(n / 2)
	return `UPDATE handover.changes SET stage = stage + ` + by + `, epoch = epoch + 2;
		INSERT INTO handover.change_events (change, actor, what, to_stage, epoch)
		SELECT name, 'test', 'advanced', stage - ` + half + `, epoch - 1 FROM handover.changes;
		INSERT INTO handover.change_events (change, actor, what, to_stage, epoch)
		SELECT name, 'test', 'advanced', stage, epoch FROM handover.changes;`
}
