package dbcompat_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
)

// A model of one row and all that can happen to it. What a column holds is either the
// value that was written last, or an older one, or NULL; which older one makes no
// difference to anybody, so there are nine rows, and the interleavings of any length are
// walks among them. Each write and read is one statement, and a row is locked by it.

type content string

const (
	fresh content = "fresh"
	stale content = "stale"
	null  content = "NULL"
)

type row struct{ old, new content }

// world is what there is besides the program.
type world struct {
	up, down bool // triggers: what changes one column alone is carried to the other
	coalesce bool // who believes new reads old where new is NULL
}

// write is what a stage's write leaves of a row.
func (w world) write(r row, s dbcompat.Stage) row {
	to := func(c content, written bool) content {
		switch {
		case written:
			return fresh
		case c == null:
			return null
		}
		return stale
	}
	after := row{to(r.old, s.WritesOld()), to(r.new, s.WritesNew())}
	if w.up && !s.WritesNew() {
		after.new = after.old
	}
	if w.down && !s.WritesOld() {
		after.old = after.new
	}
	return after
}

// read is what a stage reads of a row.
func (w world) read(r row, s dbcompat.Stage) content {
	switch {
	case !s.BelievesNew():
		return r.old
	case w.coalesce && r.new == null:
		return r.old
	}
	return r.new
}

// A machine goes over the table once. It may be anywhere in it while others write, so
// the row may be done before or after any of their writes.
type machine func(row) row

func backfill(r row) row        { r.new = r.old; return r }
func backfillReverse(r row) row { r.old = r.new; return r }
func backfillNulls(r row) row {
	if r.new == null {
		r.new = r.old
	}
	return r
}

// step is a time in which instances at some stages live; a machine may run in it.
type step struct {
	live    []dbcompat.Stage
	machine machine
	name    string
}

// walk tries everything, and returns the first way to a read that is not fresh: W(1) is
// a write at the stage 1, R(2) reads a stale value.
func (w world) walk(start row, steps []step) string {
	reached := map[row]string{start: ""} // and how
	for _, step := range steps {
		if anomaly := w.live(reached, step); anomaly != "" {
			return anomaly
		}
		if step.machine == nil {
			continue
		}
		done := map[row]string{}
		for _, r := range rows(reached) {
			keep(done, step.machine(r), reached[r]+step.name+" ")
		}
		reached = done
		if anomaly := w.live(reached, step); anomaly != "" {
			return anomaly
		}
	}
	return ""
}

// live adds the rows that the instances can make, until there are no more.
func (w world) live(reached map[row]string, step step) string {
	for more := true; more; {
		more = false
		for _, r := range rows(reached) {
			for _, s := range step.live {
				if w.read(r, s) != fresh {
					return fmt.Sprintf("%sR(%d) %s", reached[r], s-dbcompat.Old, w.read(r, s))
				}
				more = keep(reached, w.write(r, s), fmt.Sprintf("%sW(%d) ", reached[r], s-dbcompat.Old)) || more
			}
		}
	}
	return ""
}

// rows are those reached, the shortest ways first.
func rows(reached map[row]string) []row {
	return slices.SortedFunc(maps.Keys(reached), func(a, b row) int {
		if d := len(reached[a]) - len(reached[b]); d != 0 {
			return d
		}
		return strings.Compare(reached[a], reached[b])
	})
}

func keep(reached map[row]string, r row, way string) bool {
	if _, known := reached[r]; known {
		return false
	}
	reached[r] = way
	return true
}

func at(stages ...dbcompat.Stage) step { return step{live: stages} }

// Which stages may live together. Without a trigger it is what Neighbours says.
func TestWhichStagesMayLiveTogether(t *testing.T) {
	worlds := []world{{}, {up: true}, {up: true, down: true}}
	safe := map[[2]dbcompat.Stage][]bool{ // no trigger, heal, both ways
		{dbcompat.Old, dbcompat.DualWrite}:     {true, true, true},
		{dbcompat.DualWrite, dbcompat.ReadNew}: {true, true, true},
		{dbcompat.ReadNew, dbcompat.New}:       {true, true, true},
		{dbcompat.Old, dbcompat.ReadNew}:       {false, true, true},
		{dbcompat.Old, dbcompat.New}:           {false, false, true},
		{dbcompat.DualWrite, dbcompat.New}:     {false, false, true},
	}
	pairs := 0
	for i, a := range stages {
		for _, b := range stages[i+1:] {
			pairs++
			for i, w := range worlds {
				anomaly := w.walk(row{fresh, fresh}, []step{at(a, b)})
				require.Equal(t, safe[[2]dbcompat.Stage{a, b}][i], anomaly == "", "%v and %v, %+v: %s", a, b, w, anomaly)
			}
			require.Equal(t, a.Neighbours(b), worlds[0].walk(row{fresh, fresh}, []step{at(a, b)}) == "", "%v and %v", a, b)
		}
	}
	require.Len(t, safe, pairs)
}

// The ways from Old to New and back, and what is wrong with the popular ones.
func TestWays(t *testing.T) {
	const old, dual, readNew, onlyNew = dbcompat.Old, dbcompat.DualWrite, dbcompat.ReadNew, dbcompat.New
	machine := func(name string, m machine, live ...dbcompat.Stage) step { return step{live, m, name} }
	up := []step{at(old), at(old, dual), at(dual), machine("backfill", backfill, dual)}
	read := []step{at(dual, readNew), at(readNew)}
	end := []step{at(readNew, onlyNew), at(onlyNew)}
	tests := map[string]struct {
		world world
		steps [][]step
		want  string // an anomaly
	}{
		"the document's order":                                   {world{}, [][]step{up, read, end}, ""},
		"a back-fill of NULLs only":                              {world{}, [][]step{up[:3], {machine("backfill", backfillNulls, dual)}, read}, "W(1) W(0) backfill R(2) stale"},
		"a back-fill while somebody is at Old":                   {world{}, [][]step{up[:1], {machine("backfill", backfill, old, dual)}, {at(dual)}, read}, "backfill W(0) R(2) stale"},
		"the same with a heal trigger":                           {world{up: true}, [][]step{up[:1], {machine("backfill", backfill, old, dual)}, {at(dual)}, read, end}, ""},
		"no back-fill":                                           {world{}, [][]step{up[:3], read}, "R(2) NULL"},
		"no back-fill, but COALESCE":                             {world{coalesce: true}, [][]step{up[:3], read}, "W(1) W(0) R(2) stale"},
		"COALESCE with a heal trigger, and the back-fill later":  {world{up: true, coalesce: true}, [][]step{up[:3], read[:1], {machine("backfill", backfill, dual, readNew)}, read, end}, ""},
		"a jump over ReadNew":                                    {world{}, [][]step{up, {at(dual, onlyNew)}}, "backfill W(3) R(1) stale"},
		"back from New to DualWrite without a reverse back-fill": {world{}, [][]step{up, read, end, {at(onlyNew, readNew), at(readNew), at(readNew, dual)}}, "backfill W(3) R(1) stale"},
		"back from New to Old with a reverse back-fill":          {world{}, [][]step{up, read, end, {at(onlyNew, readNew), machine("reverse", backfillReverse, readNew)}, {at(readNew, dual), at(dual), at(dual, old), at(old)}}, ""},
		"a reverse back-fill while somebody is at New":           {world{}, [][]step{up, read, end, {machine("reverse", backfillReverse, onlyNew, readNew), at(readNew), at(readNew, dual)}}, "backfill reverse W(3) R(1) stale"},
		"back to Old, and forward without another back-fill":     {world{}, [][]step{up, {at(dual, old), at(old), at(old, dual), at(dual)}, read}, "backfill W(0) R(2) stale"},
		"back to Old, and forward with another back-fill":        {world{}, [][]step{up, {at(dual, old)}, up, read, end}, ""},
		"a back-fill that writes what is believed":               {world{}, [][]step{up, read, {machine("backfill", backfill, readNew, onlyNew)}}, "backfill W(3) backfill R(2) stale"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, test.want, test.world.walk(row{fresh, null}, slices.Concat(test.steps...)))
		})
	}
}
