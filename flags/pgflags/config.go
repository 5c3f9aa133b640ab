package pgflags

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/handover-go/handover/internal/pgmigrate"
)

// Config says which set, and how changes are noticed. The zero value is valid.
type Config struct {
	// Schema is where the tables are; "handover" by default. It has letters, digits, _
	// and -, 63 bytes at the most, and is taken as it is written, in capitals too.
	Schema string

	// Set is one of the sets in these tables, which share nothing; "default" by
	// default. Up to 200 characters.
	Set string

	// NoListen has Watch listen to nothing, so that changes are found by the Client's
	// polling alone: for a pooler that gives connections out by transaction or
	// statement (PgBouncer's pool_mode), where the session that listens is soon
	// somebody else's, and for a standby, which has no notifications.
	NoListen bool

	// KeepAlive is how long the connection that listens may be silent until the server
	// is asked whether it is still there, and how long it may take to answer; 5 s by
	// default. Negative: it is never asked, and a network that is cut in silence is
	// noticed by the operating system, after minutes or never.
	KeepAlive time.Duration
}

func (c Config) withDefaults() Config {
	c.Schema = cmp.Or(c.Schema, "handover")
	c.Set = cmp.Or(c.Set, "default")
	c.KeepAlive = max(0, cmp.Or(c.KeepAlive, 5*time.Second))
	return c
}

// wrong is what PostgreSQL would misunderstand: a longer name is cut without a word,
// and then two names are one schema.
func (c Config) wrong() error {
	all := []error{pgmigrate.CheckSchema(c.Schema)}
	if strings.Contains(c.Set, "\x00") || len([]rune(c.Set)) > 200 {
		all = append(all, fmt.Errorf("Config.Set is %.20q…: take up to 200 characters, and no zero", c.Set))
	}
	return errors.Join(all...)
}
