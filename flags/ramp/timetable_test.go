package ramp_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/ramp"
)

// file is a source that can be changed, and tells if it is told to.
type file struct {
	mu      sync.Mutex
	text    string
	changed chan struct{}
}

func (f *file) Load(context.Context) (flags.Document, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return flags.Document{JSON: []byte(f.text)}, nil
}

func (f *file) Watch(ctx context.Context, changed func()) error {
	for {
		select {
		case <-f.changed:
			changed()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (f *file) write(text string) {
	f.mu.Lock()
	f.text = text
	f.mu.Unlock()
	f.changed <- struct{}{}
}

func document(xramp string) string {
	return fmt.Sprintf(`{"flags": {"new-checkout": {"state": "ENABLED", "variants": {"on": true, "off": false},
		"defaultVariant": "off", "x-ramp": %s}}}`, xramp)
}

func TestATimetable(t *testing.T) {
	bubble(t, func(t *testing.T) {
		// In a bubble it is midnight of 2000-01-01.
		f := &file{changed: make(chan struct{}), text: document(`{"steps": [5, 20, 100], "bake": "10m", "start": "2000-01-01T01:00:00Z"}`)}
		client := flags.New(ramp.Scheduled(f, silent), flags.Config{Logger: silent, Interval: time.Hour * 24}, newCheckout)
		require.NoError(t, client.Start(t.Context()))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- client.Run(ctx) }()
		p := &process{client: client}
		diary := []int{}
		for range 10 {
			diary = append(diary, p.on())
			pass(10 * time.Minute)
		}
		require.Equal(t, []int{0, 0, 0, 0, 0, 0}, diary[:6])
		require.InDelta(t, 50, diary[6], 25)
		require.InDelta(t, 200, diary[7], 50)
		require.Equal(t, []int{1000, 1000}, diary[8:])

		f.write(document(`{"steps": [5, 50], "bake": "10m", "start": "2000-01-01T02:00:00Z"}`))
		pass(time.Second)
		require.Zero(t, p.on(), "a new start")
		pass(25 * time.Minute)
		require.InDelta(t, 50, p.on(), 25)
		pass(10 * time.Minute)
		require.InDelta(t, 500, p.on(), 100)
		cancel()
		require.NoError(t, <-ended)
	})
}

func TestATimetableWithMistakesOpensNothing(t *testing.T) {
	for name, c := range map[string]struct{ text, says, is string }{
		"a step too many": {
			document(`{"steps": [5, 200], "start": "2000-01-01T00:00:00Z"}`),
			`2:48: flags.new-checkout.x-ramp.steps: has a step of 200 %; instead: more than 0, and 100 at the most`,
			`"targeting":{"fractional":[["on",0],["off",100]]}`,
		},
		"no fractional": {
			`{"flags": {"a": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on", "x-ramp": {"steps": [5], "start": "2000-01-01T00:00:00Z"}}}}`,
			`flags.a: it has no targeting and is on for everybody: make \"off\" its defaultVariant`,
			`"state":"DISABLED"`,
		},
		"without a start it is as it is": {document(`{"steps": [5]}`), "", document(`{"steps": [5]}`)},
		"no document":                    {`{"flags": `, "", `{"flags": `},
		"no flags":                       {`{}`, "", `{}`},
		"flags that are none":            {`{"flags": {"a": 5}}`, "", `{"flags": {"a": 5}}`},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			table := ramp.Scheduled(flags.Static(c.text), slog.New(slog.NewTextHandler(&log, nil)))
			for range 2 {
				is, err := table.Load(t.Context())
				require.NoError(t, err)
				require.Contains(t, string(is.JSON), c.is)
			}
			require.Contains(t, log.String(), c.says)
			require.LessOrEqual(t, bytes.Count(log.Bytes(), []byte("\n")), 1, "it is said once")
		})
	}
	_, err := ramp.Scheduled(nil, nil).Load(t.Context())
	require.EqualError(t, err, "ramp: timetable: no source: give one")
}

// broken is a watcher that ends.
type broken struct{ flags.Static }

var errBroken = errors.New("broken")

func (broken) Watch(context.Context, func()) error { return errBroken }

func TestATimetableEndsWithItsSource(t *testing.T) {
	require.ErrorIs(t, ramp.Scheduled(broken{}, nil).Watch(t.Context(), func() {}), errBroken)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, ramp.Scheduled(flags.Static(`{}`), nil).Watch(ctx, func() {}), context.Canceled)
}
