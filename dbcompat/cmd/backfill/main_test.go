package main

import (
	"bytes"
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/internal/pgtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var pg = pgtest.New(pgtest.Config{})

// told is what the command prints, and its exit status.
func told(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(ctx, args, &out, &errs)
	return code, out.String(), errs.String()
}

func TestACommandThatIsWrong(t *testing.T) {
	tests := map[string]struct {
		args []string
		want string
	}{
		"nothing":           {nil, "without one nothing is written"},
		"no stage":          {[]string{"-table", "t", "-old", "a", "-new", "b"}, "give old, dual-write, read-new, new"},
		"no columns":        {[]string{"-table", "t", "-stage", "old"}, "Old and New have to name a column"},
		"no such thing":     {[]string{"-table", "t", "-old", "a", "-new", "b", "-stage", "old", "-do", "magic"}, "-do magic is none"},
		"a word too many":   {[]string{"-table", "t", "-old", "a", "-new", "b", "-stage", "old", "then"}, `"then" is no flag`},
		"an unknown flag":   {[]string{"-force"}, "flag provided but not defined"},
		"no address at all": {[]string{"-table", "t", "-old", "a", "-new", "b", "-stage", "old", "-database", "postgres://h:x/"}, "-database"},
	}
	for what, tt := range tests {
		t.Run(what, func(t *testing.T) {
			code, out, errs := told(t.Context(), tt.args...)
			require.Equal(t, exitUsage, code)
			require.Contains(t, errs, tt.want)
			require.Empty(t, out)
		})
	}
}

func TestHelpIsNoMistake(t *testing.T) {
	code, _, errs := told(t.Context(), "-h")
	require.Zero(t, code)
	require.Contains(t, errs, "-dry-run")
}

func TestItFillsAColumn(t *testing.T) {
	url := pg.Database(t)
	execute := func(sql string) {
		conn, err := pgx.Connect(t.Context(), url)
		require.NoError(t, err)
		defer func() { require.NoError(t, conn.Close(t.Context())) }()
		_, err = conn.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	execute(`CREATE TABLE users (id int, at date, full_name text, first text, last text, PRIMARY KEY (at, id));
		INSERT INTO users SELECT i, '2001-02-03', 'Ada Lovelace' FROM generate_series(1, 100) i`)
	args := func(more ...string) []string {
		return append([]string{
			"-database", url, "-table", "users", "-key", "at, id", "-old", "full_name", "-new", "first,last", "-stage", "DUAL_WRITE",
			"-up", "split_part(full_name, ' ', 1)", "-up", "split_part(full_name, ' ', 2)", "-down", "concat_ws(' ', first, last)",
		}, more...)
	}
	code, out, _ := told(t.Context(), args("-dry-run")...)
	require.Zero(t, code)
	require.Contains(t, out, `-- stage dual-write: "first", "last" is written`)
	require.Contains(t, out, `UPDATE "users" SET "first" = (split_part("full_name", ' ', 1)), "last" = `)
	_, out, _ = told(t.Context(), args("-do", "status")...)
	require.Contains(t, out, "none", "the dry run has begun nothing")

	code, _, errs := told(t.Context(), args("-do", "verify")...)
	require.Equal(t, exitFailed, code)
	require.Contains(t, errs, "rows that differ, among them at = 2001-02-03, id = 1;")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	code, _, errs = told(ctx, args()...)
	require.Equal(t, exitInterrupted, code)
	require.Contains(t, errs, "the same command goes on from here")

	code, out, errs = told(t.Context(), args("-batch", "30")...)
	require.Zero(t, code, errs)
	require.Contains(t, out, "[##############################] 100.0 %  done  100 of 100 rows, 100 changed")
	code, out, _ = told(t.Context(), args("-do", "verify")...)
	require.Zero(t, code)
	require.Contains(t, out, "100 rows, 0 mismatches; stage dual-write, ")
	code, _, errs = told(t.Context(), args("-do", "pause")...)
	require.Equal(t, exitFailed, code)
	require.Contains(t, errs, "there is no run under way")
}
