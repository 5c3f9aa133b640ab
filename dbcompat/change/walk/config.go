package walk

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"time"

	"github.com/handover-go/handover/internal/pgmigrate"
)

// Config says where the tables of changes are, and how patient a Walk is. The zero value
// is valid.
type Config struct {
	// Schema is where the tables are; "handover" by default. It has letters, digits, _
	// and -, 63 bytes at the most. The instances' is the same, and that of back-fills.
	Schema string

	// Actor is who moves the change, for its events; the user, the host and the process
	// by default.
	Actor string

	// Quiet is for how long the old columns have to be hidden before Drop; 24 h by
	// default, which has a night's jobs in it. Negative: not at all.
	Quiet time.Duration

	// LockTimeout is how long a call waits for a lock, and so how long the program's
	// writers, or the table's readers when it is hidden, wait at most behind it; 200 ms by
	// default. It cannot be without an end.
	LockTimeout time.Duration

	// Attempts is how often it comes back for a lock, after a pause of about the same
	// time; 10 by default.
	Attempts int

	// Poll is how often Wait looks; 500 ms by default.
	Poll time.Duration

	// Terminate ends the sessions whose transactions keep a move from being settled after
	// the instance that may have begun them has let its lease lapse. Without a fence they
	// may be anybody's. By default they are waited for.
	Terminate bool

	// Accept are references to the old columns, by the name that an error gives them, and
	// replicas, that are known to be of no concern.
	Accept []string

	// Waiting is told by Wait what is still missing, each time it has looked; by default
	// nobody is. It must return soon.
	Waiting func([]Missing)

	// Logger gets a record for each move; nil means slog.Default().
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	c.Schema = cmp.Or(c.Schema, "handover")
	c.Actor = cmp.Or(c.Actor, actor())
	c.Quiet = max(0, cmp.Or(c.Quiet, 24*time.Hour))
	c.LockTimeout = cmp.Or(c.LockTimeout, 200*time.Millisecond)
	c.Attempts = cmp.Or(c.Attempts, 10)
	c.Poll = cmp.Or(c.Poll, 500*time.Millisecond)
	return c
}

func (c Config) wrong() error {
	all := []error{pgmigrate.CheckSchema(c.Schema)}
	if c.LockTimeout < time.Millisecond || c.Poll < time.Millisecond {
		all = append(all, errors.New("Config.LockTimeout or Poll is less than a millisecond: a wait for a lock has to have an end, 200 ms are good"))
	}
	if c.Attempts < 1 {
		all = append(all, errors.New("Config.Attempts is negative: give how often a lock is tried for"))
	}
	return errors.Join(all...)
}

func (c Config) logger() *slog.Logger {
	if c.Logger == nil {
		return slog.Default()
	}
	return c.Logger
}

// actor is who runs this process, as far as it knows.
func actor() string {
	name := "somebody"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, _ := os.Hostname()
	return fmt.Sprintf("%s@%s %d", name, cmp.Or(host, "localhost"), os.Getpid())
}
