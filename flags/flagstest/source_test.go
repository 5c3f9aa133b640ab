package flagstest_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/flagstest"
	"github.com/stretchr/testify/require"
)

func TestASourceThatIsRightPasses(t *testing.T) {
	tests := map[string]func() flagstest.Store{
		"one that watches": func() flagstest.Store {
			m := newMemory()
			return m.store(m)
		},
		"one that counts": func() flagstest.Store {
			m := newMemory()
			m.counting = true
			return m.store(m)
		},
		"one that is polled": func() flagstest.Store {
			m := newMemory()
			return m.store(struct{ flags.Source }{m})
		},
		"one that cannot be broken": func() flagstest.Store {
			m := newMemory()
			return flagstest.Store{Source: m, Set: m.set}
		},
	}
	for name, open := range tests {
		t.Run(name, func(t *testing.T) {
			flagstest.TestSource(t, func(*testing.T) flagstest.Store { return open() })
			synctest.Test(t, func(t *testing.T) {
				require.NoError(t, flagstest.CheckSource(t.Context(), open()))
			})
		})
	}
}

func TestAStoreThatIsIncomplete(t *testing.T) {
	err := flagstest.CheckSource(t.Context(), flagstest.Store{Break: func() error { return nil }})
	require.EqualError(t, err, `flagstest: Store.Source is nil: give what is to be tested
flagstest: Store.Set is nil: give what changes the definitions
flagstest: Store.Repair is nil: give what ends Break and Stall`)
}

func TestAStoreThatFailsItsTest(t *testing.T) {
	fails := func() error { return errGone }
	tests := map[string]struct {
		broken func(*flagstest.Store)
		want   string
	}{
		"Set":    {func(s *flagstest.Store) { s.Set = func([]byte) error { return errGone } }, "Store.Set: connection refused"},
		"Break":  {func(s *flagstest.Store) { s.Break = fails }, "Store.Break: connection refused"},
		"Stall":  {func(s *flagstest.Store) { s.Stall = fails }, "Store.Stall: connection refused"},
		"Repair": {func(s *flagstest.Store) { s.Repair = fails }, "Store.Repair: connection refused"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMemory()
				s := m.store(m)
				test.broken(&s)
				require.ErrorContains(t, flagstest.CheckSource(t.Context(), s), test.want)
			})
		})
	}
}

func TestACheckThatIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		m := newMemory()
		require.ErrorIs(t, flagstest.CheckSource(ctx, m.store(watched{m, func(ctx context.Context, _ func()) error {
			<-ctx.Done()
			return ctx.Err()
		}})), context.Canceled)
	})
}
