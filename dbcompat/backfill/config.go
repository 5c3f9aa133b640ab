package backfill

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/handover-go/handover/internal/pgmigrate"
)

// Config says how careful a back-fill is. The zero value is valid.
type Config struct {
	// Schema is where the tables of the runs are; "handover" by default. It has letters,
	// digits, _ and -, 63 bytes at the most.
	Schema string

	// Target is how long a batch may keep its rows locked; 50 ms by default. The number
	// of rows follows: a waiting request does not care for it.
	Target time.Duration

	// Start and Most are the rows of the first batch, and of the largest one; 1,000 and
	// 10,000 by default, or less and more if the other one is.
	Start, Most int

	// Rate is the most rows per second; no limit by default.
	Rate int

	// Duty is the share of the time in which there is a batch, in (0, 1]; 1 by default.
	Duty float64

	// LockTimeout is how long a batch waits for a row that somebody else has locked, with
	// others locked meanwhile; 500 ms by default.
	LockTimeout time.Duration

	// StatementTimeout is the end of a statement, whatever it does; 5 s by default.
	StatementTimeout time.Duration

	// Attempts is how often a batch is tried, each time with half of the rows, if it
	// runs into a lock, a deadlock, a time-out, or the connection breaks; 10 by default.
	Attempts int

	// Lease is after what silence of a runner another one takes over; 15 s by default,
	// by the database's clock. It is no safety measure: that is the lock on the run's row.
	Lease time.Duration

	// Blocked is how many sessions may wait for a batch that has half of its Target
	// behind it; 0 by default. Are there more, the next batch is half as large, after a
	// pause. It takes a second connection of the pool. Negative: any number.
	Blocked int

	// Throttles are asked before the first batch, and then five times a second. The run
	// waits as long as one of them says so. See [ReplicaLag] and [Autovacuum].
	Throttles []Throttle

	// VacuumEvery is after how many changed rows the table is vacuumed; never by default.
	// Autovacuum cannot follow a back-fill: without it a table of 2,000,000 rows has ended at
	// 2.07 times its size; vacuumed every 333,000 rows at 1.25, with 95 % of the speed.
	VacuumEvery int64

	// NoAnalyze leaves out the ANALYZE of the written columns at the end. Without it the
	// planner takes the new column for empty until autovacuum comes by.
	NoAnalyze bool

	// Skip has a row that cannot be written (up fails, a constraint refuses the value)
	// noted in the table backfill_skipped and left out. By default the run stops there,
	// with an error that names the row.
	Skip bool
}

func (c Config) withDefaults() Config {
	c.Schema = cmp.Or(c.Schema, "handover")
	c.Target = cmp.Or(c.Target, 50*time.Millisecond)
	if c.Start == 0 {
		c.Start = min(1000, cmp.Or(max(0, c.Most), 1000))
	}
	c.Most = cmp.Or(c.Most, max(10_000, c.Start))
	c.Duty = cmp.Or(c.Duty, 1)
	c.LockTimeout = cmp.Or(c.LockTimeout, 500*time.Millisecond)
	c.StatementTimeout = cmp.Or(c.StatementTimeout, 5*time.Second)
	c.Attempts = cmp.Or(c.Attempts, 10)
	c.Lease = cmp.Or(c.Lease, 15*time.Second)
	return c
}

// wrong is what contradicts itself, of a config with its defaults. There is no "none"
// for a time-out: a batch without one is what blocks a table for minutes.
func (c Config) wrong() error {
	all := []error{pgmigrate.CheckSchema(c.Schema)}
	return errors.Join(append(all, c.wrongTimes(), c.wrongNumbers())...)
}

func (c Config) wrongTimes() error {
	var all []error
	for name, d := range map[string]time.Duration{
		"Target": c.Target, "LockTimeout": c.LockTimeout, "StatementTimeout": c.StatementTimeout, "Lease": c.Lease,
	} {
		if d < time.Millisecond {
			all = append(all, fmt.Errorf("the %s of Config is %s: give a millisecond at least", name, d))
		}
	}
	if c.Lease < c.LockTimeout {
		all = append(all, fmt.Errorf("Config.Lease is %s, LockTimeout %s: give it more, or it ends while a batch waits", c.Lease, c.LockTimeout))
	}
	return errors.Join(all...)
}

func (c Config) wrongNumbers() error {
	var all []error
	if c.Start < 1 || c.Most < c.Start {
		all = append(all, fmt.Errorf("Config.Start is %d and Most %d: begin with a row at least, and with Most at the most", c.Start, c.Most))
	}
	if c.Rate < 0 || c.VacuumEvery < 0 || c.Attempts < 1 {
		all = append(all, errors.New("Config.Rate, VacuumEvery and Attempts are not negative: leave them out for the default"))
	}
	if !(c.Duty > 0 && c.Duty <= 1) { // NaN is neither
		all = append(all, fmt.Errorf("Config.Duty is %v: give a share of the time, 0.5 for half of it", c.Duty))
	}
	for i, t := range c.Throttles {
		if t == nil {
			all = append(all, fmt.Errorf("Config.Throttles[%d] is nil: leave it out", i))
		}
	}
	return errors.Join(all...)
}
