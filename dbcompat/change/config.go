package change

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/pgxdbcompat"
	"github.com/handover-go/handover/internal/lease"
	"github.com/handover-go/handover/internal/pgmigrate"
)

// Config says what this build can do, and how long it is relied on. The zero value is
// valid.
type Config struct {
	// Schema is where the tables are; "handover" by default. It has letters, digits, _
	// and -, 63 bytes at the most.
	Schema string

	// TTL is how long the lease is, from a renewal on; 15 s by default, and 100 ms at
	// least. There is a renewal each third of it. If the pool has no connection to spare
	// for TTL − Margin, none gets through: have it one larger than the load needs.
	TTL time.Duration

	// Margin is how long before its end the lease is no longer relied on here; a third of
	// TTL by default, and half of it at the most. A failover that loses the last renewal
	// is covered by it too.
	Margin time.Duration

	// Poll is the time between two looks at the stage; 1 s by default. Negative: it is
	// seen with the renewals only.
	Poll time.Duration

	// Min and Max are the stages that this build can do; Old and New by default, as code
	// that has the parts of its statements from dbcompat can do all. Code that refers to
	// the new column alone says Min: New. At another stage the instance does not join.
	Min, Max dbcompat.Stage

	// Version is that of the program, for people; by default the revision that it was
	// built from, or "unknown".
	Version string

	// Name is that of the instance, for people; by default host and process.
	Name string

	// Statements watches the pool, so that InTx runs once more what has met DDL; by default
	// nobody does, and InTx runs nothing twice. See pgxdbcompat.
	Statements *pgxdbcompat.Schema

	// Logger gets a record per change of state. Default slog.Default(), at the time of use.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	held := lease.Config{TTL: c.TTL, Margin: c.Margin}.WithDefaults()
	c.Schema = cmp.Or(c.Schema, "handover")
	c.TTL, c.Margin = held.TTL, held.Margin
	c.Poll = cmp.Or(c.Poll, time.Second)
	c.Min, c.Max = cmp.Or(c.Min, dbcompat.Old), cmp.Or(c.Max, dbcompat.New)
	if c.Version == "" {
		c.Version = revision()
	}
	if c.Name == "" {
		host, _ := os.Hostname() // it is for people
		c.Name = fmt.Sprintf("%s %d", host, os.Getpid())
	}
	return c
}

func revision() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return "unknown"
}

func (c Config) lease() lease.Config { return lease.Config{TTL: c.TTL, Margin: c.Margin} }

func (c Config) can(s dbcompat.Stage) bool { return s >= c.Min && s <= c.Max }

// wrong is what contradicts itself, of a config with its defaults.
func (c Config) wrong() error {
	all := []error{pgmigrate.CheckSchema(c.Schema)}
	return errors.Join(append(all, c.wrongTimes(), c.wrongStages(),
		wrongText("Config.Version", c.Version), wrongText("Config.Name", c.Name))...)
}

func (c Config) wrongTimes() error {
	var all []error
	if err := c.lease().Check(); err != nil {
		all = append(all, fmt.Errorf("Config.TTL is %s and Margin %s: %w", c.TTL, c.Margin, err))
	}
	if c.Poll > 0 && c.Poll < time.Millisecond {
		all = append(all, fmt.Errorf("Config.Poll is %s: give a millisecond at least, or a negative one for none", c.Poll))
	}
	return errors.Join(all...)
}

func (c Config) wrongStages() error {
	if !c.Min.Valid() || !c.Max.Valid() || c.Min > c.Max {
		return fmt.Errorf("Config.Min is %v and Max %v: give the first and the last stage that this build can do", c.Min, c.Max)
	}
	return nil
}

// wrongText is what PostgreSQL does not take as a text, or nobody would want to read.
func wrongText(what, text string) error {
	if len(text) > 200 || strings.Contains(text, "\x00") || !utf8.ValidString(text) {
		return fmt.Errorf("%s is %.20q…: take up to 200 bytes of UTF-8, and no zero", what, text)
	}
	return nil
}
