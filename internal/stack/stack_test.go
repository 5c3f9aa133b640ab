package stack_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/internal/stack"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func waitHere(id chan<- stack.ID, release <-chan struct{}) {
	id <- stack.Current()
	<-release
}

func TestOfFindsTheOneThatHangsAndNoOther(t *testing.T) {
	ids, release, ended := make(chan stack.ID), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		waitHere(ids, release)
	}()
	id := <-ids

	found := stack.Of(id, 0)
	require.Len(t, found, 1)
	require.Contains(t, found[id], "stack_test.waitHere")
	require.NotContains(t, found[id], "TestOfFindsTheOneThatHangsAndNoOther(")

	close(release)
	<-ended
	require.NotEqual(t, stack.Current(), id)
}

func BenchmarkCurrent(b *testing.B) {
	for b.Loop() {
		stack.Current()
	}
}
