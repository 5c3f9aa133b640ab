package droptest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/shutdown/droptest"
)

func ExampleResult() {
	fmt.Print(droptest.Result{
		Seconds: 12.34, Requests: 2468, Failed: 3,
		Kinds: map[string]int{"reused: eof": 1, "new: refused": 2},
		Failures: []droptest.Failure{
			{Kind: "new: refused", Process: "v1-1", AfterMS: 12},
			{Kind: "reused: eof", Process: "v1-1", AfterMS: 14.7},
			{Kind: "new: refused", Process: "v1-1", AfterMS: 977.3},
		},
		P50MS: 2.3, P99MS: 1003.1, FastP99MS: 8.8,
		Processes: []droptest.Process{
			{Name: "v1-1", Version: "v1", Status: "exit status 0", Replaced: true, ExitMS: 2011.2},
			{Name: "v1-2", Version: "v1", Status: "exit status 1", Replaced: true, ExitMS: 44},
			{Name: "v2-3", Version: "v2", Status: "exit status 0", ExitMS: 6.1},
			{Name: "v2-4", Version: "v2", Status: "signal: killed"},
		},
	})
	// Output:
	// 2468 requests in 12.3 s, 3 failed; p50 2.3 ms, p99 1003.1 ms (8.8 ms without the slow ones)
	//   2 × new: refused, 12 to 977 ms after SIGTERM
	//   1 × reused: eof, 15 to 15 ms after SIGTERM
	//   v1-1: exit status 0, 2011 ms after SIGTERM
	//   v1-2: exit status 1, 44 ms after SIGTERM
	//   v2-4: signal: killed
}

func TestErrIsForWhateverWasLost(t *testing.T) {
	clean := droptest.Process{Status: "exit status 0", Replaced: true}
	for name, tc := range map[string]struct {
		result droptest.Result
		lost   bool
	}{
		"nothing":                     {droptest.Result{Requests: 1, Processes: []droptest.Process{clean}}, false},
		"a request":                   {droptest.Result{Failed: 1, Processes: []droptest.Process{clean}}, true},
		"a process that failed":       {droptest.Result{Processes: []droptest.Process{clean, {Status: "exit status 1", Replaced: true}}}, true},
		"a process that was killed":   {droptest.Result{Processes: []droptest.Process{{Status: "exit status 0", Replaced: true, Killed: true}}}, true},
		"but not one without traffic": {droptest.Result{Processes: []droptest.Process{clean, {Status: "signal: killed"}}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			err := tc.result.Err()
			require.Equal(t, tc.lost, err != nil)
			if tc.lost {
				require.ErrorContains(t, err, "requests in")
			}
		})
	}
}

func TestEventsPrintAsLines(t *testing.T) {
	old := droptest.Process{Name: "v1-1", Status: "exit status 0", ExitMS: 2011}
	for want, e := range map[string]droptest.Event{
		"   0.0 s  v1-1 started": {What: "started", Process: old},
		"  12.5 s  v1-1 exited: exit status 0, 2011 ms after SIGTERM": {What: "exited", Process: old, At: 12500 * time.Millisecond},
		"   3.0 s  612 requests, 1 failed; last second v1 150, v2 3":  {What: "tick", At: 3 * time.Second, Requests: 612, Failed: 1, Shares: map[string]int{"v2": 3, "v1": 150}},
		"   1.0 s  0 requests, 0 failed":                              {What: "tick", At: time.Second, Shares: map[string]int{}},
	} {
		require.Equal(t, want, e.String())
	}
}
