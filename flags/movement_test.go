package flags_test

import (
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/handover-go/handover/flags"
	"github.com/stretchr/testify/require"
)

// comes has as many subjects come.
func comes(t *testing.T, c *flags.Client, n int) {
	t.Helper()
	for i := range n {
		c.Pin(t.Context(), flags.Subject{Key: fmt.Sprintf("user-%d", i)})
	}
}

// weights is a set of one flag of text with three variants.
func weights(a, b, c int) string { return split("flagd-v2", a, b, c) }

// named is the same flag with one variant, for everybody.
func named(name, value string) string {
	return set(fmt.Sprintf(`"f": {"state": "ENABLED", "variants": {%q: %q}, "defaultVariant": %q}`, name, value, name))
}

func TestWhatMovesTooManyIsHeld(t *testing.T) {
	on100, off := on("new"), set(`"new": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off"}`)
	disabled := `{` + offByStore + `}`
	toNew := set(`"new": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
		"targeting": {"if": [{"starts_with": [{"var": "targetingKey"}, "user-"]}, "on", "off"]}}`)
	needs := func(parent string) string {
		return set(fmt.Sprintf(`"parent": {"state": %q, "variants": {"on": true}, "defaultVariant": "on"},
			"new": {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on", "x-prerequisites": [{"flag": "parent", "variant": "on"}]}`, parent))
	}
	tests := map[string]struct {
		before, then string
		held         bool
	}{
		"a step within the bound":                   {before: rollout(5), then: rollout(20)},
		"a step over it":                            {before: rollout(5), then: rollout(60), held: true},
		"on for everybody":                          {before: off, then: on100, held: true},
		"a rule that is met by all":                 {before: rollout(0), then: toNew, held: true},
		"off for everybody":                         {before: on100, then: off},
		"a smaller rollout":                         {before: rollout(100), then: rollout(5)},
		"another rollout, of fewer":                 {before: rollout(100), then: strings.Replace(rollout(5), `[["on"`, `[{"cat": ["salt", {"var": "targetingKey"}]}, ["on"`, 1)},
		"disabled":                                  {before: on100, then: disabled},
		"enabled again":                             {before: disabled, then: on100, held: true},
		"deleted":                                   {before: on100, then: on("other")},
		"a flag that is new":                        {before: on("other"), then: on100},
		"a flag that nobody declares":               {before: set(`"other": {"state": "DISABLED", "variants": {"on": true}, "defaultVariant": "on"}`), then: on("other")},
		"a prerequisite that is enabled":            {before: needs("DISABLED"), then: needs("ENABLED"), held: true},
		"a prerequisite that is disabled":           {before: needs("ENABLED"), then: needs("DISABLED")},
		"arms that are moved over one another":      {before: weights(0, 50, 50), then: weights(50, 0, 50), held: true},
		"another bucketing for a rollout":           {before: weights(0, 50, 50), then: split("v1", 0, 50, 50), held: true},
		"another bucketing, and it is for everyone": {before: weights(0, 0, 100), then: split("v1", 0, 0, 100)},
		"another value of the variant":              {before: named("a", "x"), then: named("a", "y"), held: true},
		"another name of the value":                 {before: named("a", "x"), then: named("b", "x")},
		"the default's value":                       {before: named("a", "x"), then: named("a", "")},
		"another type, which gives the default":     {before: named("a", "x"), then: set(`"f": {"state": "ENABLED", "variants": {"a": 5}, "defaultVariant": "a"}`)},
		"nothing but the version":                   {before: on100, then: strings.Replace(on100, "{", `{"metadata": {"version": "2"}, `, 1)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				source := watched{serves(test.before)}
				c := started(t, source, flags.Config{MaxMovement: 0.25}, flags.Bool("new", false), flags.String("f", ""))
				stop := runs(t, c)
				defer stop()
				comes(t, c, 2000)
				source.puts(test.then)
				synctest.Wait()
				if !test.held {
					require.NoError(t, c.Check(t.Context()))
					return
				}
				require.ErrorIs(t, c.Check(t.Context()), flags.ErrMoves)
				require.ErrorIs(t, c.Report().Err, flags.ErrMoves)
			})
		})
	}
}

func TestAMovementIsToldOf(t *testing.T) {
	both := func(new, search string) string {
		return set(fmt.Sprintf(`"new": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": %q},
			"search": {"state": "ENABLED", "variants": {"a": "a", "b": "b"}, "defaultVariant": %q}`, new, search))
	}
	synctest.Test(t, func(t *testing.T) {
		source, said := watched{serves(both("off", "a"))}, &diary{}
		c := started(t, source, flags.Config{MaxMovement: 0.25, Logger: slogOf(said)}, flags.Bool("new", false), flags.String("search", ""))
		stop := runs(t, c)
		defer stop()
		comes(t, c, 500)
		before := c.Report().Version
		source.puts(both("on", "b"))
		passes(10 * time.Minute) // and all the questions in it
		const why = "flags: load source: refused: it moves 100 % of the recent subjects of new, 100 % of those of search, and at most 25 % is allowed: " +
			"so many at once are a mistake more often than a wish; if that is meant, do it in steps, or set MaxMovement"
		require.EqualError(t, c.Check(t.Context()), why)
		require.Equal(t, before, c.Report().Version)
		lines := said.all()
		require.Equal(t, "flags: what is in force stays from=source version="+before+" err="+why, lines[len(lines)-1])
		require.Len(t, lines, 2, "it is said once")

		source.puts(both("off", "a"))
		synctest.Wait()
		require.NoError(t, c.Check(t.Context()))
	})
}

func TestHowAMovementGetsIn(t *testing.T) {
	type fleet struct {
		source, override watched
		client           *flags.Client
	}
	tests := map[string]struct {
		cfg  flags.Config
		do   func(t *testing.T, f *fleet)
		want bool
	}{
		"not at once": {cfg: flags.Config{MaxMovement: 0.25}, do: func(_ *testing.T, f *fleet) { f.source.puts(rollout(100)) }},
		"nor when it is offered again and again": {cfg: flags.Config{MaxMovement: 0.25}, do: func(_ *testing.T, f *fleet) {
			f.source.puts(rollout(100))
			passes(50 * time.Minute)
		}},
		"in steps": {cfg: flags.Config{MaxMovement: 0.25}, want: true, do: func(_ *testing.T, f *fleet) {
			for _, share := range []int{18, 36, 54, 72, 86, 100} {
				f.source.puts(rollout(share))
				synctest.Wait()
			}
		}},
		"by an override": {cfg: flags.Config{MaxMovement: 0.25}, want: true, do: func(_ *testing.T, f *fleet) { f.override.puts(rollout(100)) }},
		"by another override": {cfg: flags.Config{MaxMovement: 0.25}, want: true, do: func(_ *testing.T, f *fleet) {
			f.override.puts(rollout(0))
			synctest.Wait()
			f.override.puts(rollout(100))
		}},
		"behind an override, which has decided": {cfg: flags.Config{MaxMovement: 0.25}, want: true, do: func(t *testing.T, f *fleet) {
			f.override.puts(rollout(100))
			synctest.Wait()
			f.source.puts(rollout(100))
			synctest.Wait()
			require.NoError(t, f.client.Check(t.Context()))
		}},
		"when all who were seen are long gone": {cfg: flags.Config{MaxMovement: 0.25}, want: true, do: func(_ *testing.T, f *fleet) {
			passes(hour)
			f.source.puts(rollout(100))
		}},
		"with a bound of all": {cfg: flags.Config{MaxMovement: 1}, want: true, do: func(_ *testing.T, f *fleet) { f.source.puts(rollout(100)) }},
		"without a bound":     {want: true, do: func(_ *testing.T, f *fleet) { f.source.puts(rollout(100)) }},
		"nor while it is frozen": {cfg: flags.Config{MaxMovement: 0.25}, do: func(t *testing.T, f *fleet) {
			require.NoError(t, f.client.Freeze(t.Context()))
			f.source.puts(rollout(100))
		}},
		"nor behind a kill that is taken back": {cfg: flags.Config{MaxMovement: 0.25}, do: func(t *testing.T, f *fleet) {
			require.NoError(t, f.client.Kill("new", "a test"))
			f.source.puts(rollout(100))
			synctest.Wait()
			require.NoError(t, f.client.Unkill("new"))
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				flag := flags.Bool("new", false)
				f := &fleet{source: watched{serves(rollout(0))}, override: watched{&store{err: os.ErrNotExist}}}
				test.cfg.Override = f.override
				f.client = started(t, f.source, test.cfg, flag)
				stop := runs(t, f.client)
				defer stop()
				synctest.Wait()
				comes(t, f.client, 2000)
				test.do(t, f)
				synctest.Wait()
				require.Equal(t, test.want, flag.On(f.client.Pin(t.Context(), flags.Subject{Key: "ada"})))
			})
		})
	}
}

func TestWhoIsRemembered(t *testing.T) {
	tests := map[string]struct {
		come func(t *testing.T, c *flags.Client)
		held bool
	}{
		"nobody":  {come: func(*testing.T, *flags.Client) {}},
		"too few": {come: func(t *testing.T, c *flags.Client) { comes(t, c, 19) }},
		"enough":  {come: func(t *testing.T, c *flags.Client) { comes(t, c, 100) }, held: true},
		"one, many times": {come: func(t *testing.T, c *flags.Client) {
			for range 100 {
				comes(t, c, 1)
				passes(time.Second)
			}
		}},
		"who has no key": {come: func(t *testing.T, c *flags.Client) {
			for range 100 {
				c.Pin(t.Context(), flags.Subject{})
				passes(time.Second)
			}
		}},
		"nor is that one more": {come: func(t *testing.T, c *flags.Client) {
			comes(t, c, 19)
			c.Pin(t.Context(), flags.Subject{})
		}},
		"who is looked up": {come: func(t *testing.T, c *flags.Client) {
			for i := range 100 {
				c.Lookup(t.Context(), "new", flags.Subject{Key: fmt.Sprint(i)})
			}
		}, held: true},
		"not of whom one asks why": {come: func(t *testing.T, c *flags.Client) {
			for i := range 100 {
				c.Explain("new", flags.Subject{Key: fmt.Sprint(i)})
			}
		}},
		"of the middleware": {held: true, come: func(t *testing.T, c *flags.Client) {
			n := 0
			h := c.Middleware(func(*http.Request) flags.Subject { n++; return flags.Subject{Key: fmt.Sprint(n)} }, http.NotFoundHandler())
			for range 100 {
				h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody))
			}
		}},
		"for less than an hour": {held: true, come: func(t *testing.T, c *flags.Client) { comes(t, c, 100); passes(59 * time.Minute) }},
		"for no more than it":   {come: func(t *testing.T, c *flags.Client) { comes(t, c, 100); passes(hour) }},
		"who is there still": {held: true, come: func(t *testing.T, c *flags.Client) {
			comes(t, c, 100)
			passes(40 * time.Minute)
			comes(t, c, 100)
			passes(40 * time.Minute)
		}},
		"with attributes, who came last": {held: true, come: func(t *testing.T, c *flags.Client) {
			comes(t, c, 2000)
			passes(time.Second)
			for i := range 5000 {
				c.Pin(t.Context(), flags.Subject{Key: fmt.Sprint(i), Attributes: map[string]any{"country": "at"}})
			}
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				source := watched{serves(rollout(0))}
				c := started(t, source, flags.Config{MaxMovement: 0.25}, flags.Bool("new", false))
				stop := runs(t, c)
				defer stop()
				test.come(t, c)
				then := on("new")
				if strings.HasPrefix(name, "with attributes") {
					then = strings.Replace(rollout(0), `{"fractional"`, `{"if": [{"==": [{"var": "country"}, "at"]}, "on", {"fractional"`, 1)
					then = strings.Replace(then, `["off", 100]]}`, `["off", 100]]}]}`, 1)
				}
				source.puts(then)
				synctest.Wait()
				require.Equal(t, test.held, c.Check(t.Context()) != nil, c.Check(t.Context()))
			})
		})
	}
}

// One draw in many would let in what is a little over the bound; a better one may.
func TestAHeldDocumentIsJudgedAgainByTwiceAsMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vip := func(share string) string {
			return set(`"new": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
				"targeting": {"if": [{"starts_with": [{"var": "targetingKey"}, "user-"]}, "` + share + `", "off"]}}`)
		}
		source := watched{serves(vip("off"))}
		c := started(t, source, flags.Config{MaxMovement: 0.5}, flags.Bool("new", false))
		stop := runs(t, c)
		defer stop()
		comes(t, c, 30)
		source.puts(vip("on"))
		passes(time.Minute)
		diary := []bool{c.Check(t.Context()) != nil}
		for i := range 20 {
			c.Pin(t.Context(), flags.Subject{Key: fmt.Sprint(i)})
		}
		passes(time.Minute)
		diary = append(diary, c.Check(t.Context()) != nil)
		for i := range 600 {
			c.Pin(t.Context(), flags.Subject{Key: fmt.Sprint(i)})
		}
		passes(time.Minute)
		require.Equal(t, []bool{true, true, false}, append(diary, c.Check(t.Context()) != nil))
	})
}

// Off is fast, whatever else stands in the same document.
func TestAHeldDocumentTakesAwayAtOnce(t *testing.T) {
	both := func(new string, search int) string {
		return set(fmt.Sprintf(`"new": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": %q},
			"search": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off", "targeting": {"fractional": [["on", %d], ["off", %d]]}}`,
			new, search, 100-search))
	}
	synctest.Test(t, func(t *testing.T) {
		new, search := flags.Bool("new", false), flags.Bool("search", false)
		cfg := flags.Config{MaxMovement: 0.25, LastGood: filepath.Join(t.TempDir(), "flags")}
		source := watched{serves(both("off", 100))}
		c := started(t, source, cfg, new, search)
		stop := runs(t, c)
		comes(t, c, 500)
		is := func(c *flags.Client) []bool {
			ctx := c.Pin(t.Context(), flags.Subject{Key: "ada"})
			return []bool{new.On(ctx), search.On(ctx)}
		}
		diary := [][]bool{is(c)}
		for _, document := range []string{both("on", 0), both("on", 0), both("off", 100), both("off", 0)} {
			source.puts(document)
			passes(2 * time.Minute)
			diary = append(diary, is(c))
		}
		require.Equal(t, [][]bool{
			{false, true},
			{false, false}, // held, but for what it takes away
			{false, false},
			{false, false}, // the one before would move everybody, by now
			{false, false},
		}, diary)
		require.NoError(t, c.Check(t.Context()))
		require.NoError(t, c.Kill("search", "it can be killed all the same"))
		source.puts(both("on", 0))
		synctest.Wait()
		stop()

		// The last good set is one that was in force.
		next := started(t, &store{err: errDown}, cfg, new, search)
		require.Equal(t, flags.OriginLastGood, next.Report().Origin)
		require.Equal(t, []bool{false, false}, is(next))
	})
}

// What stands in for the source has no say in what the source may change; what came from
// it has.
func TestAMovementAfterADayWithoutTheSource(t *testing.T) {
	for name, held := range map[string]bool{"bootstrap": false, "last good": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := flags.Config{MaxMovement: 0.25, Bootstrap: []byte(rollout(0))}
				if held {
					cfg.LastGood = filepath.Join(t.TempDir(), "flags")
					stop := runs(t, flags.New(serves(rollout(0)), cfg))
					synctest.Wait()
					stop()
				}
				source := watched{&store{err: errDown}}
				c := started(t, source, cfg, flags.Bool("new", false))
				require.Equal(t, name, c.Report().Origin.String())
				stop := runs(t, c)
				defer stop()
				comes(t, c, 100)
				source.puts(on("new"))
				synctest.Wait()
				require.Equal(t, held, c.Check(t.Context()) != nil)
			})
		})
	}
}

func TestMaxMovementIsAShare(t *testing.T) {
	for _, share := range []float64{-0.1, 1.01, 25, math.NaN(), math.Inf(1)} {
		c := flags.New(serves(on("new")), flags.Config{MaxMovement: share})
		require.EqualError(t, c.Start(t.Context()), fmt.Sprintf("flags: start: MaxMovement is %v: give a share from 0 to 1, as 0.25 for 25 %%", share))
	}
}

// A kill that is here is no reason to think that a document brings the flag back.
func TestAKillMovesNobody(t *testing.T) {
	family := func(more string) string {
		return set(`"parent": {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on"},
			"child": {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on", "x-prerequisites": [{"flag": "parent", "variant": "on"}]` + more + `}`)
	}
	for _, killed := range []string{"parent", "child"} {
		t.Run(killed, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				source := watched{serves(family(""))}
				c := started(t, source, flags.Config{MaxMovement: 0.25}, flags.Bool("parent", false), flags.Bool("child", false))
				stop := runs(t, c)
				defer stop()
				comes(t, c, 100)
				require.NoError(t, c.Kill(killed, "a test"))
				source.puts(family(`, "metadata": {"owner": "us"}`))
				synctest.Wait()
				require.NoError(t, c.Check(t.Context()))
				require.Equal(t, map[string]any{"owner": "us"}, c.Metadata("child"))
			})
		})
	}
}

// For the race detector: subjects come and go while changes are judged by them.
func TestSubjectsComeWhileADocumentIsJudged(t *testing.T) {
	source := watched{serves(rollout(0))}
	c := started(t, source, flags.Config{MaxMovement: 0.25}, flags.Bool("new", false))
	stop := runs(t, c)
	defer stop()
	attributes := map[string]any{"country": "at", "list": []any{1.5}}
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			for i := range 2000 {
				c.Pin(t.Context(), flags.Subject{Key: fmt.Sprint(worker, i%700), Attributes: attributes})
				if worker == 0 && i%20 == 0 {
					source.puts([]string{rollout(100), rollout(10), rollout(0), `{` + offByStore + `}`}[i/20%4])
					_ = c.Kill("new", "a test")
					_ = c.Unkill("new")
				}
			}
		})
	}
	all.Wait()
}
