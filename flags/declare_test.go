package flags_test

import (
	"testing"

	"github.com/handover-go/handover/flags"
	"github.com/stretchr/testify/require"
)

func TestWhatIsDeclaredWronglyDoesNotStart(t *testing.T) {
	one := flags.Bool("one", false)
	tests := map[string]struct {
		handles []flags.Handle
		want    string
	}{
		"nothing is wrong": {
			handles: []flags.Handle{
				one, flags.String("s", ""), flags.Int("i", 1), flags.Float("f", 1), flags.JSON("j", map[string]int{}), flags.Enum("e", []string{"a"}),
				flags.Bool("safe", true, flags.About{SafeOn: true, Owner: "payments", Expires: "2027-03-01"}),
			},
		},
		"the same flag twice is the same flag": {handles: []flags.Handle{one, one}},
		"two of one name": {
			handles: []flags.Handle{one, flags.Bool("one", false)},
			want:    `flags: start: flag "one" is declared twice: declare it once, and share the variable`,
		},
		"a default that opens": {
			handles: []flags.Handle{flags.Bool("open", true)},
			want:    `flags: start: flag "open": its default is true: make it false (turn its meaning round), or say that on is safe with About.SafeOn`,
		},
		"no name": {
			handles: []flags.Handle{flags.Bool("", false)},
			want:    `flags: start: flag "": its key is empty: give the name that the definitions have`,
		},
		"no such day": {
			handles: []flags.Handle{flags.Bool("old", false, flags.About{Expires: "2027-02-30"})},
			want:    `flags: start: flag "old": Expires "2027-02-30" is no day: write it as 2027-03-01`,
		},
		"several Abouts": {
			handles: []flags.Handle{flags.Bool("old", false, flags.About{}, flags.About{})},
			want:    `flags: start: flag "old": it has more than one About: give one`,
		},
		"no values": {
			handles: []flags.Handle{flags.Enum("e", []string{})},
			want:    `flags: start: flag "e": it has no values: give them, the default first`,
		},
		"nil, and a zero Flag: all mistakes are said": {
			handles: []flags.Handle{nil, flags.Switch{}},
			want: "flags: start: flag 1 of New is nil or zero: declare it with Bool, String, Int, Float, JSON or Enum\n" +
				"flags: start: flag 2 of New is nil or zero: declare it with Bool, String, Int, Float, JSON or Enum",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := flags.New(flags.Static(everyKind), flags.Config{}, test.handles...).Start(t.Context())
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, test.want)
		})
	}
}

func TestNoSourceDoesNotStart(t *testing.T) {
	err := flags.New(nil, flags.Config{}).Run(t.Context())
	require.EqualError(t, err, "flags: start: no source: give one, flags.Static for definitions that do not change")
}

func TestStartsOnce(t *testing.T) {
	c := started(t, flags.Static(everyKind), flags.Config{})
	require.EqualError(t, c.Start(t.Context()), "flags: start: already started")
}

type touchy struct{ Width int }

func (*touchy) UnmarshalJSON([]byte) error { panic("no luck") }

func TestATypeThatPanicsGivesTheDefault(t *testing.T) {
	object := flags.JSON("object", touchy{1})
	c := started(t, flags.Static(everyKind), flags.Config{}, object)
	require.Equal(t, "{1} ERROR TYPE_MISMATCH", evaluation(object)(c.Pin(t.Context(), flags.Subject{})))
}

func TestAWholeNumberIsExactOrNone(t *testing.T) {
	number := flags.Int("number", -1)
	tests := map[string]string{
		"10": "10 v STATIC", "1e3": "1000 v STATIC", "-4.0": "-4 v STATIC",
		"9007199254740993":    "9007199254740993 v STATIC",
		"9007199254740991.0":  "9007199254740991 v STATIC",
		"9007199254740993.0":  "-1 ERROR TYPE_MISMATCH",
		"-9007199254740993.0": "-1 ERROR TYPE_MISMATCH",
		"9223372036854775808": "-1 ERROR TYPE_MISMATCH",
		"0.5":                 "-1 ERROR TYPE_MISMATCH",
	}
	for written, want := range tests {
		t.Run(written, func(t *testing.T) {
			c := started(t, flags.Static(set(`"number": {"state": "ENABLED", "variants": {"v": `+written+`}, "defaultVariant": "v"}`)), flags.Config{}, number)
			require.Equal(t, want, evaluation(number)(c.Pin(t.Context(), flags.Subject{})))
		})
	}
}

func TestANilPointerToAFlagDoesNotStart(t *testing.T) {
	var nobody *flags.Switch
	require.ErrorContains(t, flags.New(flags.Static(everyKind), flags.Config{}, nobody).Start(t.Context()), "flag 1 of New is nil or zero")
}
