package lifecycle_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/lifecycle"
)

func TestCall(t *testing.T) {
	called := 0
	require.NoError(t, lifecycle.Call(func() { called++ })(t.Context()))
	require.Equal(t, 1, called)
	require.NoError(t, lifecycle.Call(func() error { return nil })(t.Context()))
	require.ErrorIs(t, lifecycle.Call(func() error { return errBoom })(t.Context()), errBoom)
}

func TestCallOfNilIsAnErrorAndNoPanic(t *testing.T) {
	require.ErrorContains(t, lifecycle.Call[func()](nil)(t.Context()), "the function is nil")
	require.ErrorContains(t, lifecycle.Call[func() error](nil)(t.Context()), "the function is nil")
}
