package site

import (
	"io"
	"time"
)

// Options are those of a deployment. All of them are needed; a duration of 0 is none.
type Options struct {
	Program  string // a built examples/complete; empty: it is built
	Balancer string // Builtin, or one of installed.Names
	Listen   string // address of the balancer; port 0 is a free one
	Naive    bool   // as most do it

	Lag      time.Duration // from a change until the balancer has it
	Rate     int           // requests per second
	NewShare float64       // of requests that bring their own connection
	Seed     uint64        // of the load

	Replicas int           // processes of each version
	Warmup   time.Duration // load before the first change
	Settle   time.Duration // between two replacements
	Bake     time.Duration // of each share of a canary
	Deadline time.Duration // until a release that is not ready is rolled back
}

// Builtin is the balancer that is in this program.
const Builtin = "builtin"

// Screen is who watches. Its methods may be called at the same time.
type Screen interface {
	io.Writer // an event, in a line
	// Status is how it goes, in a line without its end.
	Status(line string)
}
