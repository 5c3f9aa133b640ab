package ledger_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/dbcompat/internal/ledger"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTheLedger(t *testing.T) {
	tests := map[string]struct {
		lines []string // of the workers 1 and 2 in turn
		there map[int64]int64
		want  []string
	}{
		"what is acknowledged is there": {
			[]string{"sent 1 1", "read 1 1", "done 1 1", "sent 1 2", "sent 1 2", "done 1 2"}, map[int64]int64{1: 2}, nil,
		},
		"of what was killed one cannot know: it is there": {
			[]string{"sent 1 1", "sent 2 1"}, map[int64]int64{1: 1, 2: 1}, nil,
		},
		"of what was killed one cannot know: it is not": {
			[]string{"sent 1 1", "sent 2 1"}, nil, nil,
		},
		"who comes after one that was killed finds what it has written": {
			[]string{"sent 1 1", "done 1 1", "sent 1 2", "found 1 2"}, map[int64]int64{1: 2}, nil,
		},
		"who comes after one that was killed finds less": {
			[]string{"done 1 1", "done 1 2", "found 1 1"},
			map[int64]int64{1: 2},
			[]string{"lost write: row 1: number 1 is there, and 2 was acknowledged"},
		},
		"a number is given twice": {
			[]string{"done 1 1", "done 1 1"},
			map[int64]int64{1: 1},
			[]string{"lost write: row 1: number 1 was given to worker 1, and then to worker 2"},
		},
		"a row is away": {
			[]string{"done 1 1"},
			nil,
			[]string{"lost write: row 1 is away"},
		},
		"the last value is away": {
			[]string{"done 1 1", "done 1 2"},
			map[int64]int64{1: 1},
			[]string{"lost write: row 1: number 1 is there, and 2 was acknowledged"},
		},
		"a value that nobody has written": {
			[]string{"done 1 1"},
			map[int64]int64{1: 3},
			[]string{"lost write: row 1: number 3 is there, and nobody has written it", "lost write: row 1: number 2 was left out"},
		},
		"a worker tells of a stale read": {
			[]string{"fault stale read: row 1: number 2 at old, where 3 was written"},
			nil,
			[]string{"stale read: worker 1: row 1: number 2 at old, where 3 was written"},
		},
		"nobody understands it": {
			[]string{"at home", "done", "lose 1 1"},
			nil,
			[]string{
				`error: worker 1: dbcompat: parse stage: "home" is none: give old, dual-write, read-new, new`,
				`error: worker 2 says "done"`, `error: worker 1 says "lose"`,
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			l := ledger.New()
			for i, line := range test.lines {
				l.Note(1+i%2, line)
			}
			l.Audit(test.there)
			require.Equal(t, test.want, l.Faults)
		})
	}
}
