package pgramp

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/handover-go/handover/internal/pgmigrate"
)

// Config says which set of flags: that of the pgflags.Store. The zero value is valid.
type Config struct {
	// Schema is where the tables are, those of pgflags as well; "handover" by default.
	Schema string

	// Set is the set of flags. All members of a set are one fleet, which waits for each
	// of them: programs that have nothing to do with one another have sets of their own.
	// "default" by default.
	Set string
}

func (c Config) withDefaults() Config {
	c.Schema = cmp.Or(c.Schema, "handover")
	c.Set = cmp.Or(c.Set, "default")
	return c
}

// wrong is what PostgreSQL would misunderstand, as in pgflags.
func (c Config) wrong() error {
	all := []error{pgmigrate.CheckSchema(c.Schema)}
	if strings.Contains(c.Set, "\x00") || len([]rune(c.Set)) > 200 {
		all = append(all, fmt.Errorf("Config.Set is %.20q…: take up to 200 characters, and no zero", c.Set))
	}
	return errors.Join(all...)
}
