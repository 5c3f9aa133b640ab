package flags_test

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/handover-go/handover/flags"
	"github.com/stretchr/testify/require"
)

// many is a set of so many flags.
func many(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf(`"f%d": {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on"}`, i)
	}
	return set(strings.Join(all, ","))
}

func TestWhatASourceOffersIsTakenOrRefused(t *testing.T) {
	revision := func(n int64, json string) flags.Document { return flags.Document{JSON: []byte(json), Revision: n} }
	tests := map[string]struct {
		before, then flags.Document
		cfg          flags.Config
		refused      string // what Check says
		is           error
		flags        int
	}{
		"another set":            {before: revision(0, many(2)), then: revision(0, many(3)), flags: 3},
		"a newer one":            {before: revision(4, many(2)), then: revision(5, many(3)), flags: 3},
		"an older one":           {before: revision(4, many(2)), then: revision(3, many(3)), flags: 2, refused: "flags: load source: refused revision 3: it is older than what is in force (4)", is: flags.ErrOlder},
		"no JSON":                {before: revision(0, many(2)), then: revision(0, `{"flags": {`), flags: 2, refused: "flags: load source: refused: 1:12: "},
		"no flags":               {before: revision(0, many(2)), then: revision(0, `{"flags": {}}`), flags: 2, refused: "flags: load source: refused: "},
		"less than half of 20":   {before: revision(0, many(20)), then: revision(0, many(9)), flags: 20, refused: "flags: load source: refused 9 flags after 20: it has less than half the flags", is: flags.ErrShrunk},
		"half of 20":             {before: revision(0, many(20)), then: revision(0, many(10)), flags: 10},
		"less than half of 19":   {before: revision(0, many(19)), then: revision(0, many(1)), flags: 1},
		"which can be allowed":   {before: revision(0, many(20)), then: revision(0, many(1)), cfg: flags.Config{AllowShrink: true}, flags: 1},
		"mistakes, all of them":  {before: revision(0, many(2)), then: revision(0, set(`"a": {"state": "ENABLD", "variants": {"on": true}, "defaultVariant": "onn"}`)), flags: 2, refused: "2 mistakes:"},
		"mistakes can be let in": {before: revision(0, many(2)), then: revision(0, set(`"a": {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "onn"}`)), cfg: flags.Config{Lenient: true}, flags: 1},
		"the same":               {before: revision(4, many(2)), then: revision(4, many(2)), flags: 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				source := watched{&store{doc: test.before}}
				c := started(t, source, test.cfg)
				stop := runs(t, c)
				synctest.Wait()
				source.put(test.then, nil)
				synctest.Wait()
				err := c.Check(t.Context())
				if test.refused == "" {
					require.NoError(t, err)
				} else {
					require.ErrorContains(t, err, test.refused)
				}
				if test.is != nil {
					require.ErrorIs(t, err, test.is)
				}
				require.Len(t, c.Report().Flags, test.flags)
				stop()
			})
		})
	}
}

func TestADocumentErrorHasAllMistakes(t *testing.T) {
	c := started(t, flags.Static(set(`"a": {"state": "ENABLD", "variants": {"on": true}, "defaultVariant": "onn"}`)), flags.Config{})
	var wrong *flags.DocumentError
	require.ErrorAs(t, c.Check(t.Context()), &wrong)
	require.Len(t, wrong.Mistakes, 2)
	require.Equal(t, "flags.a.state", wrong.Mistakes[0].Path)
}

func TestASourceIsAskedAtEachInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := serves(many(1))
		c := started(t, source, flags.Config{Interval: 10 * time.Second})
		stop := runs(t, c)
		time.Sleep(1000 * time.Second)
		stop()
		require.InDelta(t, 101, source.loads, 10)
	})
}

// A Watch that fails is called again, and what it could not tell is found by polling.
func TestAWatchThatFailsIsCalledAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		said := &diary{}
		source := &fragile{watched: watched{serves(many(1))}}
		c := started(t, source, flags.Config{Logger: slogOf(said)})
		stop := runs(t, c)
		time.Sleep(10 * time.Minute)
		stop()
		require.Greater(t, source.watches, 10)
		require.Less(t, source.watches, 40)
		require.Contains(t, strings.Join(said.all(), "\n"), "flags: source is polled only, until Watch works again from=source err=connection refused")
	})
}

func TestWhatIsLetInThoughWrongIsLogged(t *testing.T) {
	said := &diary{}
	started(t, flags.Static(set(`"a": {"state": "ENABLD", "variants": {"on": true}, "defaultVariant": "on"}`)), flags.Config{Lenient: true, Logger: slogOf(said)})
	require.Contains(t, strings.Join(said.all(), "\n"), "ENABLD")
}

type reuses struct {
	buffer []byte
	texts  []string
}

func (r *reuses) Load(context.Context) (flags.Document, error) {
	r.buffer = append(r.buffer[:0], r.texts[0]...)
	r.texts = r.texts[min(1, len(r.texts)-1):]
	return flags.Document{JSON: r.buffer}, nil
}

func TestASourceMayUseItsBufferAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flag := flags.Bool("new", false)
		before := on("new")
		source := &reuses{texts: []string{before, strings.Replace(before, `"defaultVariant": "on"`, `"defaultVariant":"off"`, 1)}}
		c := started(t, source, flags.Config{}, flag)
		stop := runs(t, c)
		time.Sleep(time.Minute)
		require.False(t, flag.On(c.Pin(t.Context(), flags.Subject{})))
		stop()
	})
}

func TestAnOverrideThatIsNotThereIsNoProblem(t *testing.T) {
	c := started(t, serves(on("new")), flags.Config{Override: &store{err: fmt.Errorf("fileflags: load x: %w", fs.ErrNotExist)}})
	require.NoError(t, c.Check(t.Context()))
	require.NoError(t, c.Report().Err)
}
