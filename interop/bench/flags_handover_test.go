//go:build unix && !race

package bench_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags"
)

// handoverFlags is asked as a service asks: by declared flags, in contexts that are
// pinned once per request, and for the details each time. It counts, which cannot be
// switched off.
func handoverFlags(tb testing.TB) asked {
	on, off, rolledOut, rules := switches(alwaysOn), switches(alwaysOff), switches(rollout), switches(targeted)
	split := make([]flags.Flag[string], flagsOfAKind)
	var handles []flags.Handle
	for i, key := range flagKeys(abc) {
		split[i] = flags.String(key, "")
		handles = append(handles, on[i], off[i], rolledOut[i], rules[i], split[i])
	}
	c := flags.New(flags.Static(flagdDocument(tb)), flags.Config{}, handles...)
	require.NoError(tb, c.Start(tb.Context()))
	require.NoError(tb, c.Check(tb.Context()))

	users := flagUsers()
	subject := func(u flagUser) flags.Subject { return flags.Subject{Key: u.id, Attributes: u.attributes()} }
	contexts := perUser(func(u flagUser) context.Context { return c.Pin(tb.Context(), subject(u)) })
	is := func(all []flags.Switch) func(int, int) bool {
		return func(flag, user int) bool { return all[flag].Detail(contexts[user]).Value }
	}
	return asked{
		on: is(on), off: is(off), rollout: is(rolledOut), targeted: is(rules),
		fresh: func(flag, user int) bool {
			ctx := c.Pin(tb.Context(), subject(users[user]))
			return rules[flag].Detail(ctx).Value
		},
		abc: func(flag, user int) string { return split[flag].Detail(contexts[user]).Value },
	}
}

func switches(k kind) []flags.Switch {
	all := make([]flags.Switch, flagsOfAKind)
	for i, key := range flagKeys(k) {
		all[i] = flags.Bool(key, false)
	}
	return all
}
