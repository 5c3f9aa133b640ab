package flagstest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/flagstest"
	"github.com/stretchr/testify/require"
)

// recorder is a testing.TB that keeps what it is told.
type recorder struct {
	testing.TB
	told []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.told = append(r.told, fmt.Sprintf(format, args...))
}

type ended struct{}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	panic(ended{})
}

// records is what f tells a test, and whether that has to end.
func records(t *testing.T, f func(testing.TB)) (told []string, fatal bool) {
	t.Helper()
	r := &recorder{TB: t}
	defer func() {
		told = r.told
		switch v := recover(); v {
		case nil:
		case ended{}:
			fatal = true
		default:
			panic(v)
		}
	}()
	f(r)
	return nil, false
}

const checkout = `{"flags": {"new-checkout": {
	"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
	"targeting": {"if": [{"ends_with": [{"var": "email"}, "@example.com"]}, "on"]}
}}}`

func TestAClientOfDefinitions(t *testing.T) {
	t.Setenv("FLAGS_KILL", "new-checkout")
	newCheckout := flags.Bool("new-checkout", false)
	notYet := flags.Int("not-yet", 3)
	c := flagstest.Client(t, checkout, newCheckout, notYet)
	ours := c.Pin(t.Context(), flags.Subject{Attributes: map[string]any{"email": "ann@example.com"}})
	require.True(t, newCheckout.On(ours))
	require.False(t, newCheckout.On(c.Pin(t.Context(), flags.Subject{})))
	require.Equal(t, int64(3), notYet.Value(ours))
}

func TestAClientThatCannotBe(t *testing.T) {
	tests := map[string]struct {
		definitions string
		handles     []flags.Handle
		want        string
	}{
		"a mistake in the definitions":    {strings.Replace(checkout, `"off",`, `"of",`, 1), nil, `"of"`},
		"no definitions":                  {"", nil, "is empty"},
		"a flag that is declared wrongly": {checkout, []flags.Handle{flags.Bool("new-checkout", true)}, `flag "new-checkout": its default is true`},
		"a flag of another type":          {checkout, []flags.Handle{flags.String("new-checkout", "")}, `flag "new-checkout": the definitions have another type than the `},
		"no flag":                         {checkout, []flags.Handle{nil}, "flag 1 of New is nil or zero"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			told, fatal := records(t, func(tb testing.TB) { flagstest.Client(tb, test.definitions, test.handles...) })
			require.True(t, fatal)
			require.Len(t, told, 1)
			require.Contains(t, told[0], test.want)
		})
	}
}

func TestFlagsThatShouldBeGone(t *testing.T) {
	day := func(s string) time.Time {
		parsed, err := time.Parse(time.DateOnly, s)
		require.NoError(t, err)
		return parsed
	}
	tests := map[string]struct {
		day     time.Time
		handles []flags.Handle
		want    []string
	}{
		"none that expires": {day("2027-03-01"), []flags.Handle{flags.Bool("a", false)}, nil},
		"the day before":    {day("2027-02-28"), []flags.Handle{flags.Bool("a", false, flags.About{Expires: "2027-03-01"})}, nil},
		"on the day": {
			day("2027-03-01"),
			[]flags.Handle{flags.Bool("a", false, flags.About{Expires: "2027-03-01", Owner: "payments"})},
			[]string{`flagstest: flag "a" should be gone since 2027-03-01: remove it, or move its day; ask payments`},
		},
		"the day is that of the place": {
			time.Date(2027, 2, 28, 23, 0, 0, 0, time.FixedZone("west", -5*3600)),
			[]flags.Handle{flags.Bool("a", false, flags.About{Expires: "2027-03-01"})},
			nil,
		},
		"all of them": {
			day("2030-01-01"),
			[]flags.Handle{flags.Int("b", 0, flags.About{Expires: "2029-12-31"}), flags.Bool("a", false, flags.About{Expires: "2027-03-01"}), flags.Bool("c", false)},
			[]string{
				`flagstest: flag "a" should be gone since 2027-03-01: remove it, or move its day; ask who declared it, as it has no owner`,
				`flagstest: flag "b" should be gone since 2029-12-31: remove it, or move its day; ask who declared it, as it has no owner`,
			},
		},
		"one whose day is none": {
			day("2030-01-01"),
			[]flags.Handle{flags.Bool("a", false, flags.About{Expires: "1st of March"})},
			[]string{`flagstest: flags: start: flag "a": Expires "1st of March" is no day: write it as 2027-03-01`},
		},
		"nothing at all":        {day("2030-01-01"), nil, nil},
		"one that was not made": {day("2030-01-01"), []flags.Handle{flags.Switch{}}, []string{"flagstest: flags: start: flag 1 of New is nil or zero: declare it with Bool, String, Int, Float, JSON or Enum"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			told, _ := records(t, func(tb testing.TB) { flagstest.NoneExpired(tb, test.day, test.handles...) })
			require.Equal(t, test.want, told)
		})
	}
}

func TestOverridesInParallel(t *testing.T) {
	newCheckout := flags.Bool("new-checkout", false)
	c := flagstest.Client(t, checkout, newCheckout)
	for _, on := range []bool{true, false, true, false} {
		t.Run(fmt.Sprint(on), func(t *testing.T) {
			t.Parallel()
			ctx := newCheckout.With(t.Context(), on)
			require.Equal(t, on, newCheckout.On(ctx), "before it is pinned")
			require.Equal(t, on, newCheckout.On(c.Pin(ctx, flags.Subject{})), "and after")
		})
	}
}
