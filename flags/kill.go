package flags

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/handover-go/handover/flags/internal/definition"
)

// killSwitch forces one flag to its default. Its bits are read by each evaluation, from
// whatever set it comes: that is how a kill passes through a pin.
type killSwitch struct {
	bits atomic.Uint32

	// The client's mu guards what follows.
	why string
	at  time.Time
}

const (
	killedHere uint32 = 1 << iota
	killedByStore
)

// Kill forces a flag to its default in this process, from the next evaluation on and
// until Unkill: with the source down, in requests that are pinned, after Freeze, over
// what With has given. why is for the log and the report.
//
// The key must be that of a flag that is declared or in the set, so that a slip of the
// pen is an error and not a calm.
func (c *Client) Kill(key, why string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.knows(key) {
		return fmt.Errorf("flags: kill %s: it is neither declared nor in the set; see Report for those that are", key)
	}
	c.kill(key, why)
	return nil
}

// Unkill takes Kill back. A flag that the source has disabled stays so. It is an error if
// the flag was not killed in this process.
func (c *Client) Unkill(key string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.switches[key]
	if s == nil || s.bits.And(^killedHere)&killedHere == 0 {
		return fmt.Errorf("flags: unkill %s: it was not killed in this process", key)
	}
	s.why, s.at = "", time.Time{}
	c.logger().Warn("flags: kill taken back", "flag", key)
	c.announce()
	return nil
}

// kill is Kill for any key. c.mu is held.
func (c *Client) kill(key, why string) {
	s := c.switchOf(key)
	s.bits.Or(killedHere)
	s.why, s.at = why, time.Now()
	c.logger().Warn("flags: killed", "flag", key, "why", why)
	c.announce()
}

// killFromEnvironment kills what the variable names. A key that is unknown is killed,
// too: its definition may come later.
func (c *Client) killFromEnvironment() {
	name := c.cfg.KillVariable
	if name == "" {
		name = "FLAGS_KILL"
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for key := range strings.SplitSeq(os.Getenv(name), ",") {
		if key = strings.TrimSpace(key); key != "" {
			c.kill(key, "by the environment variable "+name)
		}
	}
}

// switchOf is the flag's, made when it is first asked for. c.mu is held.
func (c *Client) switchOf(key string) *killSwitch {
	s := c.switches[key]
	if s == nil {
		s = &killSwitch{}
		c.switches[key] = s
	}
	return s
}

// arm lets a kill reach all flags of a set that nobody reads yet, those as well that
// only others look at, as their prerequisites: behind an override, or after Freeze.
// c.mu is held.
func (c *Client) arm(set *definition.Set) {
	for key, flag := range set.Flags {
		if flag.Killed == nil {
			flag.Killed = &c.switchOf(key).bits
		}
	}
}

// byStore says whether the source has disabled the flag.
func (s *killSwitch) byStore(disabled bool) {
	if disabled {
		s.bits.Or(killedByStore)
	} else {
		s.bits.And(^killedByStore)
	}
}

// knows reports whether there is such a flag. c.mu is held.
func (c *Client) knows(key string) bool {
	return c.declares(key) || c.view.Load().all[key] != nil
}

func (c *Client) declares(key string) bool { return c.declaration(key) != nil }

// declaration is the flag's; nil if New was not told of it.
func (c *Client) declaration(key string) *declaration {
	for _, d := range c.handles {
		if d.key == key {
			return d
		}
	}
	return nil
}
