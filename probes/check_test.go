package probes_test

import (
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/probes"
)

func TestAddNamesEveryMistakeAndWhatInstead(t *testing.T) {
	sound := probes.Check{Name: "db", Kind: probes.Readiness, Scope: probes.Shared, Run: good}
	change := func(f func(*probes.Check)) []probes.Check {
		c := sound
		f(&c)
		return []probes.Check{c}
	}
	tests := map[string]struct {
		checks []probes.Check
		want   []string // in this order; none: no error
	}{
		"nothing at all":            {nil, nil},
		"the defaults":              {[]probes.Check{sound}, nil},
		"the longest name there is": {change(func(c *probes.Check) { c.Name = strings.Repeat("a", 63) }), nil},
		"a name one longer": {
			change(func(c *probes.Check) { c.Name = strings.Repeat("a", 64) }),
			[]string{`check 1, "aaa`, "the name must be 1 to 63 of a-z"},
		},
		"no name":                       {change(func(c *probes.Check) { c.Name = "" }), []string{`check 1, "": the name must`}},
		"a name that ends in a newline": {change(func(c *probes.Check) { c.Name = "db\n" }), []string{`"db\n": the name must`}},
		"nothing to run":                {change(func(c *probes.Check) { c.Run = nil }), []string{`probes: add check 1, "db": Run is nil: give`}},
		"no kind":                       {change(func(c *probes.Check) { c.Kind = 0 }), []string{"Kind(0) is no kind: say probes.Startup"}},
		"a kind out of range":           {change(func(c *probes.Check) { c.Kind = 4 }), []string{"Kind(4) is no kind"}},
		"readiness without a scope": {
			change(func(c *probes.Check) { c.Scope = 0 }),
			[]string{"a readiness check needs a scope: say probes.Local if"},
		},
		"a scope out of range": {change(func(c *probes.Check) { c.Scope = 3 }), []string{"3 is no scope: say probes.Local"}},
		"a shared check on liveness": {
			change(func(c *probes.Check) { c.Kind = probes.Liveness }),
			[]string{"a shared check on liveness restarts every instance at once and heals none: make it a readiness check"},
		},
		"a check that says that it dials, on liveness": {
			change(func(c *probes.Check) { c.Kind, c.Scope, c.Dials = probes.Liveness, 0, true }),
			[]string{"a check that dials (Dials) on liveness restarts this instance when something else is broken"},
		},
		"one that is known to, though it does not say so": {
			change(func(c *probes.Check) { c.Kind, c.Scope, c.Run = probes.Liveness, 0, new(sql.DB).PingContext }),
			[]string{"database/sql.(*DB).PingContext dials, and on liveness it restarts this instance"},
		},
		"one that dials is welcome on readiness": {
			change(func(c *probes.Check) { c.Dials, c.Run = true, new(sql.DB).PingContext }), nil,
		},
		"an impact out of range": {change(func(c *probes.Check) { c.Impact = 2 }), []string{"2 is no impact: say probes.Critical"}},
		"a startup that need not pass": {
			change(func(c *probes.Check) { c.Kind, c.Impact = probes.Startup, probes.Degrading }),
			[]string{"a startup check that is Degrading never delays the start"},
		},
		"a negative threshold": {
			change(func(c *probes.Check) { c.FailAfter, c.PassAfter = -1, -2 }),
			[]string{"FailAfter is -1: give 1 or more", "; PassAfter is -2"},
		},
		"a parent that is not there": {
			change(func(c *probes.Check) { c.DependsOn = []string{"vpn"} }),
			[]string{`it depends on "vpn", which is not there: add that before it`},
		},
		"itself": {
			change(func(c *probes.Check) { c.DependsOn = []string{"db"} }),
			[]string{`it depends on "db", which is not there`},
		},
		"a parent that comes later, which is how circles begin": {
			[]probes.Check{
				{Name: "a", Kind: probes.Readiness, Scope: probes.Local, Run: good, DependsOn: []string{"b"}},
				{Name: "b", Kind: probes.Readiness, Scope: probes.Local, Run: good, DependsOn: []string{"a"}},
			},
			[]string{`check 1, "a": it depends on "b", which is not there`},
		},
		"a parent in the same call": {
			[]probes.Check{sound, {Name: "b", Kind: probes.Readiness, Scope: probes.Shared, Run: good, DependsOn: []string{"db"}}}, nil,
		},
		"a parent of another kind": {
			[]probes.Check{{Name: "loop", Kind: probes.Liveness, Run: good}, {Name: "b", Kind: probes.Readiness, Scope: probes.Shared, Run: good, DependsOn: []string{"loop"}}},
			[]string{`it depends on "loop", which is one of liveness: only its own kind is shown beside it`},
		},
		"a local one under a shared one": {
			[]probes.Check{sound, {Name: "b", Kind: probes.Readiness, Scope: probes.Local, Run: good, DependsOn: []string{"db"}}},
			[]string{`it depends on "db", which is Shared: its failure is everybody's as well, so make it Shared`},
		},
		"liveness is local by itself": {change(func(c *probes.Check) { c.Kind, c.Scope = probes.Liveness, 0 }), nil},
		"startup needs no scope":      {change(func(c *probes.Check) { c.Kind, c.Scope = probes.Startup, 0 }), nil},
		"a negative interval":         {change(func(c *probes.Check) { c.Interval = -1 }), []string{"Interval is -1ns: give more than zero"}},
		"a time-out of ages":          {change(func(c *probes.Check) { c.Timeout = 1 << 62 }), []string{"Timeout is ", "at most 8760h0m0s"}},
		"no time-out, no interval": {
			change(func(c *probes.Check) { c.Interval, c.Timeout = -1, -1 }),
			[]string{"Interval is", "; Timeout is"},
		},
		"an age that ends between two runs": {
			change(func(c *probes.Check) { c.Interval, c.MaxAge = 10*time.Second, 11*time.Second }),
			[]string{"MaxAge is 11s", "Interval + 10 % + Timeout = 12s"},
		},
		"an age that just suffices": {change(func(c *probes.Check) { c.Interval, c.MaxAge = 10*time.Second, 12*time.Second }), nil},
		"a negative age":            {change(func(c *probes.Check) { c.MaxAge = -1 }), []string{"MaxAge is -1ns"}},
		"an age for ever":           {change(func(c *probes.Check) { c.MaxAge = 1<<63 - 1 }), nil},
		"the same name twice": {
			[]probes.Check{sound, sound},
			[]string{`check 2, "db": there is a check, gate or toggle of that name already`},
		},
		"several mistakes in several checks": {[]probes.Check{{Name: "A"}, sound, {Name: "db"}}, []string{
			`check 1, "A": the name must`, "; Run is nil", "; Kind(0) is no kind",
			"\n", `check 3, "db": Run is nil`, "; there is a check, gate or toggle of that name",
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			set := probes.New(probes.Config{})
			err := set.Add(test.checks...)
			if test.want == nil {
				require.NoError(t, err)
				return
			}
			require.Error(t, err)
			rest := err.Error()
			for _, part := range test.want {
				_, after, found := strings.Cut(rest, part)
				require.True(t, found, "%q is not in %q, of %q", part, rest, err)
				rest = after
			}
		})
	}
}

func TestAddTakesAllOrNothing(t *testing.T) {
	set := probes.New(probes.Config{})
	first := probes.Check{Name: "first", Kind: probes.Liveness, Run: good}
	require.Error(t, set.Add(first, probes.Check{Name: "second", Kind: probes.Liveness}))
	require.Equal(t, "200 pass", look(t, set, "/livez"))

	add(t, set, first)
	require.ErrorContains(t, set.Add(first), "of that name already", "nor is a name given twice in two calls")
	require.ErrorContains(t, set.Add(probes.Check{Name: "first", Kind: probes.Startup, Run: good}), "of that name already",
		"nor for two kinds: one body could not tell them apart in a log")
	require.Equal(t, "200 pass, first (pending)", look(t, set, "/livez"))
}

func TestAStartupCheckComesTooLateWhenTheStartupIsOver(t *testing.T) {
	set := probes.New(probes.Config{})
	require.NoError(t, set.Ready(t.Context()))
	require.ErrorContains(t, set.Add(probes.Check{Name: "warm", Kind: probes.Startup, Run: good}),
		`probes: add check 1, "warm": the startup is over: add it before Ready`)
	require.Equal(t, "200 pass", look(t, set, "/startupz"))
}
