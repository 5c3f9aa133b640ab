package guard_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/guard"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var newCheckout = flags.Bool("new-checkout", false)

// started is a guard, and contexts of which one is in the new arm and one in the old.
func started(tb testing.TB, cfg guard.Config) (g *guard.Guard, onNew, onOld context.Context) {
	tb.Helper()
	g, err := guard.New(newCheckout, cfg)
	require.NoError(tb, err)
	return g, newCheckout.With(tb.Context(), true), newCheckout.With(tb.Context(), false)
}

// metric finds one by its name.
func metric(tb testing.TB, v guard.Verdict, name string) guard.Metric {
	tb.Helper()
	for _, m := range v.Metrics {
		if m.Name == name {
			return m
		}
	}
	require.Fail(tb, "there is no metric "+name)
	return guard.Metric{}
}
