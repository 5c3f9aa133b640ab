package flags_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/handover-go/handover/flags"
	"github.com/stretchr/testify/require"
)

var errDown = errors.New("connection refused")

func TestWhereTheFirstSetComesFrom(t *testing.T) {
	saved := filepath.Join(t.TempDir(), "saved")
	synctest.Test(t, func(t *testing.T) {
		stop := runs(t, flags.New(serves(on("new", `"metadata": {"from": "saved"}`)), flags.Config{LastGood: saved}))
		synctest.Wait()
		stop()
	})
	damaged := filepath.Join(t.TempDir(), "damaged")
	require.NoError(t, os.WriteFile(damaged, []byte("handover"), 0o600))

	down := &store{err: errDown}
	bootstrap := []byte(on("new", `"metadata": {"from": "embedded"}`))
	tests := map[string]struct {
		source flags.Source
		cfg    flags.Config
		from   any
		origin flags.Origin
	}{
		"the source":                          {serves(on("new", `"metadata": {"from": "source"}`)), flags.Config{LastGood: saved, Bootstrap: bootstrap}, "source", flags.OriginSource},
		"the source is down: the last good":   {down, flags.Config{LastGood: saved, Bootstrap: bootstrap}, "saved", flags.OriginLastGood},
		"and that is damaged: the bootstrap":  {down, flags.Config{LastGood: damaged, Bootstrap: bootstrap}, "embedded", flags.OriginBootstrap},
		"and there is none":                   {down, flags.Config{LastGood: damaged}, nil, flags.OriginNone},
		"the source's set is refused":         {serves(`{"flags": {}}`), flags.Config{Bootstrap: bootstrap}, "embedded", flags.OriginBootstrap},
		"an override is no set for all of it": {down, flags.Config{Override: flags.Static(on("other"))}, nil, flags.OriginNone},
		"what an override says about a flag":  {down, flags.Config{Bootstrap: bootstrap, Override: serves(on("new", `"metadata": {"from": "override"}`))}, "override", flags.OriginBootstrap},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := started(t, test.source, test.cfg)
			require.Equal(t, test.from, c.Metadata("new")["from"])
			require.Equal(t, test.origin, c.Report().Origin)
			if test.origin != flags.OriginSource {
				require.Error(t, c.Check(t.Context()))
			}
		})
	}
}

func TestABootstrapThatIsWrongDoesNotStart(t *testing.T) {
	err := flags.New(&store{err: errDown}, flags.Config{Bootstrap: []byte(`{"flags": {}}`)}).Start(t.Context())
	require.ErrorContains(t, err, "flags: start: bootstrap: refused: ")
}

// hung is a source that knows no context, like a file on a disk that is away.
type hung struct{ until chan struct{} }

func (h hung) Load(context.Context) (flags.Document, error) {
	<-h.until
	return flags.Document{JSON: []byte(on("late"))}, nil
}

func TestTheStartIsBoundedInTime(t *testing.T) {
	tests := map[string]struct {
		cfg  flags.Config
		wait time.Duration
		want time.Duration
	}{
		"5 s if nothing is said":       {want: 5 * time.Second},
		"as long as is said":           {cfg: flags.Config{StartTimeout: time.Second}, want: time.Second},
		"as long as the caller allows": {wait: 2 * time.Second, want: 2 * time.Second},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if test.wait > 0 {
					ctx, cancel = context.WithTimeout(ctx, test.wait)
					defer cancel()
				}
				source := hung{make(chan struct{})}
				defer close(source.until)
				began := time.Now()
				require.NoError(t, flags.New(source, test.cfg).Start(ctx))
				require.Equal(t, test.want, time.Since(began))
			})
		})
	}
}

func TestACallThatHangsIsNotMadeTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := hung{make(chan struct{})}
		c := started(t, source, flags.Config{})
		stop := runs(t, c)
		time.Sleep(time.Hour)
		require.ErrorContains(t, c.Report().Err, "an earlier call has not returned")
		close(source.until)
		time.Sleep(time.Minute)
		require.NoError(t, c.Check(t.Context()))
		stop()
	})
}

func TestASourceThatPanicsIsAnError(t *testing.T) {
	c := started(t, panics{}, flags.Config{})
	require.ErrorContains(t, c.Report().Err, "flags: load source: panic: no luck")
}

type panics struct{}

func (panics) Load(context.Context) (flags.Document, error) { panic("no luck") }

func TestAStartThatItsCallerGivesUpIsLoggedAndSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		said := &diary{}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		source := hung{make(chan struct{})}
		defer close(source.until)
		c := flags.New(source, flags.Config{Logger: slogOf(said)})
		require.NoError(t, c.Start(ctx))
		require.ErrorContains(t, c.Check(t.Context()), "context deadline exceeded")
		require.Len(t, said.all(), 1)
	})
}

// Otherwise it is found on the day on which it is needed.
func TestABootstrapThatIsWrongIsFoundWhileTheSourceIsUp(t *testing.T) {
	err := flags.New(serves(on("new")), flags.Config{Bootstrap: []byte(`{"flags": {}}`)}).Start(t.Context())
	require.ErrorContains(t, err, "flags: start: bootstrap: refused: ")
}
