package flags_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"github.com/handover-go/handover/flags"
	"github.com/stretchr/testify/require"
)

// One request sees one version of everything, however often the set changes meanwhile.
func TestARequestSeesOneVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flag, late := flags.Bool("new", false), flags.Bool("late", false)
		source := watched{serves(on("new"))}
		c := started(t, source, flags.Config{}, flag, late)
		stop := runs(t, c)
		synctest.Wait()

		var diary []bool
		handler := c.Middleware(nil, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			diary = append(diary, flag.On(r.Context()), late.On(r.Context()))
			source.puts(on("late"))
			synctest.Wait()
			diary = append(diary, flag.On(r.Context()), late.On(r.Context()))
			ctx := c.Pin(r.Context(), flags.Subject{Key: "now known"})
			diary = append(diary, flag.On(ctx), late.On(ctx))
		}))
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", http.NoBody))
		require.Equal(t, []bool{true, false, true, false, true, false}, diary)

		ctx := c.Pin(t.Context(), flags.Subject{})
		require.Equal(t, []bool{false, true}, []bool{flag.On(ctx), late.On(ctx)})
		stop()
	})
}

func TestTheMiddlewareAsksForTheSubjectOnce(t *testing.T) {
	vip := flags.Bool("vip", false)
	c := started(t, flags.Static(set(`"vip": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
		"targeting": {"if": [{"and": [{"==": [{"var": "targetingKey"}, "u-1"]}, {"==": [{"var": "plan"}, "gold"]}]}, "on", null]}}`)), flags.Config{}, vip)
	asked := 0
	subjectOf := func(r *http.Request) flags.Subject {
		asked++
		return flags.Subject{Key: r.Header.Get("User"), Attributes: map[string]any{"plan": "gold"}}
	}
	answers := map[string]bool{}
	handler := c.Middleware(subjectOf, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		answers[r.Header.Get("User")] = vip.On(r.Context())
		vip.On(r.Context())
	}))
	for _, user := range []string{"u-1", "u-2"} {
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		r.Header.Set("User", user)
		handler.ServeHTTP(httptest.NewRecorder(), r)
	}
	require.Equal(t, map[string]bool{"u-1": true, "u-2": false}, answers)
	require.Equal(t, 2, asked)
}

func TestTwoClientsInOneContext(t *testing.T) {
	shop, search := flags.Bool("shop", false), flags.Bool("search", false)
	a := started(t, flags.Static(on("shop")), flags.Config{}, shop)
	b := started(t, flags.Static(on("search")), flags.Config{}, search)
	ctx := b.Pin(a.Pin(t.Context(), flags.Subject{}), flags.Subject{})
	require.True(t, shop.On(ctx))
	require.True(t, search.On(ctx))
	require.True(t, shop.On(a.Pin(ctx, flags.Subject{})))
	require.True(t, search.On(a.Pin(ctx, flags.Subject{})))
}

func TestWithIsForItsContextOnly(t *testing.T) {
	flag, text := flags.Bool("new", false), flags.String("text", "default")
	c := started(t, flags.Static(on("new")), flags.Config{}, flag, text)
	tests := map[string]struct {
		got, want any
	}{
		"nothing else is pinned":   {flag.On(flag.With(t.Context(), true)), true},
		"before the pin":           {flag.On(c.Pin(flag.With(t.Context(), false), flags.Subject{})), false},
		"after the pin":            {flag.On(flag.With(c.Pin(t.Context(), flags.Subject{}), false)), false},
		"the last one counts":      {flag.On(flag.With(flag.With(t.Context(), false), true)), true},
		"several flags":            {text.Value(flag.With(text.With(t.Context(), "hello"), true)), "hello"},
		"others are as they were":  {flag.On(text.With(c.Pin(t.Context(), flags.Subject{}), "hello")), true},
		"others without a pin too": {evaluation(flag.Flag)(text.With(t.Context(), "hello")), "false UNPINNED"},
		"the outer context":        {flag.On(c.Pin(t.Context(), flags.Subject{})), true},
		"details":                  {evaluation(text)(text.With(t.Context(), "hello")), "hello FORCED"},
		"a zero flag":              {flags.Switch{}.On(flags.Switch{}.With(t.Context(), true)), false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { require.Equal(t, test.want, test.got) })
	}
}

func TestAnEvaluationWithoutAPinIsLoggedOnceAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		said := &diary{}
		flag := flags.Bool("new", false)
		c := started(t, flags.Static(on("new")), flags.Config{Logger: slogOf(said)}, flag)
		stop := runs(t, c)
		for range 3 {
			require.False(t, flag.On(t.Context()))
			passes(hour)
		}
		stop()
		require.Equal(t, []string{
			"flags: set in force from=source origin=source version=" + c.Report().Version + " flags=1",
			"flags: evaluated where nothing is pinned, which gives the default: use Middleware or Pin flag=new",
		}, said.all())
		require.EqualValues(t, 3, c.Report().Flags[0].Unpinned)
	})
}

func TestWithMayGiveNil(t *testing.T) {
	object := flags.JSON[any]("object", "fallback")
	require.Nil(t, object.Value(object.With(t.Context(), nil)))
}

func TestANilContextIsOneWithoutAPin(t *testing.T) {
	flag := flags.Bool("new", false)
	require.Equal(t, "false UNPINNED", evaluation(flag.Flag)(nil))
}

func TestAStrangerIsNotFoundThoughAnotherFlagHasAValueByWith(t *testing.T) {
	text, stranger := flags.String("text", ""), flags.Bool("stranger", false)
	c := started(t, flags.Static(everyKind), flags.Config{}, text)
	ctx := c.Pin(text.With(t.Context(), "x"), flags.Subject{})
	require.Equal(t, "false ERROR FLAG_NOT_FOUND", evaluation(stranger.Flag)(ctx))
}

func TestAFlagThatOnlyAnotherClientHasIsCountedThere(t *testing.T) {
	flag := flags.Bool("new", false)
	a := started(t, flags.Static(on("new")), flags.Config{}, flag)
	b := started(t, flags.Static(on("other")), flags.Config{})
	flag.On(b.Pin(t.Context(), flags.Subject{}))
	require.EqualValues(t, 1, a.Report().Flags[0].Unpinned)
}

func TestWhoIsPinned(t *testing.T) {
	on := flags.Bool("on", false)
	c := started(t, serves(""), flags.Config{}, on)
	ada, bob := flags.Subject{Key: "ada", Attributes: map[string]any{"plan": "pro"}}, flags.Subject{Key: "bob"}
	for name, test := range map[string]struct {
		ctx   context.Context
		want  flags.Subject
		there bool
	}{
		"nobody":                           {t.Context(), flags.Subject{}, false},
		"nobody by a value that is forced": {on.With(t.Context(), true), flags.Subject{}, false},
		"who was pinned":                   {c.Pin(t.Context(), ada), ada, true},
		"who was pinned last":              {c.Pin(c.Pin(t.Context(), ada), bob), bob, true},
		"with a value that is forced":      {on.With(c.Pin(t.Context(), ada), true), ada, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, there := flags.SubjectOf(test.ctx)
			require.Equal(t, test.want, got)
			require.Equal(t, test.there, there)
		})
	}
}
