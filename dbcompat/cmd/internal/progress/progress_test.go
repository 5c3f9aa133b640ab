package progress_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/dbcompat/backfill"
	"github.com/handover-go/handover/dbcompat/cmd/internal/progress"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestALineIsDrawnOverTheLastOne(t *testing.T) {
	var out bytes.Buffer
	s := progress.Screen{Out: &out, Live: true}
	s.Clear()
	s.Show("one")
	s.Show("two")
	s.Clear()
	s.Clear()
	require.Equal(t, "\r\x1b[K\x1b[?7lone\x1b[?7h\r\x1b[K\x1b[?7ltwo\x1b[?7h\r\x1b[K", out.String())
}

func TestALogHasEachLineOnce(t *testing.T) {
	var out bytes.Buffer
	s := progress.On(&out)
	for _, line := range []string{"one", "one", "two"} {
		s.Show(line)
	}
	s.Clear()
	s.Show("two")
	require.Equal(t, "one\ntwo\ntwo\n", out.String())
}

func TestWhatIsUnderWay(t *testing.T) {
	failed := errors.New("failed")
	tests := map[string]struct {
		live bool
		line string
		want string
	}{
		"on a terminal":          {true, "half", "\r\x1b[K\x1b[?7lhalf\x1b[?7h\r\x1b[K\x1b[?7lhalf\x1b[?7h\r\x1b[K"},
		"with nothing to say":    {true, "", ""},
		"anywhere else, nothing": {false, "half", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				s := progress.Screen{Out: &out, Live: tt.live}
				err := s.While(func() string { return tt.line }, func() error {
					time.Sleep(600 * time.Millisecond)
					return failed
				})
				require.ErrorIs(t, err, failed)
				require.Equal(t, tt.want, out.String())
			})
		})
	}
}

func TestAFileIsNoTerminal(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	require.NoError(t, err)
	require.False(t, progress.On(file).Live)
	require.NoError(t, file.Close())
	require.False(t, progress.On(file).Live, "nor is one that is closed")
}

func TestTheLineOfABackfill(t *testing.T) {
	tests := map[string]struct {
		status backfill.Status
		want   string
	}{
		"none":   {backfill.Status{State: backfill.None}, "[..............................]   0.0 %  none  0 of 0 rows, 0 changed"},
		"half":   {backfill.Status{State: backfill.Running, Rows: 5, Total: 10, Changed: 4, RowsPerSecond: 2.4, Left: 2 * time.Second}, "[###############...............]  50.0 %  running  5 of 10 rows, 4 changed  2/s  2s left"},
		"waits":  {backfill.Status{State: backfill.Running, Rows: 1, Total: 10, Skipped: 1, Waiting: "autovacuum"}, "[###...........................]  10.0 %  running  1 of 10 rows, 0 changed, 1 skipped  waits for autovacuum"},
		"is all": {backfill.Status{State: backfill.Done, Rows: 10, Total: 10}, "[##############################] 100.0 %  done  10 of 10 rows, 0 changed"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { require.Equal(t, tt.want, progress.Line(tt.status)) })
	}
}
