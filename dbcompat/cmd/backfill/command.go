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
	"github.com/handover-go/handover/dbcompat/cmd/internal/arguments"
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
	var stage, fill string
	var dry bool
	set := flag.NewFlagSet("backfill", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.StringVar(&c.database, "database", os.Getenv("DATABASE_URL"), "URL of the database")
	set.StringVar(&c.do, "do", "run", "run, verify, status, pause, resume or cancel")
	set.BoolVar(&dry, "dry-run", false, "print SQL and estimates, and write nothing")
	arguments.Columns(set, &c.columns)
	arguments.Batches(set, &c.config)
	set.StringVar(&fill, "fill", "", "instead of -old, -up, -down and -stage: SQL of an added column, which is filled where it is NULL")
	set.StringVar(&stage, "stage", "", "old, dual-write, read-new or new: it says what is written")
	set.StringVar(&c.config.Schema, "schema", "", "where the tables of the runs are (default handover)")
	if err := set.Parse(args); err != nil {
		return c, err
	}
	c.added = dbcompat.Added[any]{
		Table: c.columns.Table, Key: strings.Join(c.columns.Key, ","), Column: strings.Join(c.columns.New, ","), Fill: fill,
	}
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
