// Package arguments has the flags that the commands have in common.
package arguments

import (
	"flag"
	"strings"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/backfill"
)

// Columns has a set of flags fill columns. Their names are those of [ColumnFlags].
func Columns(set *flag.FlagSet, c *dbcompat.Columns) {
	c.Key = []string{"id"}
	set.StringVar(&c.Table, "table", "", "the table: users, or shop.users")
	set.Func("key", "the columns of its key (default id)", list(&c.Key))
	set.Func("old", "the old column, or several", list(&c.Old))
	set.Func("new", "the new column, or several", list(&c.New))
	set.Func("up", "SQL of the new column over the old one; default: the old column itself", Each(&c.Up))
	set.Func("down", "SQL of the old column over the new one; default: the new column itself", Each(&c.Down))
}

// Batches has a set of flags fill the config of a back-fill.
func Batches(set *flag.FlagSet, c *backfill.Config) {
	set.DurationVar(&c.Target, "target", 0, "how long a batch may keep its rows locked (default 50ms)")
	set.IntVar(&c.Start, "batch", 0, "rows of the first batch (default 1000)")
	set.IntVar(&c.Most, "most", 0, "rows of the largest batch (default 10000)")
	set.IntVar(&c.Rate, "rate", 0, "the most rows per second (default no limit)")
	set.Float64Var(&c.Duty, "duty", 0, "the share of the time in which there is a batch (default 1)")
	set.Int64Var(&c.VacuumEvery, "vacuum", 0, "vacuum after so many changed rows (default never)")
	set.BoolVar(&c.Skip, "skip", false, "note rows that cannot be written, and go on")
}

// ColumnFlags are the names of the flags of Columns.
func ColumnFlags() []string { return []string{"table", "key", "old", "new", "up", "down"} }

// BatchFlags are the names of the flags of Batches.
func BatchFlags() []string {
	return []string{"target", "batch", "most", "rate", "duty", "vacuum", "skip"}
}

// Each is a flag that may be given several times.
func Each(into *[]string) func(string) error {
	return func(value string) error {
		*into = append(*into, value)
		return nil
	}
}

// list is a flag with commas between its values; empty is none.
func list(into *[]string) func(string) error {
	return func(value string) error {
		*into = nil
		for name := range strings.SplitSeq(value, ",") {
			if name = strings.TrimSpace(name); name != "" || strings.Contains(value, ",") {
				*into = append(*into, name)
			}
		}
		return nil
	}
}
