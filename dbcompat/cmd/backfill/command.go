package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/backfill"
)

// command is what the arguments say.
type command struct {
	database string
	do       string
	columns  dbcompat.Columns
	added    dbcompat.Added[any] // instead, if it has a Fill
	source   dbcompat.Source
	config   backfill.Config
}

// parse says on stderr what is wrong.
func parse(args []string, stderr io.Writer) (command, error) {
	var c command
	var stage, key, old, twin, fill string
	var dry bool
	set := flag.NewFlagSet("backfill", flag.ContinueOnError)
	set.SetOutput(stderr)
	each := func(into *[]string) func(string) error {
		return func(value string) error {
			*into = append(*into, value)
			return nil
		}
	}
	set.StringVar(&c.database, "database", os.Getenv("DATABASE_URL"), "URL of the database")
	set.StringVar(&c.do, "do", "run", "run, verify, status, pause, resume or cancel")
	set.BoolVar(&dry, "dry-run", false, "print SQL and estimates, and write nothing")
	set.StringVar(&c.columns.Table, "table", "", "the table: users, or shop.users")
	set.StringVar(&key, "key", "id", "the columns of its key")
	set.StringVar(&old, "old", "", "the old column, or several")
	set.StringVar(&twin, "new", "", "the new column, or several")
	set.Func("up", "SQL of the new column over the old one; default: the old column itself", each(&c.columns.Up))
	set.Func("down", "SQL of the old column over the new one; default: the new column itself", each(&c.columns.Down))
	set.StringVar(&fill, "fill", "", "instead of -old, -up, -down and -stage: SQL of an added column, which is filled where it is NULL")
	set.StringVar(&stage, "stage", "", "old, dual-write, read-new or new: it says what is written")
	set.StringVar(&c.config.Schema, "schema", "", "where the tables of the runs are (default handover)")
	set.DurationVar(&c.config.Target, "target", 0, "how long a batch may keep its rows locked (default 50ms)")
	set.IntVar(&c.config.Start, "batch", 0, "rows of the first batch (default 1000)")
	set.IntVar(&c.config.Most, "most", 0, "rows of the largest batch (default 10000)")
	set.IntVar(&c.config.Rate, "rate", 0, "the most rows per second (default no limit)")
	set.Float64Var(&c.config.Duty, "duty", 0, "the share of the time in which there is a batch (default 1)")
	set.Int64Var(&c.config.VacuumEvery, "vacuum", 0, "vacuum after so many changed rows (default never)")
	set.BoolVar(&c.config.Skip, "skip", false, "note rows that cannot be written, and go on")
	if err := set.Parse(args); err != nil {
		return c, err
	}
	c.added = dbcompat.Added[any]{Table: c.columns.Table, Key: key, Column: twin, Fill: fill}
	c.columns.Key, c.columns.Old, c.columns.New = names(key), names(old), names(twin)
	if dry {
		c.do = "plan"
	}
	err := c.check(stage, set.Args())
	if err != nil {
		fmt.Fprintln(stderr, err)
	}
	return c, err
}

func (c *command) check(stage string, rest []string) error {
	var all []error
	if !slices.Contains([]string{"run", "plan", "verify", "status", "pause", "resume", "cancel"}, c.do) {
		all = append(all, fmt.Errorf("backfill: -do %s is none: give run, verify, status, pause, resume or cancel", c.do))
	}
	if len(rest) > 0 {
		all = append(all, fmt.Errorf("backfill: %q is no flag: quote what has spaces", rest[0]))
	}
	if c.added.Fill != "" {
		if stage != "" || len(c.columns.Old)+len(c.columns.Up)+len(c.columns.Down) > 0 {
			all = append(all, errors.New("backfill: -fill is for a column that replaces none: leave out -old, -up, -down and -stage"))
		}
		return errors.Join(append(all, c.added.Check())...)
	}
	at, err := dbcompat.ParseStage(stage)
	if err != nil {
		all = append(all, fmt.Errorf("backfill: -stage: without one nothing is written: %w", err))
	}
	c.source = dbcompat.Fixed(at)
	return errors.Join(append(all, c.columns.Check())...)
}

func (c *command) backfill(pool *pgxpool.Pool) *backfill.Backfill {
	if c.added.Fill != "" {
		return backfill.NewAdded(pool, c.added, c.config)
	}
	return backfill.New(pool, c.columns, c.source, c.config)
}

// names are separated by commas; empty is none.
func names(list string) []string {
	if list == "" {
		return nil
	}
	all := strings.Split(list, ",")
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return all
}
