package arguments_test

import (
	"flag"
	"io"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/backfill"
	"github.com/handover-go/handover/dbcompat/cmd/internal/arguments"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestColumns(t *testing.T) {
	tests := map[string]struct {
		args []string
		want dbcompat.Columns
	}{
		"none":    {nil, dbcompat.Columns{Key: []string{"id"}}},
		"one":     {[]string{"-table", "t", "-old", "a", "-new", "b", "-up", "lower(a), b"}, dbcompat.Columns{Table: "t", Key: []string{"id"}, Old: []string{"a"}, New: []string{"b"}, Up: []string{"lower(a), b"}}},
		"several": {[]string{"-key", "x, y", "-new", "a,b", "-up", "1", "-up", "2"}, dbcompat.Columns{Key: []string{"x", "y"}, New: []string{"a", "b"}, Up: []string{"1", "2"}}},
		"empty":   {[]string{"-key", "", "-old", " "}, dbcompat.Columns{}},
		"a comma": {[]string{"-key", "a,"}, dbcompat.Columns{Key: []string{"a", ""}}}, // which Check refuses
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var c dbcompat.Columns
			set := flag.NewFlagSet("test", flag.ContinueOnError)
			arguments.Columns(set, &c)
			require.NoError(t, set.Parse(tt.args))
			require.Equal(t, tt.want, c)
		})
	}
}

func TestTheirNamesAreThoseThatAreSaid(t *testing.T) {
	names := func(define func(*flag.FlagSet)) (all []string) {
		set := flag.NewFlagSet("test", flag.ContinueOnError)
		set.SetOutput(io.Discard)
		define(set)
		set.VisitAll(func(f *flag.Flag) { all = append(all, f.Name) })
		return all
	}
	require.Equal(t, slices.Sorted(slices.Values(arguments.ColumnFlags())), names(func(set *flag.FlagSet) { arguments.Columns(set, &dbcompat.Columns{}) }))
	require.Equal(t, slices.Sorted(slices.Values(arguments.BatchFlags())), names(func(set *flag.FlagSet) { arguments.Batches(set, &backfill.Config{}) }))
}
