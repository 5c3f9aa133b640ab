package haste_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/internal/haste"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTheMarkOutlivesTheContextThatWasCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ctx, mark := haste.With(ctx)
	stop := context.WithoutCancel(ctx)
	require.False(t, haste.Asked(stop))

	mark()
	cancel()
	require.NoError(t, stop.Err())
	require.True(t, haste.Asked(stop))
}

func TestNobodyAskedInAContextWithoutTheMark(t *testing.T) {
	require.False(t, haste.Asked(t.Context()))
}
