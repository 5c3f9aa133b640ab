package flags

import (
	"cmp"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Config says where definitions come from beside the source, and how long things may
// take. The zero value is valid.
type Config struct {
	// Override is a second source. Its flags take the place of those of the same key,
	// from wherever these are: a file on the machine, for an emergency or for
	// development. One that is not there (fs.ErrNotExist) is none, until it is. Default
	// none.
	Override Source

	// LastGood is a file for the last set that the source has given. With the source
	// down, a program starts with it. Its directory must exist and be the program's
	// own. Default none.
	LastGood string

	// Bootstrap is a set in flagd's JSON, for the start with neither source nor last
	// good set: embed it. Default none: all flags are at their defaults.
	Bootstrap []byte

	// Interval is the time between two questions to a source, a tenth more or less. A
	// source that notices changes is asked then as well. Default 30 s.
	Interval time.Duration

	// StartTimeout is how long Start waits for the sources. Default 5 s; it is also
	// the limit of any later question.
	StartTimeout time.Duration

	// StaleAfter is the age at which what is in force is called stale: Check fails,
	// and nothing else happens. Default four times Interval.
	StaleAfter time.Duration

	// AllowShrink lets in a set of less than half the flags of the one in force, if
	// that has 20 or more. Without it, such a set is refused: it is a mistake more
	// often than a wish (open-feature/flagd#98).
	AllowShrink bool

	// MaxMovement is the share of recently seen subjects, from 0 to 1, whom a new document
	// may move, for any one flag: 0.25. One that moves more is refused, as ErrMoves says,
	// and what was in force stays. A subject is moved by a flag that is declared here, and
	// in both sets, if its value becomes another one and not the default. So what takes
	// away never counts, deletion neither, and is taken even from a document that is
	// refused. To enable a flag again counts.
	//
	// What is meant gets in by steps below the bound, which are a ramp's as well; by
	// Override, which is not judged; or by a restart, with another bound or without:
	// nothing is held at the start, until the program has seen 20 subjects.
	//
	// Up to 1,024 subjects with a key are remembered for this, an hour at most, with their
	// attributes. Default 0: none, and nothing is held.
	MaxMovement float64

	// Lenient lets in a set with mistakes, as flagd's own readers do. A flag whose
	// definition cannot be evaluated then gives its default with CodeParse.
	Lenient bool

	// KillVariable is the environment variable whose flags, separated by commas, Start
	// kills. Default FLAGS_KILL.
	KillVariable string

	// Exposed is told of each subject that a rollout has placed: who saw which
	// variant, once per flag and pin. It is called by Run, one exposure at a time; up to
	// 1,024 may wait, others are dropped and counted. Default none.
	Exposed func(Exposure)

	// Logger gets a record per change. Default slog.Default(), at the time of use.
	Logger *slog.Logger
}

// Client holds the set in force. Use New. Its methods may be called from any goroutine.
type Client struct {
	cfg       Config
	mistakes  []error
	handles   []*declaration       // by place
	places    map[*declaration]int // fixed, so that evaluation needs no lock
	view      atomic.Pointer[view]
	exposures *exposures
	crowd     *crowd

	asking  sync.Mutex // held by Start and Run: a source is asked by one of them, and one at a time
	started bool       // asking guards it

	mu       sync.Mutex // guards what follows
	frozen   bool
	store    feed
	override feed
	lastGood feed
	switches map[string]*killSwitch
	ledgers  map[string]*ledger
	changed  chan struct{} // closed and renewed with each change
}

// New returns a client of a source that knows these flags. It does nothing before Start.
func New(source Source, cfg Config, handles ...Handle) *Client {
	c := &Client{
		cfg:      cfg,
		places:   make(map[*declaration]int, len(handles)),
		switches: map[string]*killSwitch{},
		ledgers:  map[string]*ledger{},
		changed:  make(chan struct{}),
		store:    feed{name: "source", source: source},
		override: feed{name: "override", source: cfg.Override},
		lastGood: feed{name: "last good set"},
	}
	c.exposures = newExposures(cfg.Exposed)
	c.crowd = newCrowd(cfg.MaxMovement)
	if m := cfg.MaxMovement; !(m >= 0 && m <= 1) { // or NaN
		c.mistake(fmt.Sprintf("MaxMovement is %v: give a share from 0 to 1, as 0.25 for 25 %%", m))
	}
	c.declare(source, handles)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.publish()
	return c
}

func (c *Client) logger() *slog.Logger { return cmp.Or(c.cfg.Logger, slog.Default()) }

// interval is a year at most: with a tenth more, and four times as long, it is still a Duration.
func (c *Client) interval() time.Duration {
	return min(positive(c.cfg.Interval, 30*time.Second), 365*24*time.Hour)
}

func (c *Client) timeout() time.Duration { return positive(c.cfg.StartTimeout, 5*time.Second) }

func (c *Client) staleAfter() time.Duration { return positive(c.cfg.StaleAfter, 4*c.interval()) }

// positive is the duration, or its default: here none of them can be switched off.
func positive(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}
