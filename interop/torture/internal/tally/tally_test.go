package tally_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/interop/torture/internal/tally"
)

func TestCountsAndTheirCauses(t *testing.T) {
	var told []string
	counts := tally.New(func(_ time.Time, what string) { told = append(told, what) })
	for range 3 {
		counts.Request("GET")
	}
	counts.Lost("GET", "reset")
	counts.Lost("GET", "EOF")
	counts.Lost("GET", "EOF")
	counts.Request("SSE")
	counts.Message("SSE")
	counts.Unsent("SSE")
	counts.Cut("SSE", "EOF")

	var sum tally.Counts
	for _, c := range counts.Counts() {
		sum.Add(c)
	}
	require.Equal(t, tally.Counts{
		Requests: 4, Lost: 3, Unsent: 1, Messages: 1, Cut: 1,
		Causes: map[string]int{"reset": 1, "EOF": 2, "cut: EOF": 1},
	}, sum)
	require.Equal(t, "EOF ×2, cut: EOF ×1, reset ×1", sum.Reasons())
	require.Equal(t, []string{"lost GET: reset", "lost GET: EOF", "lost GET: EOF", "cut SSE: EOF"}, told)
	require.Empty(t, tally.Counts{}.Reasons())
}
