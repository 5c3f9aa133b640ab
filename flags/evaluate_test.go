package flags_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/handover-go/handover/flags"
	"github.com/stretchr/testify/require"
)

const everyKind = `{
  "metadata": {"flagSetId": "shop", "version": "7", "bucketing": "v1"},
  "flags": {
    "switch":  {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on"},
    "off":     {"state": "DISABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on"},
    "text":    {"state": "ENABLED", "variants": {"hi": "Hi!", "bye": "Bye!"}, "defaultVariant": "hi",
                "targeting": {"if": [{"==": [{"var": "mood"}, "sad"]}, "bye", null]}},
    "number":  {"state": "ENABLED", "variants": {"ten": 10, "half": 0.5}, "defaultVariant": "ten",
                "targeting": {"if": [{"var": "half"}, "half", null]}},
    "object":  {"state": "ENABLED", "variants": {"big": {"width": 3}, "odd": {"width": "three"}}, "defaultVariant": "big",
                "targeting": {"if": [{"var": "odd"}, "odd", null]}},
    "ranking": {"state": "ENABLED", "variants": {"b": "b", "d": "d"}, "defaultVariant": "b",
                "targeting": {"if": [{"var": "new"}, "d", null]}},
    "rollout": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
                "targeting": {"fractional": [["on", 100], ["off", 0]]}},
    "no-default": {"state": "ENABLED", "variants": {"on": true, "off": false}},
    "wrong-result": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on",
                "targeting": {"var": "variant"}},
    "child":   {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on",
                "x-prerequisites": [{"flag": "off", "variant": "on"}]}
  }
}`

type size struct{ Width int }

// evaluation is what a test says of an evaluation, in a line.
func evaluation[T any](f flags.Flag[T]) func(context.Context) string {
	return func(ctx context.Context) string {
		d := f.Detail(ctx)
		said := []string{fmt.Sprint(d.Value)}
		for _, word := range []string{d.Variant, d.Reason.String(), d.Code.String(), d.Rule} {
			if word != "" {
				said = append(said, word)
			}
		}
		if d.NoKey {
			said = append(said, "(no key)")
		}
		return strings.Join(said, " ")
	}
}

func TestAnEvaluationSaysHowItCameAbout(t *testing.T) {
	flag := flags.Bool("switch", false)
	text := flags.String("text", "default")
	number, fraction := flags.Int("number", 1), flags.Float("number", 1)
	object := flags.JSON("object", size{1})
	ranking := flags.Enum("ranking", []string{"a", "b", "c"})
	rollout := flags.Bool("rollout", false)
	wrongType := flags.Bool("text", false)
	tests := map[string]asked{
		"without rules":                           {flag: flag, asked: evaluation(flag.Flag), want: "true on STATIC"},
		"a rule matches":                          {flag: text, asked: evaluation(text), with: map[string]any{"mood": "sad"}, want: "Bye! bye TARGETING_MATCH targeting.if[1]"},
		"no rule matches":                         {flag: text, asked: evaluation(text), want: "Hi! hi DEFAULT"},
		"a whole number":                          {flag: number, asked: evaluation(number), want: "10 ten DEFAULT"},
		"half is no whole number":                 {flag: number, asked: evaluation(number), with: map[string]any{"half": true}, want: "1 ERROR TYPE_MISMATCH targeting.if[1]"},
		"half is a number":                        {flag: fraction, asked: evaluation(fraction), with: map[string]any{"half": true}, want: "0.5 half TARGETING_MATCH targeting.if[1]"},
		"an object is decoded":                    {flag: object, asked: evaluation(object), want: "{3} big DEFAULT"},
		"an object of another shape":              {flag: object, asked: evaluation(object), with: map[string]any{"odd": true}, want: "{1} ERROR TYPE_MISMATCH targeting.if[1]"},
		"one of the texts":                        {flag: ranking, asked: evaluation(ranking), want: "b b DEFAULT"},
		"a text that only newer code has":         {flag: ranking, asked: evaluation(ranking), with: map[string]any{"new": true}, want: "a ERROR TYPE_MISMATCH targeting.if[1]"},
		"a rollout":                               {flag: rollout, asked: evaluation(rollout.Flag), want: "true on SPLIT targeting.fractional[0]"},
		"a rollout of a subject without a key":    {flag: rollout, asked: evaluation(rollout.Flag), anonymous: true, want: "false off DEFAULT (no key)"},
		"a flag that is declared of another type": {flag: wrongType, asked: evaluation(wrongType.Flag), want: "false ERROR TYPE_MISMATCH"},
		"disabled: the default":                   asks("off", "false DISABLED", nil),
		"no default variant: the default":         asks("no-default", "false DEFAULT", nil),
		"a rule that gives no variant":            asks("wrong-result", "false ERROR GENERAL", map[string]any{"variant": "onn"}),
		"a prerequisite that does not hold":       asks("child", "false DEFAULT x-prerequisites[0]", nil),
		"a flag that the set does not know":       asks("missing", "false ERROR FLAG_NOT_FOUND", nil),
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := started(t, flags.Static(everyKind), flags.Config{}, test.flag)
			subject := flags.Subject{Key: "u-1", Attributes: test.with}
			if test.anonymous {
				subject.Key = ""
			}
			require.Equal(t, test.want, test.asked(c.Pin(t.Context(), subject)))
		})
	}
}

// asked is a question, and the answer that is expected.
type asked struct {
	flag      flags.Handle
	asked     func(context.Context) string
	with      map[string]any
	anonymous bool
	want      string
}

// asks is a row for a boolean flag that is off by default.
func asks(key, want string, with map[string]any) asked {
	f := flags.Bool(key, false)
	return asked{flag: f, asked: evaluation(f.Flag), with: with, want: want}
}

func TestADetailKnowsTheVersion(t *testing.T) {
	flag, missing := flags.Bool("switch", false), flags.Bool("missing", false)
	tests := map[string]struct {
		doc  flags.Document
		want string
	}{
		"the set's own":         {doc: flags.Document{JSON: []byte(everyKind), Revision: 9}, want: "7"},
		"else the revision":     {doc: flags.Document{JSON: []byte(on("switch")), Revision: 9}, want: "9"},
		"else a part of a hash": {doc: flags.Document{JSON: []byte(on("switch"))}, want: "42d7b872edee"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			ctx := started(t, &store{doc: test.doc}, flags.Config{}, flag, missing).Pin(t.Context(), flags.Subject{})
			require.Equal(t, test.want, flag.Detail(ctx).Version)
			require.Equal(t, test.want, missing.Detail(ctx).Version)
		})
	}
}

func TestWhatIsWrongGivesTheDefault(t *testing.T) {
	var zero flags.Switch
	var zeroText flags.Flag[string]
	known, stranger := flags.Bool("switch", false), flags.Bool("stranger", true, flags.About{SafeOn: true})
	c := flags.New(flags.Static(everyKind), flags.Config{}, known)
	tests := map[string]struct {
		asked func(context.Context) string
		ctx   context.Context
		want  string
	}{
		"nothing is pinned":                  {evaluation(known.Flag), t.Context(), "false UNPINNED"},
		"nothing is loaded":                  {evaluation(known.Flag), c.Pin(t.Context(), flags.Subject{}), "false ERROR PROVIDER_NOT_READY"},
		"the client was not told of it":      {evaluation(stranger.Flag), c.Pin(t.Context(), flags.Subject{}), "true ERROR FLAG_NOT_FOUND"},
		"a zero Switch":                      {evaluation(zero.Flag), c.Pin(t.Context(), flags.Subject{}), "false ERROR FLAG_NOT_FOUND"},
		"a zero Flag, and nothing is pinned": {evaluation(zeroText), t.Context(), " ERROR FLAG_NOT_FOUND"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { require.Equal(t, test.want, test.asked(test.ctx)) })
	}
}

func TestLookupNeedsNoDeclaration(t *testing.T) {
	c := started(t, flags.Static(everyKind), flags.Config{}, flags.Bool("switch", false))
	tests := map[string]struct {
		key   string
		value any
		want  string
	}{
		"a boolean":         {key: "switch", value: true, want: "on STATIC"},
		"a number":          {key: "number", value: 10.0, want: "ten DEFAULT"},
		"an object":         {key: "object", value: map[string]any{"width": 3.0}, want: "big DEFAULT"},
		"the default":       {key: "off", want: " DISABLED"},
		"no flag":           {key: "missing", want: " ERROR"},
		"the subject's own": {key: "rollout", value: true, want: "on SPLIT"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := c.Lookup(t.Context(), test.key, flags.Subject{Key: "u-1"})
			require.Equal(t, test.value, d.Value)
			require.Equal(t, test.want, d.Variant+" "+d.Reason.String())
		})
	}
}

func TestAnEvaluationDoesNotAllocate(t *testing.T) {
	flag, rollout := flags.Bool("switch", false), flags.Bool("rollout", false)
	text := flags.String("text", "")
	ctx := started(t, flags.Static(everyKind), flags.Config{}, flag, rollout, text).
		Pin(t.Context(), flags.Subject{Key: "u-1", Attributes: map[string]any{"mood": "sad"}})
	tests := map[string]func(){
		"a flag":                 func() { flag.On(ctx) },
		"a rollout":              func() { rollout.On(ctx) },
		"a rule":                 func() { text.Value(ctx) },
		"a rollout with details": func() { rollout.Detail(ctx) },
		"nothing pinned":         func() { flag.On(t.Context()) },
	}
	for name, evaluate := range tests {
		t.Run(name, func(t *testing.T) { require.Zero(t, testing.AllocsPerRun(100, evaluate)) })
	}
}
