package snippettest_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/interop/deploy/snippettest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestUnexplained(t *testing.T) {
	tests := map[string]struct {
		text string
		want []string
	}{
		"a reason beside it":         {"replicas: 3 # survive a node", nil},
		"a reason above it":          {"# as the grace period\nTimeoutStopSec=30", nil},
		"a reason of two lines":      {"# as the\n# grace period\nTimeoutStopSec=30", nil},
		"no reason":                  {"a: b\nreplicas: 3", []string{"line 2: replicas: 3"}},
		"an empty reason":            {"replicas: 3 # ", []string{"line 1: replicas: 3 #"}},
		"the reason of another line": {"# why\na: 1\nb: 2", []string{"line 3: b: 2"}},
		"a heading is no reason":     {"# why\n\nb: 2", []string{"line 3: b: 2"}},
		"with a unit":                {"interval: 30s", []string{"line 1: interval: 30s"}},
		"a percentage":               {"\t5% green;", []string{"line 1: 5% green;"}},
		"in quotes":                  {`value: "28"`, []string{`line 1: value: "28"`}},
		"one of a list":              {"steps: [5, 20]", []string{"line 1: steps: [5, 20]"}},
		"with its key":               {"TimeoutStopSec=30", []string{"line 1: TimeoutStopSec=30"}},
		"a block":                    {"query: |\n  rate(x[1m])\n\n  > 2\nb: 2", []string{"line 2: rate(x[1m])", "line 4: > 2", "line 5: b: 2"}},
		"a block with a reason":      {"query: | # why\n  rate(x[1m])\n\n  > 2\nb: 2", []string{"line 5: b: 2"}},
		"a block under a reason":     {"  # why\n  query: |\n    a: 1\n  b: 2", []string{"line 4: b: 2"}},
		"a part of a name":           {"apiVersion: apps/v1\nimage: minimal:v2\nmode http2", nil},
		"a part of an address":       {"server 127.0.0.1:8080", []string{"line 1: server 127.0.0.1:8080"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { require.Equal(t, tt.want, snippettest.Unexplained(tt.text)) })
	}
}
