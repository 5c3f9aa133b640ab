// Command ddllint looks at schema changes: see package lint.
//
//	cd dbcompat/lint && go run ./cmd/ddllint ../../migrations/*.sql
//	go run -C dbcompat/lint ./cmd/ddllint "$PWD"/migrations     # a directory: its *.sql
//	ddllint -since origin/main migrations                        # what is new there
//	ddllint -plan - < change.sql                                 # with the safe SQL
//
// It exits with 0 if nothing is found, with 1 if something is, and with 2 if it
// could not look.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"

	"github.com/handover-go/handover/dbcompat/lint"
)

const found, failed = 1, 2

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

type options struct {
	json, plan, rules bool
	since             string
	config            lint.Config
	paths             []string
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, "ddllint:", err)
		return failed
	}
	out := bufio.NewWriter(stdout)
	if o.rules {
		for _, r := range lint.Rules() {
			fmt.Fprintf(out, "%s: %s\n", r.Name, r.Remedy)
		}
		return flush(out, stderr, 0)
	}
	findings, err := look(ctx, o, stdin)
	if err != nil {
		fmt.Fprintln(stderr, "ddllint:", err)
		return failed
	}
	write(out, findings, o)
	if len(findings) > 0 {
		return flush(out, stderr, found)
	}
	return flush(out, stderr, 0)
}

// flush reports a full disk or a closed pipe: a result that is cut is none.
func flush(out *bufio.Writer, stderr io.Writer, code int) int {
	if err := out.Flush(); err != nil {
		fmt.Fprintln(stderr, "ddllint: write:", err)
		return failed
	}
	return code
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	var server, tx, skip string
	flags := flag.NewFlagSet("ddllint", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: ddllint [flags] FILE|DIRECTORY|- ...")
		flags.PrintDefaults()
	}
	flags.BoolVar(&o.json, "json", false, "print the findings as one JSON array")
	flags.BoolVar(&o.plan, "plan", false, "print the safe SQL for review below each finding")
	flags.BoolVar(&o.rules, "rules", false, "print the rules and their remedies")
	flags.BoolVar(&o.config.Style, "style", false, "look for matters of taste as well")
	flags.StringVar(&o.since, "since", "", "look only at files that are new since this `revision` of git")
	flags.StringVar(&server, "server", "15", "the server's `version`, such as 15 or 14.3")
	flags.StringVar(&tx, "transaction", "auto", "what a file runs in: auto, file or statement")
	flags.StringVar(&skip, "skip", "", "comma-separated `rules` that are not asked")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	var errs []error
	var err error
	if o.config.Server, err = version(server); err != nil {
		errs = append(errs, err)
	}
	if o.config.Transaction, err = transaction(tx); err != nil {
		errs = append(errs, err)
	}
	if skip != "" {
		o.config.Skip = strings.Split(skip, ",")
	}
	o.paths = flags.Args()
	switch {
	case len(o.paths) == 0 && o.since != "":
		o.paths = []string{"."}
	case len(o.paths) == 0 && !o.rules:
		errs = append(errs, errors.New("no file: name one, a directory, or - for the standard input"))
	}
	return o, errors.Join(errs...)
}

// version turns 15 and 14.3 into server_version_num.
func version(s string) (int, error) {
	major, minor, _ := strings.Cut(s, ".")
	a, errA := strconv.Atoi(major)
	b, errB := strconv.Atoi("0" + minor)
	if errA != nil || errB != nil || a < 10 || a > 99 || b > 99 {
		return 0, fmt.Errorf("-server %s: give a version such as 15 or 14.3", s)
	}
	return a*10000 + b, nil
}

func transaction(s string) (lint.Transaction, error) {
	switch s {
	case "auto":
		return lint.Auto, nil
	case "file":
		return lint.PerFile, nil
	case "statement":
		return lint.PerStatement, nil
	}
	return 0, fmt.Errorf("-transaction %s: give auto, file or statement", s)
}

func write(out io.Writer, findings []lint.Finding, o options) {
	if o.json {
		if findings == nil {
			findings = []lint.Finding{}
		}
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		_ = encoder.Encode(findings) // strings and numbers; the writer keeps its own error
		return
	}
	for _, f := range findings {
		fmt.Fprintln(out, f)
		if o.plan && f.Plan != "" {
			for line := range strings.Lines(f.Plan) {
				fmt.Fprint(out, "    ", line)
			}
			fmt.Fprintln(out)
		}
	}
}
