package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestACommandThatIsWrong(t *testing.T) {
	change := func(args ...string) []string { return append(args, "-change", "users-name") }
	tests := map[string]struct {
		args []string
		want string
	}{
		"nothing":                    {nil, "the command is missing"},
		"flags alone":                {change("-json"), "the command is missing"},
		"no such command":            {change("promote"), `"promote" is no command: give advance, backfill, contract`},
		"no name":                    {[]string{"status"}, "give -change with a name"},
		"a name of spaces":           {[]string{"status", "-change", " "}, "give -change with a name"},
		"no such stage":              {change("advance", "dual"), `"dual" is none: give old, dual-write, read-new, new`},
		"two stages":                 {change("advance", "old", "new"), `it takes [STAGE], and not ["old" "new"]`},
		"a word too many":            {change("status", "now"), `it takes nothing, and not ["now"]`},
		"a flag of another command":  {change("status", "-wait"), "status: it takes no -wait"},
		"a flag that nobody has":     {change("advance", "-force"), "flag provided but not defined"},
		"a contract without a verb":  {change("contract"), "it takes hide|show|drop"},
		"a contract of another verb": {change("contract", "remove"), `"remove" is none: give hide, show, drop`},
		"no such kind":               {change("declare", "job", "x"), `"job" is none: give writer, reader`},
		"a kind without a name":      {change("declare", "writer"), `it takes writer|reader NAME, and not ["writer"]`},
		"an order that is none":      {change("backfill", "stop"), `"stop" is none: give pause, resume, cancel`},
		"no columns":                 {change("create"), "Old and New have to name a column"},
		"a column and itself":        {change("create", "-table", "t", "-old", "a", "-new", "a"), `"a" is there twice`},
		"a negative time":            {change("wait", "-timeout", "-1s"), "more than nothing"},
		"no events":                  {change("events", "-n", "0"), "more than nothing"},
		"all at once":                {[]string{"status", "now", "-wait"}, "status: it takes no -wait\nhandover-change: status: it takes nothing, and not [\"now\"]\nhandover-change: status: give -change"},
		"no address at all":          {change("status", "-database", "postgres://h:x/"), "-database: cannot parse"},
	}
	for what, tt := range tests {
		t.Run(what, func(t *testing.T) {
			code, out, errs := told(t.Context(), tt.args...)
			require.Equal(t, exitWrong, code)
			require.Contains(t, errs, tt.want)
			require.Empty(t, out)
		})
	}
}

func TestHelpIsNoMistake(t *testing.T) {
	code, _, errs := told(t.Context(), "-h")
	require.Zero(t, code)
	require.Contains(t, errs, "  contract hide|show|drop\n")
	require.Contains(t, errs, "-wait")
}

func TestNoDatabase(t *testing.T) {
	const nobody = "postgres://nobody@127.0.0.1:1/none"
	code, out, errs := ran(t, nobody, "status", "-change", "users-name")
	require.Equal(t, exitWrong, code)
	require.Contains(t, errs, "handover-change: no database: ")
	require.Empty(t, out)

	code, out, _ = ran(t, nobody, "status", "-change", "users-name", "-json")
	require.Equal(t, exitWrong, code)
	require.Contains(t, out, `"error": "handover-change: no database: `)

	to := t.TempDir()
	code, out, errs = ran(t, nobody, "export", to)
	require.Zero(t, code, errs)
	require.Equal(t, "the files are in "+to+"\n", out)
}

func TestNothingIsThere(t *testing.T) {
	url := pg.Database(t)
	code, _, errs := told(t.Context(), "status", "-change", "users-name", "-database", url)
	require.Equal(t, exitWrong, code)
	require.Contains(t, errs, "the tables are not there")
	code, out, errs := told(t.Context(), "migrate", "-database", url)
	require.Zero(t, code, errs)
	require.Equal(t, "the tables are up to date\n", out)
	for _, args := range [][]string{{"status"}, {"plan"}, {"instances"}, {"advance"}, {"rollback", "old"}, {"backfill"}, {"verify"}, {"wait"}, {"contract", "hide"}} {
		code, _, errs = told(t.Context(), append(args, "-change", "users-name", "-database", url)...)
		require.Equal(t, exitWrong, code, args)
		require.Contains(t, errs, "there is no such change", args)
	}
	code, out, errs = told(t.Context(), "events", "-json", "-change", "users-name", "-database", url)
	require.Zero(t, code, errs)
	require.Equal(t, "[]\n", out)
}
