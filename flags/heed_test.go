package flags_test

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/handover-go/handover/flags"
	"github.com/stretchr/testify/require"
)

// One wrong definition must not keep the kills of all others from coming through.
func TestAKillInADocumentThatIsRefused(t *testing.T) {
	wrong := `, "wrong": {"state": "ENABLD", "variants": {"on": true}}}}`
	tests := map[string]string{
		"for a mistake elsewhere": strings.TrimSuffix(`{`+offByStore, "}") + wrong,
		"for having shrunk":       `{` + offByStore + `}`,
	}
	for name, refused := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				flag := flags.Bool("new", false)
				before := strings.TrimSuffix(many(30), "}}") + strings.TrimPrefix(on("new"), `{"flags": {`)
				before = strings.Replace(before, `}"new"`, `},"new"`, 1)
				source := watched{serves(before)}
				c := started(t, source, flags.Config{}, flag)
				stop := runs(t, c)
				synctest.Wait()
				pinned := c.Pin(t.Context(), flags.Subject{})
				diary := []bool{flag.On(pinned)}

				source.puts(refused)
				synctest.Wait()
				require.Error(t, c.Check(t.Context()))
				diary = append(diary, flag.On(pinned))
				require.Len(t, c.Report().Flags, 31, "all else stays")

				source.puts(before)
				synctest.Wait()
				require.NoError(t, c.Check(t.Context()))
				require.Equal(t, []bool{true, false, true}, append(diary, flag.On(pinned)))
				stop()
			})
		})
	}
}

// The file keeps the last document that was taken; what was killed beside it is no error.
func TestAKillInARefusedDocumentLeavesTheLastGoodFileAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := flags.Config{LastGood: filepath.Join(t.TempDir(), "flags")}
		source := watched{serves(on("new"))}
		c := started(t, source, cfg)
		stop := runs(t, c)
		synctest.Wait()
		source.puts(strings.TrimSuffix(`{`+offByStore, "}") + `, "wrong": {"state": "ENABLD", "variants": {"on": true}}}}`)
		synctest.Wait()
		passes(hour)
		require.ErrorContains(t, c.Report().Err, `"ENABLD" is no state; instead: "ENABLED" or "DISABLED"`)
		require.NotContains(t, c.Report().Err.Error(), "last good set")
		stop()
		require.Equal(t, flags.OriginLastGood, started(t, &store{err: errDown}, cfg).Report().Origin)
	})
}

func TestAnOverrideIsLiftedWhenItsFileGoes(t *testing.T) {
	tests := map[string]struct {
		frozen bool
		want   []bool
	}{
		"in service":                          {want: []bool{true, false}},
		"but not while the process is frozen": {frozen: true, want: []bool{true, true}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				flag := flags.Bool("new", false)
				override := watched{serves(on("new"))}
				c := started(t, flags.Static(rollout(0)), flags.Config{Override: override}, flag)
				stop := runs(t, c)
				synctest.Wait()
				diary := []bool{flag.On(c.Pin(t.Context(), flags.Subject{Key: "ada"}))}
				if test.frozen {
					require.NoError(t, c.Freeze(t.Context()))
				}
				override.fails(fs.ErrNotExist)
				synctest.Wait()
				require.NoError(t, c.Check(t.Context()))
				require.Equal(t, test.want, append(diary, flag.On(c.Pin(t.Context(), flags.Subject{Key: "ada"}))))
				stop()
			})
		})
	}
}

// What the process before would have refused, the next one refuses as well.
func TestARestartComparesWithTheLastGoodSet(t *testing.T) {
	tests := map[string]struct {
		then flags.Document
		is   error
	}{
		"an older set":        {flags.Document{JSON: []byte(many(30)), Revision: 6}, flags.ErrOlder},
		"one that has shrunk": {flags.Document{JSON: []byte(many(3)), Revision: 8}, flags.ErrShrunk},
		"the same":            {flags.Document{JSON: []byte(many(30)), Revision: 7}, nil},
		"a newer one":         {flags.Document{JSON: []byte(many(31)), Revision: 8}, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := flags.Config{LastGood: filepath.Join(t.TempDir(), "flags")}
				before := &store{doc: flags.Document{JSON: []byte(many(30)), Revision: 7}}
				stop := runs(t, flags.New(before, cfg))
				synctest.Wait()
				stop()
				passes(7 * time.Second)

				c := started(t, &store{doc: test.then}, cfg)
				if test.is != nil {
					require.ErrorIs(t, c.Check(t.Context()), test.is)
					require.Equal(t, flags.OriginLastGood, c.Report().Origin)
					require.Equal(t, 7*time.Second, time.Since(c.Report().Confirmed).Round(time.Second), "its age is that of the file")
					return
				}
				require.NoError(t, c.Check(t.Context()))
				require.Equal(t, flags.OriginSource, c.Report().Origin)
			})
		})
	}
}

func TestALenientClientRefusesAnEmptySet(t *testing.T) {
	c := started(t, serves(`{"flags": {}}`), flags.Config{Lenient: true})
	require.ErrorContains(t, c.Check(t.Context()), "flags: load source: refused: flags: is an empty set")
}

// flagd gives who has no key the default variant. That opens nothing here that the code
// calls closed.
func TestWhoHasNoKeyGetsWhatIsSafe(t *testing.T) {
	opened := strings.Replace(rollout(50), `"defaultVariant": "off"`, `"defaultVariant": "on"`, 1)
	flag := flags.Bool("new", false)
	c := started(t, serves(opened), flags.Config{}, flag)
	require.Equal(t, "false DEFAULT (no key)", evaluation(flag.Flag)(c.Pin(t.Context(), flags.Subject{})))
}

func TestLookupSeesWhatWithHasGiven(t *testing.T) {
	flag := flags.Bool("new", false)
	c := started(t, serves(rollout(0)), flags.Config{}, flag)
	ctx := flag.With(t.Context(), true)
	require.Equal(t, true, c.Lookup(ctx, "new", flags.Subject{Key: "ada"}).Value)
	require.NoError(t, c.Kill("new", "a test"))
	require.Nil(t, c.Lookup(ctx, "new", flags.Subject{Key: "ada"}).Value)
}
