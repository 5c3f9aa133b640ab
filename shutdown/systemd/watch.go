package systemd

import (
	"cmp"
	"context"
	"fmt"
	"time"
)

// Watch beats for systemd's watchdog until ctx ends, if WatchdogSec is set, and
// only waits if it is not. When Config.Alive fails it does not beat, logs that once
// and asks again at a tenth of WatchdogSec; if it goes on failing systemd kills the
// process and, with Restart=on-failure, starts another. It returns nil, but for an
// environment that cannot be understood.
func (u *Unit) Watch(ctx context.Context) error {
	if err := u.env.watchdogErr; err != nil {
		return fmt.Errorf("systemd: watch: %w", err)
	}
	limit := u.env.watchdog
	if u.env.notify == "" || limit == 0 {
		<-ctx.Done()
		return nil
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for beating := true; ; {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return nil
		}
		beating = u.note(ctx, u.beat(ctx, limit/4), beating, limit)
		pause := limit / 2
		if !beating {
			pause = limit / 10
		}
		timer.Reset(max(pause, time.Millisecond))
	}
}

// note logs what has changed, and reports whether the heart beats.
func (u *Unit) note(ctx context.Context, err error, before bool, limit time.Duration) (beating bool) {
	beating = err == nil
	switch {
	case beating == before, ctx.Err() != nil: // an end is no failure
	case beating:
		u.logger().InfoContext(ctx, "watchdog beaten again")
	default:
		u.logger().ErrorContext(ctx, "watchdog not beaten, systemd will kill the process", "within", limit, "err", err)
	}
	return beating
}

// beat is late if Alive is: half a limit has passed, and it may take a quarter.
func (u *Unit) beat(ctx context.Context, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	if u.cfg.Alive != nil {
		if err := cmp.Or(u.cfg.Alive(ctx), ctx.Err()); err != nil {
			return err
		}
	}
	return u.tell(ctx, "WATCHDOG=1")
}
