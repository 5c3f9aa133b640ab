package snippettest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/interop/deploy/snippettest"
)

// These are the numbers of README.md. Who changes a default changes snippets, and this.
func TestObserve(t *testing.T) {
	const s = time.Second
	require.Equal(t, snippettest.Times{
		Grace: 30 * s, Budget: 28 * s, Start: 60 * s, Delay: 2 * s, DelayMax: 10 * s, Threshold: 3,
		Answer: 1 * s, Linger: 5 * s, Liveness: 10 * s, PodGrace: 30 * s, PodDelay: 10 * s,
	}, snippettest.Observe(t))
}

func TestPorts(t *testing.T) {
	require.Equal(t, []int{8080, 8081}, []int{snippettest.APIPort(t), snippettest.AdminPort(t)})
}
