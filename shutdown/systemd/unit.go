package systemd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

// Config says what systemd is told. The zero value is valid.
type Config struct {
	// GracePeriod is how long systemd is asked to wait for the end of the process,
	// from Stopping on; give what lifecycle.Config has. It matters where
	// TimeoutStopSec is shorter, and never shortens that. Default 30 s; negative:
	// TimeoutStopSec alone counts.
	GracePeriod time.Duration
	// Alive is asked before each beat of the watchdog, within a quarter of
	// WatchdogSec; an error withholds the beat. It must not ask for what other
	// instances share: a restart would not help. Default: always alive.
	Alive func(context.Context) error
	// Logger gets a record when the watchdog's beats stop and when they resume.
	// Default slog.Default() at the time of use.
	Logger *slog.Logger
}

// busy is how long Stopping waits for a systemd that does not read what it is told.
// What stops after it needs the time more.
const busy = 2 * time.Second

// Unit is this process as systemd sees it. Make one per process, with New. Its
// methods are safe for concurrent use; Ready, Watch and Stopping have the form of
// a component's Start, Run and Stop.
type Unit struct {
	cfg Config
	env environment

	mu    sync.Mutex
	taken map[string]bool // sockets, by name
}

// New reads what systemd has put into the environment, which stays as it is, and
// keeps the descriptors of sockets from being inherited by child processes.
// Mistakes in it are returned by who needs the part: Ready, Watch, Stopping or
// Listener.
func New(cfg Config) *Unit {
	cfg.GracePeriod = cmp.Or(cfg.GracePeriod, 30*time.Second)
	u := &Unit{cfg: cfg, taken: make(map[string]bool)}
	if supported {
		u.env = read(os.Getenv, os.Getpid())
		for i := range u.env.sockets {
			closeOnExec(firstSocket + i)
		}
	}
	return u
}

// Ready tells systemd that the program has started. With Type=notify nobody knows
// before; without it there is no harm.
func (u *Unit) Ready(ctx context.Context) error {
	return u.say(ctx, "ready", "READY=1", errors.Join(u.env.notifyErr, u.env.watchdogErr))
}

// Stopping tells systemd that the program has begun to stop, also where it does so
// by itself, and asks for Config.GracePeriod from now. It belongs into the last
// place, which is told at the signal. One request for the whole period is enough:
// systemd waits until then without a further word, if the first came before
// TimeoutStopSec was over. That should be set nevertheless, and not below the grace
// period: it bounds a process that hangs before it comes to this, and systemd before
// version 236 knows nothing else. Stopping takes 2 s at most.
func (u *Unit) Stopping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, busy)
	defer cancel()
	state := "STOPPING=1"
	if u.cfg.GracePeriod > 0 {
		// In one datagram, of which systemd reads this line last: it then has
		// armed the timer that is to be extended.
		state += fmt.Sprintf("\nEXTEND_TIMEOUT_USEC=%d", u.cfg.GracePeriod.Microseconds())
	}
	return u.say(ctx, "stopping", state, u.env.notifyErr)
}

func (u *Unit) say(ctx context.Context, verb, state string, mistake error) error {
	err := mistake
	if err == nil {
		err = u.tell(ctx, state)
	}
	if err != nil {
		return fmt.Errorf("systemd: %s: %w", verb, err)
	}
	return nil
}

// tell sends one datagram, over a socket of its own: it is rare, and nothing is
// left to close.
func (u *Unit) tell(ctx context.Context, state string) error {
	if u.env.notify == "" {
		return nil
	}
	c, err := new(net.Dialer).DialContext(ctx, "unixgram", u.env.notify)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	// If systemd is too busy to read, the write waits.
	unwatch := context.AfterFunc(ctx, func() { _ = c.SetWriteDeadline(time.Unix(1, 0)) })
	defer unwatch()
	if _, err := c.Write([]byte(state)); err != nil {
		return cmp.Or(context.Cause(ctx), err)
	}
	return nil
}

func (u *Unit) logger() *slog.Logger { return cmp.Or(u.cfg.Logger, slog.Default()) }

// quoted names what there is, in an error.
func quoted(names []string) string { return `"` + strings.Join(names, `", "`) + `"` }
