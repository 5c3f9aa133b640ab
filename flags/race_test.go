package flags_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/handover-go/handover/flags"
)

// For the race detector, and for deadlocks: what is answered is not looked at.
func TestEverythingAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flag, child, text := flags.Bool("parent", false), flags.Bool("child", false), flags.String("f", "")
		source, override := watched{serves(parentAndChild)}, watched{serves(on("other"))}
		c := started(t, source, flags.Config{Override: override, Exposed: func(flags.Exposure) {}}, flag, child, text)
		stop := runs(t, c)
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		var following, all sync.WaitGroup
		following.Go(func() { _ = c.Follow(ctx, func(flags.Change) {}) })
		doing := []func(int){
			func(i int) {
				p := c.Pin(t.Context(), flags.Subject{Key: fmt.Sprint(i)})
				flag.On(p)
				child.Detail(p)
				text.Value(flag.With(p, true))
			},
			func(i int) { _ = c.Kill("parent", fmt.Sprint(i)) },
			func(int) { _ = c.Unkill("parent") },
			func(i int) { source.puts([]string{parentAndChild, rollout(i % 100), variant(fmt.Sprint(i))}[i%3]) },
			func(i int) { override.puts([]string{on("parent"), on("other"), `{` + offByStore + `}`}[i%3]) },
			func(int) { c.Report() },
			func(i int) { c.Lookup(t.Context(), "child", flags.Subject{Key: fmt.Sprint(i)}) },
			func(i int) { c.Explain("child", flags.Subject{Key: fmt.Sprint(i)}) },
			func(int) { _ = c.Check(t.Context()) },
			func(i int) {
				if i == 900 {
					_ = c.Freeze(t.Context())
				}
			},
		}
		for _, do := range doing {
			all.Go(func() {
				for i := range 1000 {
					do(i)
				}
			})
		}
		all.Wait()
		cancel()
		following.Wait()
		stop()
	})
}
