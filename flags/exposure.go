package flags

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

// Exposure says that a subject has been given a variant by a rollout.
type Exposure struct {
	Flag, Variant string    // as in the set
	Subject       Subject   // that was pinned
	Version       string    // of the set
	At            time.Time // of the evaluation, by the clock of this process
}

// waiting is how many exposures may wait to be told.
const waiting = 1024

// exposures brings exposures from requests to the hook. A nil one has no hook.
type exposures struct {
	hook    func(Exposure)
	queue   chan Exposure
	dropped atomic.Uint64
}

func newExposures(hook func(Exposure)) *exposures {
	if hook == nil {
		return nil
	}
	return &exposures{hook: hook, queue: make(chan Exposure, waiting)}
}

// run tells the hook until ctx ends, and then what still waits.
func (x *exposures) run(ctx context.Context, logger func() *slog.Logger) {
	if x == nil {
		return
	}
	for {
		select {
		case e := <-x.queue:
			x.call(e, logger)
		case <-ctx.Done():
			for {
				select {
				case e := <-x.queue:
					x.call(e, logger)
				default:
					return
				}
			}
		}
	}
}

// call tells one. A hook that panics has not been told.
func (x *exposures) call(e Exposure, logger func() *slog.Logger) {
	defer func() {
		if r := recover(); r != nil {
			x.dropped.Add(1)
			logger().Error("flags: the hook for exposures panicked", "flag", e.Flag, "variant", e.Variant, "panic", r)
		}
	}()
	x.hook(e)
}

// shown is which of the flags a pin has told of.
type shown struct {
	to   *exposures
	bits []atomic.Uint64
}

func (x *exposures) shown(flags int) *shown {
	if x == nil {
		return nil
	}
	return &shown{to: x, bits: make([]atomic.Uint64, (flags+63)/64)}
}

// tell hands over an exposure, the first time for each flag of the pin. It does not
// wait (Unleash/unleash-go-sdk sends on a channel inside IsEnabled).
func (s *shown) tell(p *pin, of *entry, variant, place int) {
	word, bit := &s.bits[place/64], uint64(1)<<(place%64)
	if word.Load()&bit != 0 || word.Or(bit)&bit != 0 {
		return
	}
	e := Exposure{
		Flag:    of.key,
		Variant: of.flag.Variants[variant].Name,
		Subject: Subject{Key: p.scope.Key, Attributes: p.scope.Attributes},
		Version: of.version,
		At:      time.Now(),
	}
	select {
	case s.to.queue <- e:
	default:
		s.to.dropped.Add(1)
	}
}
