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

// healthCheck sleeps for half a second after a pool has closed a connection.
const healthCheck = "github.com/jackc/pgx/v5/pgxpool.(*Pool).triggerHealthCheck.func1"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction(healthCheck)) }

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
		"nothing":             {nil, "without one nothing is written"},
		"a fill with a stage": {[]string{"-table", "t", "-new", "b", "-fill", "1", "-stage", "old"}, "leave out -old, -up, -down and -stage"},
		"a fill of nothing":   {[]string{"-table", "t", "-fill", "1"}, "Column: it is empty"},
		"no stage":            {[]string{"-table", "t", "-old", "a", "-new", "b"}, "give old, dual-write, read-new, new"},
		"no columns":          {[]string{"-table", "t", "-stage", "old"}, "Old and New have to name a column"},
		"no such thing":       {[]string{"-table", "t", "-old", "a", "-new", "b", "-stage", "old", "-do", "magic"}, "-do magic is none"},
		"a word too many":     {[]string{"-table", "t", "-old", "a", "-new", "b", "-stage", "old", "then"}, `"then" is no flag`},
		"an unknown flag":     {[]string{"-force"}, "flag provided but not defined"},
		"no address at all":   {[]string{"-table", "t", "-old", "a", "-new", "b", "-stage", "old", "-database", "postgres://h:x/"}, "-database"},
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

func execute(t *testing.T, url, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(t.Context())) }()
	_, err = conn.Exec(t.Context(), sql)
	require.NoError(t, err)
}

func TestItFillsAnAddedColumn(t *testing.T) {
	url := pg.Database(t)
	execute(t, url, `CREATE TABLE users (id int PRIMARY KEY, country text, plan text);
		INSERT INTO users SELECT i, 'DE' FROM generate_series(1, 100) i; UPDATE users SET country = NULL WHERE id = 13`)
	args := func(more ...string) []string {
		return append([]string{"-database", url, "-table", "users", "-new", "plan", "-fill", "lower(country)"}, more...)
	}
	code, out, errs := told(t.Context(), args("-dry-run")...)
	require.Zero(t, code, errs)
	require.Contains(t, out, `-- "plan" is written where it is NULL`)
	code, out, errs = told(t.Context(), args()...)
	require.Zero(t, code, errs)
	require.Contains(t, out, "100 of 100 rows, 99 changed")
	code, out, errs = told(t.Context(), args("-do", "verify")...)
	require.Equal(t, exitFailed, code)
	require.Contains(t, out, "100 rows, 1 mismatches; 20")
	require.Contains(t, errs, "rows that differ, among them id = 13")
}

func TestItFillsAColumn(t *testing.T) {
	url := pg.Database(t)
	execute(t, url, `CREATE TABLE users (id int, at date, full_name text, first text, last text, PRIMARY KEY (at, id));
		INSERT INTO users SELECT i, '2001-02-03', 'Ada Lovelace' FROM generate_series(1, 100) i`)
	args := func(more ...string) []string {
		return append([]string{
			"-database", url, "-table", "users", "-key", "at, id", "-old", "full_name", "-new", "first,last", "-stage", "DUAL_WRITE",
			"-up", "split_part(full_name, ' ', 1)", "-up", "split_part(full_name, ' ', 2)", "-down", "concat_ws(' ', first, last)",
		}, more...)
	}
	code, out, _ := told(t.Context(), args("-dry-run")...)
	require.Zero(t, code)
	require.Contains(t, out, `-- "first", "last" is written at stage dual-write`)
	require.Regexp(t, `-- takes from \d+ms to \d+ms, or longer on a busy server: nobody has measured it here`, out)
	require.Contains(t, out, "-- may grow to about twice its size, 0 MB: each row that is changed leaves a dead one")
	_, slowly, _ := told(t.Context(), args("-dry-run", "-rate", "1", "-vacuum", "50")...)
	require.Contains(t, slowly, "-- takes about ")
	require.Contains(t, slowly, ": no more than 1 rows a second")
	require.Contains(t, slowly, "-- vacuumed after each 50 rows that are changed")
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
	_, out, _ = told(t.Context(), args("-dry-run")...)
	require.Regexp(t, `-- takes about \d+m?s: the last run has done \d+ rows a second`, out)
	code, _, errs = told(t.Context(), args("-do", "pause")...)
	require.Equal(t, exitFailed, code)
	require.Contains(t, errs, "there is no run under way")
}
