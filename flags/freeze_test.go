package flags_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/handover-go/handover/flags"
	"github.com/stretchr/testify/require"
)

// rollout is a set of one flag that is on for so many percent.
func rollout(percent int) string {
	return set(fmt.Sprintf(`"new": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
		"targeting": {"fractional": [["on", %d], ["off", %d]]}}`, percent, 100-percent))
}

func TestAFreezeLetsThroughWhatOnlyTakesAway(t *testing.T) {
	flag := flags.Bool("new", false)
	inverse := flags.Bool("new", true, flags.About{SafeOn: true})
	tests := map[string]struct {
		flag         flags.Switch
		before, then string
		adopted      bool
	}{
		"a smaller rollout":       {flag, rollout(50), rollout(5), true},
		"a larger rollout":        {flag, rollout(5), rollout(50), false},
		"none at all":             {flag, rollout(50), rollout(0), true},
		"off, with no rules left": {flag, rollout(50), set(`"new": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off"}`), true},
		"on for everybody":        {flag, rollout(50), on("new"), false},
		"disabled":                {flag, rollout(50), `{` + offByStore + `}`, true},
		"gone":                    {flag, rollout(50), on("other"), false},
		"a smaller one of what is not the default": {inverse, rollout(50), rollout(5), false},
		"a larger one of what is the default":      {inverse, rollout(5), rollout(50), true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				source := watched{serves(test.before)}
				c := started(t, source, flags.Config{}, test.flag)
				stop := runs(t, c)
				synctest.Wait()
				require.NoError(t, c.Freeze(t.Context()))
				require.NoError(t, c.Freeze(t.Context()))
				require.True(t, c.Report().Frozen)
				var before, after []bool
				for i := range 200 {
					before = append(before, test.flag.On(c.Pin(t.Context(), flags.Subject{Key: fmt.Sprint(i)})))
				}
				source.puts(test.then)
				synctest.Wait()
				for i := range 200 {
					after = append(after, test.flag.On(c.Pin(t.Context(), flags.Subject{Key: fmt.Sprint(i)})))
				}
				if test.adopted {
					require.NotEqual(t, before, after)
				} else {
					require.Equal(t, before, after)
				}
				stop()
			})
		})
	}
}

func TestAFreezeBeforeTheFirstSetLetsNothingIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flag := flags.Bool("new", false)
		source, override := watched{&store{err: errDown}}, watched{&store{err: errDown}}
		c := started(t, source, flags.Config{Override: override}, flag)
		stop := runs(t, c)
		defer stop()
		synctest.Wait()
		require.NoError(t, c.Freeze(t.Context()))
		source.puts(on("new"))
		synctest.Wait()
		require.False(t, flag.On(c.Pin(t.Context(), flags.Subject{})))
		override.puts(on("new"))
		synctest.Wait()
		require.False(t, flag.On(c.Pin(t.Context(), flags.Subject{})))
	})
}

func TestAnOverrideThatComesAfterFreezeOnlyTakesAway(t *testing.T) {
	tests := map[string]struct {
		before, override string
		want             bool
	}{
		"disabled": {on("new"), `{` + offByStore + `}`, false},
		"on":       {set(`"new": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off"}`), on("new"), false},
		"off":      {on("new"), set(`"new": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off"}`), false},
		"another":  {on("new"), on("other"), true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				flag, other := flags.Bool("new", false), flags.Bool("other", false)
				override := watched{&store{err: errDown}}
				c := started(t, serves(test.before), flags.Config{Override: override}, flag, other)
				stop := runs(t, c)
				defer stop()
				synctest.Wait()
				require.NoError(t, c.Freeze(t.Context()))
				override.puts(test.override)
				synctest.Wait()
				require.Equal(t, test.want, flag.On(c.Pin(t.Context(), flags.Subject{})))
				require.False(t, other.On(c.Pin(t.Context(), flags.Subject{})))
			})
		})
	}
}
