package ramp

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/handover-go/handover/internal/lease"
)

// Config says who this process is, and how often it looks. The zero value is valid.
type Config struct {
	// ID is the name of this process, unlike that of any other, of a restart as well; 200
	// bytes at the most. Default: the host's name, and something random.
	ID string

	// Version is that of the code. While two live, no ramp takes a step. Default: the
	// revision that Go has noted in the binary, or else the version of its main module.
	Version string

	// TTL is how long a process is counted in that is not heard of. It renews three times
	// as often. Default 15 s, and the same for all members.
	TTL time.Duration

	// Tick is the time between two looks at the guards, and of the leader at the ramps.
	// Default 1 s; a third of TTL at the most.
	Tick time.Duration

	// Logger gets a record per step, and per change of what is waited for. Default
	// slog.Default(), at the time of use.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.ID == "" {
		host, _ := os.Hostname()
		c.ID = cmp.Or(strings.ToValidUTF8(host[:min(len(host), 150)], ""), "unknown") + "-" + rand.Text()[:8]
	}
	c.Version = cmp.Or(c.Version, builtFrom())
	c.TTL = lease.Config{TTL: c.TTL}.WithDefaults().TTL
	c.Tick = cmp.Or(c.Tick, min(time.Second, c.TTL/3))
	return c
}

func (c Config) wrong() (all []error) {
	for name, text := range map[string]string{"ID": c.ID, "Version": c.Version} {
		if len(text) > 200 || strings.Contains(text, "\x00") || !utf8.ValidString(text) {
			all = append(all, fmt.Errorf("the %s of Config is %.20q…: take up to 200 bytes of UTF-8, and no zero", name, text))
		}
	}
	if err := (lease.Config{TTL: c.TTL}).WithDefaults().Check(); err != nil {
		all = append(all, fmt.Errorf("Config.TTL is %s: take 15s, 100ms at the least", c.TTL))
	}
	if c.Tick <= 0 || c.Tick > c.TTL/3 {
		all = append(all, errors.New("Config.Tick has to be more than none, and a third of TTL at the most"))
	}
	return all
}

func builtFrom() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	version := cmp.Or(settings["vcs.revision"], info.Main.Version, "unknown")
	if settings["vcs.modified"] == "true" {
		version += "-modified"
	}
	return version
}
