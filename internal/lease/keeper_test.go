package lease_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/internal/lease"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWhenALeaseIsHeld(t *testing.T) {
	ok := func(context.Context) error { return nil }
	after := func(d time.Duration, err error) func(context.Context) error {
		return func(ctx context.Context) error {
			select {
			case <-time.After(d):
				return err
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	silent := errors.New("no answer")
	for name, c := range map[string]struct {
		renewals []func(context.Context) error
		held     time.Duration // after the last renewal has returned
	}{
		"it is not before the first renewal":                          {nil, 0},
		"it is for the time less the margin":                          {[]func(context.Context) error{ok}, 10 * time.Second},
		"the time counts from before the renewal was sent":            {[]func(context.Context) error{after(4*time.Second, nil)}, 6 * time.Second},
		"a renewal that fails takes nothing":                          {[]func(context.Context) error{ok, after(4*time.Second, silent)}, 6 * time.Second},
		"it is not if the answer is that it is gone":                  {[]func(context.Context) error{ok, after(0, lease.ErrGone)}, 0},
		"a renewal makes it longer":                                   {[]func(context.Context) error{ok, after(4*time.Second, silent), ok}, 10 * time.Second},
		"an answer that comes too late is none, and not waited for":   {[]func(context.Context) error{after(11*time.Second, nil)}, 0},
		"an answer that comes while an older one still holds is none": {[]func(context.Context) error{ok, after(11*time.Second, nil)}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := lease.New(lease.Config{})
				for _, r := range c.renewals {
					_ = k.Renew(t.Context(), r)
				}
				require.Equal(t, c.held, k.Left())
				require.Equal(t, c.held > 0, k.Held())
				time.Sleep(c.held)
				require.False(t, k.Held(), "for longer than it was said to be")
			})
		})
	}
}

func TestADroppedLeaseIsNotHeld(t *testing.T) {
	k := lease.New(lease.Config{TTL: time.Hour})
	require.NoError(t, k.Renew(t.Context(), func(context.Context) error { return nil }))
	require.True(t, k.Held())
	k.Drop()
	require.False(t, k.Held())
	require.Zero(t, k.Left())
}

func TestRenewalsComeInTime(t *testing.T) {
	k := lease.New(lease.Config{TTL: 15 * time.Second})
	for range 1000 {
		require.InDelta(t, 5*time.Second, k.Pause(nil), float64(500*time.Millisecond))
		require.InDelta(t, time.Second, k.Pause(errors.New("no answer")), float64(100*time.Millisecond))
	}
}

func TestAConfigThatContradictsItselfIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		config lease.Config
		right  bool
	}{
		"the zero value is right":      {lease.Config{}, true},
		"a margin of half is right":    {lease.Config{TTL: 2 * time.Second, Margin: time.Second}, true},
		"a margin of more is not":      {lease.Config{TTL: 2 * time.Second, Margin: 1001 * time.Millisecond}, false},
		"a negative margin is not":     {lease.Config{Margin: -1}, false},
		"a negative time is not":       {lease.Config{TTL: -1}, false},
		"a time that is nothing isn't": {lease.Config{TTL: time.Millisecond}, false},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.right, c.config.WithDefaults().Check() == nil)
		})
	}
}

func BenchmarkHeld(b *testing.B) {
	k := lease.New(lease.Config{TTL: time.Hour})
	_ = k.Renew(b.Context(), func(context.Context) error { return nil })
	for b.Loop() {
		if !k.Held() {
			b.Fatal("not held")
		}
	}
}
