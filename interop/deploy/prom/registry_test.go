package prom_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/promflags"
	"github.com/handover-go/handover/internal/pipenet"
	"github.com/handover-go/handover/probes"
	"github.com/handover-go/handover/probes/promprobes"
	"github.com/handover-go/handover/shutdown"
	"github.com/handover-go/handover/shutdown/promshutdown"
)

// catalogue is what the registry of a program has: by metric and label, the values that
// were seen. A histogram is there as its series are.
type catalogue map[string]map[string]map[string]bool

// observed is the catalogue of a program with everything, from its start to its end.
func observed(t *testing.T) catalogue {
	t.Helper()
	seen := catalogue{}
	synctest.Test(t, func(t *testing.T) { live(t, seen) })
	return seen
}

func (c catalogue) gather(t *testing.T, registry *prometheus.Registry) {
	t.Helper()
	families, err := registry.Gather()
	require.NoError(t, err)
	for _, family := range families {
		names := []string{family.GetName()}
		for _, m := range family.GetMetric() {
			if m.GetHistogram() != nil {
				names = []string{family.GetName() + "_bucket", family.GetName() + "_sum", family.GetName() + "_count"}
			}
			for _, name := range names {
				for _, pair := range m.GetLabel() {
					c.add(name, pair.GetName(), pair.GetValue())
				}
			}
			if len(names) > 1 {
				c.add(names[0], "le", "+Inf")
			}
		}
	}
}

func (c catalogue) add(name, label, value string) {
	if c[name] == nil {
		c[name] = map[string]map[string]bool{}
	}
	if c[name][label] == nil {
		c[name][label] = map[string]bool{}
	}
	c[name][label][value] = true
}

const definitions = `{"flags": {
	"new": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off"},
	"number": {"state": "ENABLED", "variants": {"ten": 10}, "defaultVariant": "ten"}
}}`

func live(t *testing.T, seen catalogue) {
	ctx, end := context.WithCancel(context.WithoutCancel(t.Context()))
	quiet := slog.New(slog.DiscardHandler)
	set := probes.New(probes.Config{Logger: quiet})
	runs := 0
	fails := func(context.Context) error {
		if runs++; runs > 1 {
			return errors.New("down")
		}
		return nil
	}
	require.NoError(t, set.Add(probes.Check{Name: "db", Kind: probes.Readiness, Scope: probes.Shared, Run: fails}))

	flag := flags.Bool("new", false, flags.About{Expires: "1999-01-01"})
	client := flags.New(flags.Static(definitions), flags.Config{Logger: quiet}, flag, flags.Bool("number", false))
	require.NoError(t, client.Start(ctx))
	flag.On(client.Pin(ctx, flags.Subject{Key: "anna"}))
	require.NoError(t, client.Kill("new", "a test"))

	l := pipenet.Listen(1)
	hangs := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-ctx.Done() })
	api := shutdown.HTTP(&http.Server{Handler: hangs}, shutdown.Config{Listener: l, Logger: quiet})

	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(promprobes.New(set, promprobes.Config{}), promshutdown.New(api, promshutdown.Config{}), promflags.New(client, promflags.Config{}))
	seen.gather(t, registry) // at the start

	ended := make(chan error, 3)
	go func() { ended <- set.Run(ctx) }()
	go func() { ended <- client.Run(ctx) }()
	require.NoError(t, api.Listen(ctx))
	go func() { ended <- api.Serve(ctx) }()
	require.NoError(t, set.Ready(ctx))
	c := dial(t, l)
	time.Sleep(time.Minute) // the check fails, openly
	asks := time.NewTicker(time.Second)
	for range 3 { // a balancer
		<-asks.C
		ask(set)
	}
	seen.gather(t, registry) // while it serves

	drained := make(chan error, 1)
	go func() { drained <- set.Drain(ctx) }()
	for range 3 {
		<-asks.C
		ask(set)
	}
	asks.Stop()
	require.NoError(t, <-drained)
	within, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	require.Error(t, api.Shutdown(within), "it cuts a request")
	seen.gather(t, registry) // at the end
	end()
	require.NoError(t, c.Close())
	for range cap(ended) {
		require.NoError(t, <-ended)
	}
	time.Sleep(time.Minute) // handlers end
}

func ask(set *probes.Set) {
	r := httptest.NewRequest(http.MethodGet, "/readyz", nil)
	r.Header.Set("User-Agent", "ELB-HealthChecker/2.0")
	set.Handler().ServeHTTP(httptest.NewRecorder(), r)
}

func dial(t *testing.T, l *pipenet.Listener) net.Conn {
	t.Helper()
	c, err := l.Dial(t.Context())
	require.NoError(t, err)
	go func() { _, _ = io.Copy(io.Discard, c) }()
	_, err = io.WriteString(c, "GET / HTTP/1.1\r\nHost: test\r\n\r\n")
	require.NoError(t, err)
	return c
}
