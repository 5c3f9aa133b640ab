package haste_test

import (
	"context"
	"testing"
	"time"

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

func TestTheBeginningIsTheFirstThatWasNoted(t *testing.T) {
	ctx, _ := haste.With(t.Context())
	_, ok := haste.Since(ctx)
	require.False(t, ok)

	first := time.Now()
	haste.Begin(ctx, first)
	haste.Begin(ctx, first.Add(time.Hour))
	at, ok := haste.Since(context.WithoutCancel(ctx))
	require.True(t, ok)
	require.Equal(t, first, at)

	haste.Begin(t.Context(), first) // without the mark nothing is noted
	_, ok = haste.Since(t.Context())
	require.False(t, ok)
}
