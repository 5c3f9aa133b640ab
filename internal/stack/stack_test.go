package stack_test

import (
	"maps"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

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

type work struct{ entered, release chan struct{} }

//go:noinline
func (w *work) do() {
	close(w.entered)
	<-w.release
	runtime.KeepAlive(w)
}

func TestThroughFindsWhoIsInTheMiddleOfSomething(t *testing.T) {
	var all [3]*work
	var doing sync.WaitGroup
	for i := range all {
		all[i] = &work{make(chan struct{}), make(chan struct{})}
		doing.Go(all[i].do)
		<-all[i].entered
	}
	close(all[1].release)
	require.Eventually(t, func() bool { return len(stack.All().Through("stack_test.(*work).do")) == 2 }, time.Second, time.Millisecond)
	found := stack.All().Through("stack_test.(*work).do")
	for _, i := range []int{0, 2} {
		require.Contains(t, found[reflect.ValueOf(all[i]).Pointer()], "stack_test.(*work).do")
		close(all[i].release)
	}
	doing.Wait()
}

// What the runtime prints, shortened.
func TestThroughBelievesOnlyWhatIsCertain(t *testing.T) {
	for name, tc := range map[string]struct {
		stack string
		found []uintptr
	}{
		"one word":                  {"goroutine 7 [select]:\nmain.wait()\nm/pkg.(*T).Do(0xc000010040)\n\tf.go:1 +0x1d\n", []uintptr{0xc000010040}},
		"the first of some":         {"m/pkg.(*T).Do(0xc000010040, {0x1?, 0x2?}, 0x3)\n", []uintptr{0xc000010040}},
		"one inside another":        {"m/pkg.(*T).Do(0x10)\nmain.f()\nm/pkg.(*T).Do(0x20)\n", []uintptr{0x10, 0x20}},
		"what others left":          {"m/pkg.(*T).Do(0xc000010040?)\n", nil},
		"inlined":                   {"m/pkg.(*T).Do(...)\n", nil},
		"no address":                {"m/pkg.(*T).Do({0xc000010040, 0x1})\n", nil},
		"who was started by it":     {"main.f()\ncreated by m/pkg.(*T).Do in goroutine 1\n", nil},
		"another function's":        {"m/pkg.(*T).Done(0xc000010040)\n", nil},
		"cut in the middle of it":   {"m/pkg.(*T).Do(0xc0000", nil},
		"more than a word can hold": {"m/pkg.(*T).Do(0xc0000100400000000000)\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			found := stack.Dump(tc.stack).Through("pkg.(*T).Do")
			require.ElementsMatch(t, tc.found, slices.Collect(maps.Keys(found)))
		})
	}
}

func BenchmarkCurrent(b *testing.B) {
	for b.Loop() {
		stack.Current()
	}
}
