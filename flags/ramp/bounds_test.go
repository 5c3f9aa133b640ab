package ramp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/guard"
	"github.com/handover-go/handover/flags/ramp"
)

// guarded is a document of the flag with an x-guard, on for everybody.
func guarded(xguard string) string {
	return fmt.Sprintf(`{"flags": {"new-checkout": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on"%s}}}`, xguard)
}

// The bounds can be changed without a deployment, as the steps can.
func TestTheGuardHasTheBoundsOfTheDefinitionInForce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var log bytes.Buffer
		logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}}))
		own := guard.Config{MaxErrors: 0.9, Least: -1, Logger: silent}
		g, err := guard.New(newCheckout, own)
		require.NoError(t, err)
		judge, err := guard.NewJudge(own)
		require.NoError(t, err)
		f := &file{changed: make(chan struct{}), text: guarded("")}
		client := flags.New(f, flags.Config{Logger: silent}, newCheckout)
		member := ramp.New(client, nil, ramp.Config{Logger: logger}, ramp.Plan{Flag: newCheckout, Guard: g, Fleet: judge})
		require.NoError(t, client.Start(t.Context()))
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { _ = client.Run(ctx) })
		all.Go(func() { _ = member.Run(ctx) })

		bounds := func() [2]float64 { return [2]float64{g.Verdict().Metrics[0].Bound, judge.Verdict().Metrics[0].Bound} }
		diary := [][2]float64{bounds()}
		for _, xguard := range []string{`, "x-guard": {"maxErrors": 0.2}`, `, "x-guard": {"maxErrors": 20}`, `, "x-guard": {"maxErrors": 0.2}, "x-ramp": {"steps": [5]}`, ""} {
			f.write(guarded(xguard))
			pass(10 * time.Second)
			diary = append(diary, bounds())
		}
		require.Equal(t, [][2]float64{{0.9, 0.9}, {0.2, 0.2}, {0.2, 0.2}, {0.2, 0.2}, {0.9, 0.9}}, diary)

		f.write(guarded(`, "x-guard": {"maxErrors": 0.001}`))
		pass(10 * time.Second)
		broken := func(context.Context) (int, error) { return 0, errors.New("no such table") }
		for i := range 3 {
			_, _ = guard.Do(client.Pin(ctx, flags.Subject{Key: fmt.Sprint(i)}), g, broken, broken)
		}
		pass(2 * time.Second)
		require.False(t, newCheckout.On(client.Pin(ctx, flags.Subject{Key: "ada"})), "it trips by them")
		cancel()
		all.Wait()
		require.Contains(t, log.String(), `level=INFO msg="ramp: the guard has other bounds" flag=new-checkout bounds="{\"maxErrors\":0.2}"`)
		require.Contains(t, log.String(), `level=ERROR msg="ramp: the bounds of the guard stay" flag=new-checkout err="x-guard.maxErrors: is no share; instead: 0.01 for 1 %; from 1e-9 to 0.999"`)
		require.Equal(t, 1, bytes.Count(log.Bytes(), []byte("bounds of the guard stay")), "it is said once")
	})
}

// Nothing is widened on bounds that nobody has meant.
func TestARampWaitsWhileItsGuardIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStore(5)
		definition := func(xguard string) json.RawMessage {
			return json.RawMessage(`{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off","targeting":{"fractional":[["on",5],["off",95]]},"x-guard":` + xguard + `}`)
		}
		s.flag.Definition = definition(`{"slow":"1 s"}`)
		p := run(t, s, "a", ramp.Config{})
		pass(5 * time.Minute)
		require.Equal(t, []string{`its guard is refused: x-guard.slow: is no time; instead: "300ms", "1.5s"; more than none`}, p.progress().Waiting)
		require.Empty(t, s.read())
		s.set(func(s *store) { s.flag.Definition = definition(`{"slow":"1s"}`) })
		pass(2 * time.Minute)
		require.NotEmpty(t, s.read())
	})
}

// A guard that is not ours has the bounds that it has; one that panics is waited for.
func TestAGuardWhoseBoundsPanic(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var log bytes.Buffer
		client := flags.New(flags.Static(guarded(`, "x-guard": {"maxErrors": 0.2}`)), flags.Config{Logger: silent}, newCheckout)
		require.NoError(t, client.Start(t.Context()))
		member := ramp.New(client, nil, ramp.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}, ramp.Plan{Flag: newCheckout, Guard: rigid{passes()}})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		require.NoError(t, member.Run(ctx))
		require.Equal(t, 1, bytes.Count(log.Bytes(), []byte("the guard panics: not with me")))
	})
}

type rigid struct{ *fake }

func (rigid) Bounds([]byte) error { panic("not with me") }
