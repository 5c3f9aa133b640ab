package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/handover-go/handover/flags/internal/lint"
)

// The exit status, as of grep and other linters.
const (
	clean = iota
	mistaken
	failed
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// run is main, and returns the exit status.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	set := flag.NewFlagSet("flaglint", flag.ContinueOnError)
	set.SetOutput(stderr)
	strict := set.Bool("strict", false, "warnings count as mistakes")
	asJSON := set.Bool("json", false, "write an object a line")
	set.Usage = func() {
		fmt.Fprintln(set.Output(), "usage: flaglint [-strict] [-json] FILE…\n\nFILE is a set of flag definitions, or - for the standard input.")
		set.PrintDefaults()
		fmt.Fprintln(set.Output(), "\nThese are warned of:")
		for _, rule := range lint.Rules() {
			fmt.Fprintf(set.Output(), "  %s\n    \t%s\n", rule.Name, rule.Why)
		}
	}
	switch err := set.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return clean
	case err != nil:
		return failed
	case set.NArg() == 0:
		fmt.Fprintln(stderr, "flaglint: no file: name one, or - for the standard input")
		set.Usage()
		return failed
	}
	out := bufio.NewWriter(stdout)
	status := clean
	for _, name := range set.Args() {
		status = max(status, file(name, stdin, printer{out, *asJSON}, stderr, *strict))
	}
	if err := out.Flush(); err != nil {
		fmt.Fprintf(stderr, "flaglint: write: %v\n", err)
		return failed
	}
	return status
}

// file reads one and prints what there is to say of it.
func file(name string, stdin io.Reader, out printer, stderr io.Writer, strict bool) int {
	document, err := read(name, stdin)
	if err != nil {
		fmt.Fprintf(stderr, "flaglint: %v\n", err) // it names the file
		return failed
	}
	status := clean
	for _, finding := range lint.Document(document, time.Now()) {
		out.print(name, finding)
		if strict || finding.Rule == "" {
			status = mistaken
		}
	}
	return status
}

// limit is one byte more than a document may have, so that a file of gigabytes is a
// mistake and not an end of the memory.
const limit = 16<<20 + 1

func read(name string, stdin io.Reader) ([]byte, error) {
	if name == "-" {
		document, err := io.ReadAll(io.LimitReader(stdin, limit))
		if err != nil {
			return nil, fmt.Errorf("read -: %w", err)
		}
		return document, nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	return io.ReadAll(io.LimitReader(file, limit))
}
