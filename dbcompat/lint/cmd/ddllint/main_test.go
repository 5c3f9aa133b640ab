package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const drop = "SET lock_timeout = '1s';\nALTER TABLE t DROP c;\n"

func ddllint(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

func file(t *testing.T, path, text string) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	return path
}

func TestExitStatus(t *testing.T) {
	dir := t.TempDir()
	good := file(t, filepath.Join(dir, "good.sql"), "SELECT 1;")
	bad := file(t, filepath.Join(dir, "bad.sql"), drop)
	tests := map[string]struct {
		args  []string
		stdin string
		code  int
		says  string // on one of the two
	}{
		"nothing is found":              {args: []string{good}, code: 0},
		"something is found":            {args: []string{good, bad}, code: 1, says: bad + ":2:1: drop-column: "},
		"a directory":                   {args: []string{dir}, code: 1, says: "bad.sql:2:1: drop-column: "},
		"the standard input":            {args: []string{"-"}, stdin: drop, code: 1, says: "-:2:1: drop-column: "},
		"with the plan":                 {args: []string{"-plan", "-"}, stdin: drop, code: 1, says: "\n    ALTER TABLE t DROP COLUMN c;\n"},
		"a rule is skipped":             {args: []string{"-skip", "drop-column,drop-table", bad}, code: 0},
		"a rule that is not":            {args: []string{"-skip", "drop-colunm", bad}, code: 2, says: "there is no such rule"},
		"the list of rules":             {args: []string{"-rules"}, code: 0, says: "drop-column: "},
		"help":                          {args: []string{"-h"}, code: 0, says: "usage: ddllint"},
		"no file":                       {code: 2, says: "no file"},
		"a file that is not there":      {args: []string{filepath.Join(dir, "none.sql")}, code: 2, says: "no such file"},
		"a flag that is not there":      {args: []string{"-nonsense"}, code: 2, says: "nonsense"},
		"a version that is none":        {args: []string{"-server", "x", bad}, code: 2, says: "such as 15 or 14.3"},
		"a transaction that is none":    {args: []string{"-transaction", "x", bad}, code: 2, says: "auto, file or statement"},
		"a version with a fault":        {args: []string{"-server", "14.3", "-"}, stdin: "CREATE INDEX CONCURRENTLY i ON t (a)", code: 1, says: "index-corruption-14"},
		"a transaction for each file":   {args: []string{"-transaction", "file", "-"}, stdin: "CREATE INDEX CONCURRENTLY i ON t (a)", code: 1, says: "concurrently-in-transaction"},
		"since, of the standard input":  {args: []string{"-since", "HEAD", "-"}, code: 2, says: "do not go together"},
		"since, where there is no git":  {args: []string{"-since", "HEAD", dir}, code: 2, says: "no such revision"},
		"since, with an option for git": {args: []string{"-since", "--output=x", dir}, code: 2, says: "no such revision"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := ddllint(t, tt.stdin, tt.args...)
			require.Equal(t, tt.code, code, stderr)
			require.Contains(t, stdout+stderr, tt.says)
			require.Equal(t, tt.code == 2, strings.HasPrefix(stderr, "ddllint: ") || strings.HasPrefix(stderr, "flag "))
		})
	}
}

func TestJSON(t *testing.T) {
	code, stdout, _ := ddllint(t, drop, "-json", "-")
	require.Equal(t, 1, code)
	var findings []map[string]any
	require.NoError(t, json.Unmarshal([]byte(stdout), &findings))
	require.Len(t, findings, 1)
	require.Equal(t, "drop-column", findings[0]["rule"])
	require.InDelta(t, 2, findings[0]["line"], 0)

	code, stdout, _ = ddllint(t, "", "-json", "-")
	require.Equal(t, 0, code)
	require.Equal(t, "[]\n", stdout, "an array, also if it is empty")
}

func TestSinceLooksAtNewFilesOnly(t *testing.T) {
	dir := t.TempDir()
	git := func(args ...string) {
		out, err := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir, "-c", "user.name=x", "-c", "user.email=x@x"}, args...)...).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	git("init", "-q")
	changed := file(t, filepath.Join(dir, "db", "1_old.sql"), drop)
	file(t, filepath.Join(dir, "db", "2_moves.sql"), "SELECT 'moves'; -- a line that makes it look alike\n")
	git("add", ".")
	git("commit", "-q", "-m", "one")

	file(t, changed, drop+"SELECT 1;\n")
	git("mv", "db/2_moves.sql", "db/3_moved.sql")
	file(t, filepath.Join(dir, "db", "4 committed.sql"), drop)
	file(t, filepath.Join(dir, "other", "5_elsewhere.sql"), drop)
	git("add", ".")
	git("commit", "-q", "-m", "two")
	file(t, filepath.Join(dir, "db", "6_not_added.sql"), drop)
	file(t, filepath.Join(dir, "db", "7_no.txt"), drop)

	_, stdout, stderr := ddllint(t, "", "-since", "HEAD~1", filepath.Join(dir, "db"))
	require.Empty(t, stderr)
	var names []string
	for line := range strings.Lines(stdout) {
		name, _, _ := strings.Cut(line, ":")
		names = append(names, filepath.Base(name))
	}
	require.Equal(t, []string{"4 committed.sql", "6_not_added.sql"}, names)

	code, _, _ := ddllint(t, "", "-since", "HEAD~1", changed)
	require.Equal(t, 0, code, "a file by name that is not new")
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestAResultThatIsCutIsNone(t *testing.T) {
	var stderr bytes.Buffer
	require.Equal(t, 2, run(t.Context(), []string{"-"}, strings.NewReader(drop), full{}, &stderr))
	require.Contains(t, stderr.String(), "no space left")
}
