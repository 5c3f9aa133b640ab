package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	flaglint "github.com/handover-go/handover/flags/cmd/flaglint"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// TestMain is the command itself if a test says so.
func TestMain(m *testing.M) {
	if os.Getenv("FLAGLINT_MAIN") != "" {
		os.Exit(flaglint.Run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	goleak.VerifyTestMain(m)
}

const (
	good    = `{"flags": {"a": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off"}}}`
	wrong   = `{"flags": {"a": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "onn"}}}`
	dubious = `{"flags": {"a": {"state": "ENABLED", "variants": {"on": true, "off": false}}}}`
)

// files are those that the tests name, in the working directory.
func files(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, content := range map[string]string{
		"good.json": good, "wrong.json": wrong, "dubious.json": dubious, "empty.json": "",
		"binary": "\x7fELF\x02\x01\x01\x00\xff",
	} {
		require.NoError(t, os.WriteFile(name, []byte(content), 0o600))
	}
	require.NoError(t, os.Mkdir("dir", 0o700))
	huge, err := os.Create("huge.json")
	require.NoError(t, err)
	require.NoError(t, huge.Truncate(1<<40)) // nothing of it is on the disk
	require.NoError(t, huge.Close())
}

func TestRun(t *testing.T) {
	const (
		mistake = `wrong.json:1:96: flags.a.defaultVariant: names no variant "onn"; instead: "on"` + "\n"
		warning = `dubious.json:1:17: warning: flags.a: no defaultVariant: who is not taken by a rule gets the default of the program's own; instead: the safe variant (default-missing)` + "\n"
	)
	tests := map[string]struct {
		args   []string
		stdin  string
		status int
		out    string
		err    string // the beginning
	}{
		"nothing to say":                 {args: []string{"good.json"}},
		"a mistake":                      {args: []string{"wrong.json"}, status: 1, out: mistake},
		"a warning":                      {args: []string{"dubious.json"}, out: warning},
		"a warning, strictly":            {args: []string{"-strict", "dubious.json"}, status: 1, out: warning},
		"all files":                      {args: []string{"wrong.json", "good.json", "dubious.json"}, status: 1, out: mistake + warning},
		"the standard input":             {args: []string{"-"}, stdin: wrong, status: 1, out: strings.Replace(mistake, "wrong.json", "-", 1)},
		"the standard input, twice":      {args: []string{"-", "-"}, stdin: good, status: 1, out: "-:1:1: is empty; instead: {\"flags\": …}\n"},
		"an empty file":                  {args: []string{"empty.json"}, status: 1, out: "empty.json:1:1: is empty; instead: {\"flags\": …}\n"},
		"binary garbage":                 {args: []string{"binary"}, status: 1, out: "binary:1:1: '\\x7f' begins no value\n"},
		"a huge file":                    {args: []string{"huge.json"}, status: 1, out: "huge.json:1:1: 16777217 bytes are too many; instead: at most 16777216 (16 MiB)\n"},
		"a file that is not there":       {args: []string{"none.json"}, status: 2, err: "flaglint: open none.json: no such file or directory\n"},
		"a directory":                    {args: []string{"dir"}, status: 2, err: "flaglint: read dir: is a directory\n"},
		"others are read all the same":   {args: []string{"none.json", "wrong.json"}, status: 2, out: mistake, err: "flaglint: open none.json: "},
		"no file":                        {status: 2, err: "flaglint: no file: name one, or - for the standard input\nusage: flaglint [-strict] [-json] FILE…\n"},
		"an option that there is not":    {args: []string{"-fix", "good.json"}, status: 2, err: "flag provided but not defined: -fix\nusage: "},
		"an option after a file is none": {args: []string{"good.json", "-strict"}, status: 2, err: "flaglint: open -strict: no such file or directory\n"},
		"help":                           {args: []string{"-h"}, err: "usage: flaglint [-strict] [-json] FILE…\n"},
	}
	files(t)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var out, err bytes.Buffer
			status := flaglint.Run(test.args, strings.NewReader(test.stdin), &out, &err)
			require.Equal(t, test.out, out.String())
			require.True(t, strings.HasPrefix(err.String(), test.err), err.String())
			if test.err == "" {
				require.Empty(t, err.String())
			}
			require.Equal(t, test.status, status)
		})
	}
}

func TestTheHelpNamesEachRule(t *testing.T) {
	var out, err bytes.Buffer
	require.Equal(t, 0, flaglint.Run([]string{"-help"}, nil, &out, &err))
	for _, name := range []string{"bucketing-unnamed", "default-opened", "unused-evaluator"} {
		require.Contains(t, err.String(), "\n  "+name+"\n")
	}
}

func TestObjects(t *testing.T) {
	files(t)
	var out, err bytes.Buffer
	require.Equal(t, 1, flaglint.Run([]string{"-json", "wrong.json", "dubious.json"}, nil, &out, &err))
	var all []map[string]any
	for decoder := json.NewDecoder(&out); decoder.More(); {
		var one map[string]any
		require.NoError(t, decoder.Decode(&one))
		all = append(all, one)
	}
	require.Equal(t, []map[string]any{
		{
			"file": "wrong.json", "line": 1.0, "column": 96.0, "path": "flags.a.defaultVariant",
			"problem": `names no variant "onn"`, "instead": `"on"`,
		},
		{
			"file": "dubious.json", "line": 1.0, "column": 17.0, "path": "flags.a", "instead": "the safe variant", "rule": "default-missing",
			"problem": "no defaultVariant: who is not taken by a rule gets the default of the program's own",
		},
	}, all)
}

func TestWhatCannotBeReadOrWritten(t *testing.T) {
	files(t)
	var out, err bytes.Buffer
	require.Equal(t, 2, flaglint.Run([]string{"-"}, iotest.ErrReader(errors.New("torn")), &out, &err))
	require.Equal(t, "flaglint: read -: torn\n", err.String())

	err.Reset()
	require.Equal(t, 2, flaglint.Run([]string{"wrong.json"}, nil, full{}, &err))
	require.Equal(t, "flaglint: write: no space left on device\n", err.String())
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// process is the command as a process of its own.
func process(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), "FLAGLINT_MAIN=yes")
	return cmd
}

func TestAProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wrong.json")
	require.NoError(t, os.WriteFile(path, []byte(wrong), 0o600))
	cmd := process(t, path, "-")
	cmd.Stdin = strings.NewReader(good)
	out, err := cmd.Output()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, 1, exit.ExitCode())
	require.Equal(t, path+":1:96: flags.a.defaultVariant: names no variant \"onn\"; instead: \"on\"\n", string(out))
}

// An interrupt ends it at once, though it waits for somebody to write: nothing catches it.
func TestAnInterrupt(t *testing.T) {
	cmd := process(t, "-strict", "no such file", "-")
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	begun := make([]byte, 1)
	_, err = io.ReadFull(stderr, begun) // it has complained of the first file
	require.NoError(t, err)
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	var exit *exec.ExitError
	require.ErrorAs(t, cmd.Wait(), &exit)
	status, ok := exit.Sys().(syscall.WaitStatus)
	require.True(t, ok)
	require.Equal(t, os.Interrupt, os.Signal(status.Signal()))
	_ = stdin.Close()
}
