package flags_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/handover-go/handover/flags"
	"github.com/stretchr/testify/require"
)

const offByStore = `"flags": {"new": {"state": "DISABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on"}}`

// A kill passes through everything. The diary is what the flag says before, killed, and after.
func TestAKillPassesThroughEverything(t *testing.T) {
	flag := flags.Bool("new", false)
	locally := func(c *flags.Client, _ watched) func() {
		require.NoError(t, c.Kill("new", "errors"))
		return func() { require.NoError(t, c.Unkill("new")) }
	}
	byStore := func(_ *flags.Client, s watched) func() {
		s.puts(`{` + offByStore + `}`)
		synctest.Wait()
		return func() { s.puts(on("new")); synctest.Wait() }
	}
	tests := map[string]struct {
		kill func(*flags.Client, watched) func()
		ctx  func(context.Context, *flags.Client) context.Context
		cfg  flags.Config
		do   func(*flags.Client, watched)
		want []bool
	}{
		"a new request":              {kill: locally, want: []bool{true, false, true}},
		"the store's, a new request": {kill: byStore, want: []bool{true, false, true}},
		"after Freeze":               {kill: locally, do: freeze, want: []bool{true, false, true}},
		"the store's, after Freeze, which then lets nothing back": {kill: byStore, do: freeze, want: []bool{true, false, false}},
		"with the store down": {kill: locally, do: func(_ *flags.Client, s watched) { s.fails(errDown); synctest.Wait() }, want: []bool{true, false, true}},
		"of an override":      {kill: locally, cfg: flags.Config{Override: flags.Static(on("new"))}, want: []bool{true, false, true}},
		"a value that With has given": {kill: locally, ctx: func(ctx context.Context, c *flags.Client) context.Context {
			return flag.With(c.Pin(ctx, flags.Subject{}), true)
		}, want: []bool{true, false, true}},
		"the store's, over With": {kill: byStore, ctx: func(ctx context.Context, c *flags.Client) context.Context {
			return flag.With(c.Pin(ctx, flags.Subject{}), true)
		}, want: []bool{true, false, true}},
	}
	for name, test := range tests {
		for pinned, before := range map[string]bool{"": false, ", of a request that is pinned": true} {
			t.Run(name+pinned, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					source := watched{serves(on("new"))}
					c := started(t, source, test.cfg, flag)
					stop := runs(t, c)
					defer stop()
					synctest.Wait()
					if test.do != nil {
						test.do(c, source)
					}
					ctx := func() context.Context {
						if test.ctx != nil {
							return test.ctx(t.Context(), c)
						}
						return c.Pin(t.Context(), flags.Subject{})
					}
					first := ctx()
					if before {
						ctx = func() context.Context { return first }
					}
					diary := []bool{flag.On(ctx())}
					undo := test.kill(c, source)
					diary = append(diary, flag.On(ctx()))
					undo()
					require.Equal(t, test.want, append(diary, flag.On(ctx())))
				})
			})
		}
	}
}

func freeze(c *flags.Client, _ watched) { _ = c.Freeze(context.Background()) }

func TestTheEnvironmentKillsFromTheStart(t *testing.T) {
	flag, other := flags.Bool("new", false), flags.Bool("other", false)
	tests := map[string]struct {
		variable, value string
		cfg             flags.Config
		killed          map[string]string
	}{
		"one of them": {variable: "FLAGS_KILL", value: "new", killed: map[string]string{"new": "by the environment variable FLAGS_KILL", "other": ""}},
		"both, and a stranger": {variable: "FLAGS_KILL", value: " new, other ,,stranger", killed: map[string]string{
			"new": "by the environment variable FLAGS_KILL", "other": "by the environment variable FLAGS_KILL", "stranger": "by the environment variable FLAGS_KILL",
		}},
		"a variable of your own": {variable: "SHOP_OFF", value: "other", cfg: flags.Config{KillVariable: "SHOP_OFF"}, killed: map[string]string{"new": "", "other": "by the environment variable SHOP_OFF"}},
		"none":                   {variable: "FLAGS_KILL", killed: map[string]string{"new": "", "other": ""}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv(test.variable, test.value)
			c := started(t, &store{err: errDown}, test.cfg, flag, other)
			killed := map[string]string{}
			for _, f := range c.Report().Flags {
				killed[f.Key] = f.Killed
			}
			require.Equal(t, test.killed, killed)
		})
	}
}

// A kill in the environment holds for a flag whose definition comes later.
func TestAKillWaitsForItsFlag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		t.Setenv("FLAGS_KILL", "new")
		flag := flags.Bool("new", false)
		source := watched{serves(on("other"))}
		c := started(t, source, flags.Config{}, flag)
		stop := runs(t, c)
		synctest.Wait()
		source.puts(on("new"))
		synctest.Wait()
		require.Equal(t, "false DISABLED killed", evaluation(flag.Flag)(c.Pin(t.Context(), flags.Subject{})))
		stop()
	})
}

func TestAKillOfNothingIsAnError(t *testing.T) {
	c := started(t, flags.Static(on("new")), flags.Config{}, flags.Bool("declared", false))
	require.NoError(t, c.Kill("declared", ""))
	require.EqualError(t, c.Kill("nwe", ""), "flags: kill nwe: it is neither declared nor in the set; see Report for those that are")
	require.EqualError(t, c.Unkill("new"), "flags: unkill new: it was not killed in this process")
}

const parentAndChild = `{"flags": {
	"parent": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on"},
	"child":  {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on",
	           "x-prerequisites": [{"flag": "parent", "variant": "on"}]}}}`

// A kill of a flag is felt by those that need it, though an override stands before it.
func TestAKillReachesWhoNeedsTheFlagThoughAnOverrideHidesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		child := flags.Bool("child", false)
		source := watched{&store{err: errDown}}
		c := started(t, source, flags.Config{Override: flags.Static(on("parent"))}, child)
		stop := runs(t, c)
		synctest.Wait()
		source.puts(parentAndChild)
		synctest.Wait()
		require.True(t, child.On(c.Pin(t.Context(), flags.Subject{})))
		require.NoError(t, c.Kill("parent", "errors"))
		require.False(t, child.On(c.Pin(t.Context(), flags.Subject{})))
		stop()
	})
}

func TestAKillIsStrongerThanWithOfAFlagThatTheSetDoesNotKnow(t *testing.T) {
	flag := flags.Bool("new", false)
	c := started(t, &store{err: errDown}, flags.Config{}, flag)
	ctx := flag.With(c.Pin(t.Context(), flags.Subject{}), true)
	require.NoError(t, c.Kill("new", "errors"))
	require.False(t, flag.On(ctx))
}
