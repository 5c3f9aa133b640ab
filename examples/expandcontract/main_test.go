package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/internal/pgtest"
)

// healthCheck sleeps for half a second after a pool has closed a connection.
const healthCheck = "github.com/jackc/pgx/v5/pgxpool.(*Pool).triggerHealthCheck.func1"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction(healthCheck)) }

var pg = pgtest.New(pgtest.Config{})

func TestTheWalkLosesNothing(t *testing.T) {
	pg.Database(t) // skips the test if there is no PostgreSQL
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{"-rows", "5000", "-quick", "-json"}, &out, &errs)
	require.Equal(t, exitClean, code, "%s%s", &out, &errs)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var r map[string]float64
	require.NoError(t, json.Unmarshal([]byte(lines[len(lines)-1]), &r))
	for _, zero := range []string{"errors", "stale_reads", "lost_writes", "mismatches"} {
		require.Contains(t, r, zero)
		require.Zero(t, r[zero], zero)
	}
	require.EqualValues(t, 9, r["stages"])
	require.Greater(t, r["rows"], 5000.0, "some were inserted")
	require.Greater(t, r["reads"], 100.0)
	require.Greater(t, r["writes"], 100.0)
	require.Greater(t, r["filled"], 4000.0)
	for _, said := range []string{"all instances at old", "verified at read-new: 0 mismatches", "name is dropped"} {
		require.Contains(t, out.String(), said)
	}
}

// What the walk is for, and that the ledger finds what is lost.
func TestTheRecklessLoseSomething(t *testing.T) {
	url := pg.Database(t)
	o, err := parse([]string{"-rows", "1000", "-rate", "1000", "-quick", "-reckless"}, io.Discard)
	require.NoError(t, err)
	o.hold = time.Second
	var out bytes.Buffer
	r, err := experiment(t.Context(), url, o, &out)
	require.NoError(t, err, &out)
	require.Positive(t, r.StaleReads+r.Errors+r.LostWrites, "%+v", r)
	require.True(t, r.lost())
}

func TestLedger(t *testing.T) {
	l := newLedger(1, 1)
	row, n, isNew := l.next(false)
	require.Equal(t, []any{int64(0), int64(2), false}, []any{row, n, isNew})
	require.False(t, l.stale(0, name(0, 1), 1), "it is being written")
	require.False(t, l.stale(0, name(0, 2), 1), "it has been written, and not been acknowledged")
	l.done(0, 2, nil)
	require.True(t, l.stale(0, name(0, 1), 2), "an older value than was acknowledged")
	require.True(t, l.stale(0, name(0, 3), 2), "one that nobody has written")
	require.True(t, l.stale(0, name(1, 2), 2), "that of another row")
	require.True(t, l.stale(0, "nobody", 0))

	row, n, isNew = l.next(true)
	require.Equal(t, []any{int64(1), int64(1), true}, []any{row, n, isNew})
	l.done(1, 1, io.EOF)
	row, _, isNew = l.next(true)
	require.Equal(t, []any{int64(0), false}, []any{row, isNew}, "full, and the second row is not there")
}

func TestCtrlC(t *testing.T) {
	pg.Database(t)
	ctx, cancel := context.WithCancel(t.Context())
	said := func(text []byte) (int, error) {
		if bytes.Contains(text, []byte("dual-write")) {
			cancel()
		}
		return len(text), nil
	}
	var errs bytes.Buffer
	require.Equal(t, exitInterrupted, run(ctx, []string{"-rows", "1000", "-quick"}, writer(said), &errs))
	require.Equal(t, "expandcontract: interrupted; the server and its data are gone\n", errs.String())
}

type writer func([]byte) (int, error)

func (w writer) Write(text []byte) (int, error) { return w(text) }

func TestWithoutPostgreSQL(t *testing.T) {
	t.Setenv("PGBIN", t.TempDir())
	var out, errs bytes.Buffer
	require.Equal(t, exitWrongInput, run(t.Context(), nil, &out, &errs))
	require.Empty(t, out.String())
	require.Equal(t, "expandcontract: "+pgtest.ErrNotInstalled.Error()+"\n", errs.String())
}

func TestWrongInput(t *testing.T) {
	tests := map[string]struct {
		args []string
		exit int
		want string
	}{
		"help":              {[]string{"-help"}, exitClean, "Usage of expandcontract"},
		"a flag that is no": {[]string{"-fast"}, exitWrongInput, "not defined: -fast"},
		"an argument":       {[]string{"users"}, exitWrongInput, `unexpected argument "users"`},
		"no rows":           {[]string{"-rows", "0"}, exitWrongInput, "-rows is 0: give 1 to"},
		"no load":           {[]string{"-rate", "-1"}, exitWrongInput, "-rate is -1: give 1 to"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			require.Equal(t, test.exit, run(t.Context(), test.args, &out, &errs))
			require.Contains(t, errs.String(), test.want)
			require.Empty(t, out.String())
		})
	}
}

func TestQuantile(t *testing.T) {
	require.Zero(t, quantile(nil, 0.5))
	require.InDelta(t, 2, quantile([]time.Duration{3 * time.Millisecond, time.Millisecond, 2 * time.Millisecond}, 0.5), 0.001)
}
