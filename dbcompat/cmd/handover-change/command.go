package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/backfill"
	"github.com/handover-go/handover/dbcompat/change/walk"
	"github.com/handover-go/handover/dbcompat/cmd/internal/arguments"
)

// command is what the arguments say.
type command struct {
	verb     string
	args     []string
	to       dbcompat.Stage // of advance and rollback; 0 is the next one
	database string
	change   string
	json     bool
	wait     bool
	timeout  time.Duration
	n        int
	columns  dbcompat.Columns
	options  walk.Options
	config   walk.Config
	batches  backfill.Config
}

// A verb is one of the commands.
type verb struct {
	takes       string // its arguments
	least, most int    // of them
	words       []string
	flags       []string // besides those that all take
	offline     bool     // it needs no database
	nameless    bool     // it is about no change
	again       string   // what the same command does after an interruption
	do          func(context.Context, *session) (answer, error)
}

const (
	sameAgain = "what was made stays; the command status tells"
	goesOn    = "the same command goes on from here"
	restarts  = "the same command begins at the beginning"
)

func verbs() map[string]verb {
	moving := []string{"wait", "terminate", "accept"}
	return map[string]verb{
		"migrate":   {nameless: true, again: sameAgain, do: migrate},
		"export":    {takes: " DIRECTORY", least: 1, most: 1, nameless: true, offline: true, do: export},
		"create":    {flags: append(arguments.ColumnFlags(), "type", "fence"), again: sameAgain, do: create},
		"delete":    {again: sameAgain, do: remove},
		"status":    {again: restarts, do: status},
		"plan":      {flags: []string{"accept", "quiet"}, again: restarts, do: plan},
		"instances": {again: restarts, do: instances},
		"events":    {flags: []string{"n"}, again: restarts, do: events},
		"advance":   {takes: " [STAGE]", most: 1, flags: moving, again: sameAgain, do: advance},
		"rollback":  {takes: " [STAGE]", most: 1, flags: moving, again: sameAgain, do: rollback},
		"wait":      {flags: []string{"terminate"}, again: goesOn, do: wait},
		"backfill":  {takes: " [pause|resume|cancel]", most: 1, words: []string{"pause", "resume", "cancel"}, flags: arguments.BatchFlags(), again: goesOn, do: fill},
		"verify":    {flags: arguments.BatchFlags(), again: restarts, do: verify},
		"contract":  {takes: " hide|show|drop", least: 1, most: 1, words: []string{"hide", "show", "drop"}, flags: []string{"accept", "quiet"}, again: sameAgain, do: contract},
		"declare":   {takes: " writer|reader NAME", least: 2, most: 2, words: []string{"writer", "reader"}, again: sameAgain, do: declare},
		"withdraw":  {takes: " writer|reader NAME", least: 2, most: 2, words: []string{"writer", "reader"}, again: sameAgain, do: withdraw},
	}
}

// parse says on stderr what is wrong. Flags and words may stand in any order.
func parse(args []string, stderr io.Writer) (command, error) {
	var c command
	set := c.flags(stderr)
	for len(args) > 0 {
		if err := set.Parse(args); err != nil {
			return c, err
		}
		if set.NArg() == 0 {
			break
		}
		c.args, args = append(c.args, set.Arg(0)), set.Args()[1:]
	}
	err := c.check(set)
	if err != nil {
		fmt.Fprintln(stderr, err)
	}
	return c, err
}

func (c *command) flags(stderr io.Writer) *flag.FlagSet {
	set := flag.NewFlagSet("handover-change", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.Usage = func() {
		fmt.Fprint(stderr, "handover-change COMMAND -change NAME\n\nThe commands:\n")
		all := verbs()
		for _, name := range slices.Sorted(maps.Keys(all)) {
			fmt.Fprintf(stderr, "  %s%s\n", name, all[name].takes)
		}
		fmt.Fprint(stderr, "\nThe flags:\n")
		set.PrintDefaults()
	}
	set.StringVar(&c.database, "database", os.Getenv("DATABASE_URL"), "URL of the database")
	set.StringVar(&c.change, "change", "", "the name of the change")
	set.StringVar(&c.config.Schema, "schema", "", "where the tables are (default handover)")
	set.StringVar(&c.config.Actor, "actor", "", "who does it, for the events (default user, host and process)")
	set.DurationVar(&c.config.LockTimeout, "lock-timeout", 0, "how long anybody waits behind this command (default 200ms)")
	set.DurationVar(&c.timeout, "timeout", 0, "when to give up (default never)")
	set.BoolVar(&c.json, "json", false, "answer with JSON")
	set.BoolVar(&c.wait, "wait", false, "wait until everybody has come along")
	set.BoolVar(&c.config.Terminate, "terminate", false, "end sessions that may be of an instance whose lease has lapsed")
	set.Func("accept", "a reference to the old columns, or a replica, that is of no concern; may be given several times", arguments.Each(&c.config.Accept))
	set.DurationVar(&c.config.Quiet, "quiet", 0, "for how long the old columns have to be hidden before drop (default 24h, negative: not at all)")
	set.IntVar(&c.n, "n", 20, "how many events")
	set.BoolVar(&c.options.Fence, "fence", false, "have the database refuse writers of a stage that is gone")
	set.Func("type", "SQL type of the new column; one for each", arguments.Each(&c.columns.Types))
	arguments.Columns(set, &c.columns)
	arguments.Batches(set, &c.batches)
	return set
}

// check says all that is wrong.
func (c *command) check(set *flag.FlagSet) error {
	if len(c.args) == 0 {
		set.Usage()
		return errors.New("handover-change: the command is missing")
	}
	c.verb, c.args = c.args[0], c.args[1:]
	v, ok := verbs()[c.verb]
	if !ok {
		return fmt.Errorf("handover-change: %q is no command: give %s", c.verb, strings.Join(slices.Sorted(maps.Keys(verbs())), ", "))
	}
	if v.nameless {
		c.change = cmp.Or(c.change, "the tables") // which is how an error calls it
	}
	return errors.Join(c.checkFlags(v, set), c.checkWords(v), c.checkValues())
}

func (c *command) wrong(format string, args ...any) error {
	return fmt.Errorf("handover-change: "+c.verb+": "+format, args...)
}

func (c *command) checkFlags(v verb, set *flag.FlagSet) error {
	var all []error
	everywhere := []string{"database", "change", "schema", "actor", "lock-timeout", "timeout", "json"}
	set.Visit(func(f *flag.Flag) {
		if !slices.Contains(everywhere, f.Name) && !slices.Contains(v.flags, f.Name) {
			all = append(all, c.wrong("it takes no -%s", f.Name))
		}
	})
	return errors.Join(all...)
}

func (c *command) checkWords(v verb) (err error) {
	n := len(c.args)
	switch {
	case n < v.least || n > v.most:
		return c.wrong("it takes %s, and not %q", cmp.Or(strings.TrimSpace(v.takes), "nothing"), c.args)
	case n > 0 && v.words != nil && !slices.Contains(v.words, c.args[0]):
		return c.wrong("%q is none: give %s", c.args[0], strings.Join(v.words, ", "))
	case n > 0 && (c.verb == "advance" || c.verb == "rollback"):
		c.to, err = dbcompat.ParseStage(c.args[0])
	}
	return err
}

func (c *command) checkValues() error {
	var all []error
	if strings.TrimSpace(c.change) == "" {
		all = append(all, c.wrong("give -change with a name, as in users-name"))
	}
	if c.timeout < 0 || c.n < 1 {
		all = append(all, c.wrong("-timeout and -n are more than nothing"))
	}
	if c.verb == "create" {
		all = append(all, c.columns.Check())
	}
	return errors.Join(all...)
}
