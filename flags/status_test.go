package flags_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/handover-go/handover/flags"
	"github.com/stretchr/testify/require"
)

// What is told, and what Check says, through a day in the life of a store.
func TestStalenessIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		source := watched{&store{err: errDown}}
		c := flags.New(source, flags.Config{Logger: slogOf(&diary{}), Interval: 10 * time.Second})
		var told []string
		following, done := make(chan struct{}), t.Context()
		ctx, cancel := context.WithCancel(done)
		go func() {
			defer close(following)
			_ = c.Follow(ctx, func(change flags.Change) {
				told = append(told, fmt.Sprintf("%v %v %v %v", time.Since(began).Round(20*time.Second), change.Status, change.Keys, change.Err != nil))
			})
		}()
		synctest.Wait()
		require.NoError(t, c.Start(t.Context()))
		stop := runs(t, c)
		require.ErrorContains(t, c.Check(t.Context()), "no set, flags are at their defaults: flags: load source: connection refused")

		passes(time.Minute)
		source.puts(on("new"))
		synctest.Wait()
		require.NoError(t, c.Check(t.Context()))

		source.fails(errDown)
		passes(20 * time.Second)
		require.NoError(t, c.Check(t.Context()), "it is not stale yet")
		passes(time.Minute)
		require.ErrorContains(t, c.Check(t.Context()), "flags: source: the set in force is stale")
		require.True(t, c.Report().Stale)

		source.puts(on("newer"))
		synctest.Wait()
		require.NoError(t, c.Check(t.Context()))
		cancel()
		<-following
		stop()
		require.Equal(t, []string{
			"0s NOT_READY [] false",
			"0s NOT_READY [] true",
			"1m0s READY [new] false",
			"1m0s READY [] true",
			"1m40s STALE [] true",
			"2m20s READY [new newer] false",
		}, told)
	})
}

func TestADetailKnowsItsAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flag := flags.Bool("new", false)
		source := serves(on("new"))
		c := started(t, source, flags.Config{}, flag)
		passes(7 * time.Second)
		ctx := c.Pin(t.Context(), flags.Subject{})
		passes(time.Hour)
		require.Equal(t, 7*time.Second, flag.Detail(ctx).Age)
	})
}

func TestARefusalAfterANetworkErrorIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := watched{serves(on("new"))}
		c := started(t, source, flags.Config{})
		stop := runs(t, c)
		ctx, cancel := context.WithCancel(t.Context())
		var told []string
		var following sync.WaitGroup
		following.Go(func() {
			_ = c.Follow(ctx, func(change flags.Change) {
				told = append(told, fmt.Sprint(errors.As(change.Err, new(*flags.DocumentError)), change.Err != nil))
			})
		})
		synctest.Wait()
		source.fails(errDown)
		synctest.Wait()
		source.puts(`{"flags": {}}`)
		synctest.Wait()
		source.puts(`{"flags": {}}`)
		synctest.Wait()
		source.puts(on("new"))
		synctest.Wait()
		cancel()
		following.Wait()
		stop()
		require.Equal(t, []string{"false false", "false true", "true true", "false false"}, told)
	})
}

func TestReadyAgainIsToldAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := started(t, serves(on("new")), flags.Config{Interval: 10 * time.Second, StaleAfter: 4 * time.Second})
		stop := runs(t, c)
		ctx, cancel := context.WithCancel(t.Context())
		var told []string
		var following sync.WaitGroup
		following.Go(func() {
			_ = c.Follow(ctx, func(change flags.Change) { told = append(told, change.Status.String()) })
		})
		time.Sleep(12 * time.Second)
		cancel()
		following.Wait()
		stop()
		require.Equal(t, []string{"READY", "STALE", "READY"}, told)
	})
}
