package watchdog_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/probes"
	"github.com/handover-go/handover/probes/watchdog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What main does with a watchdog: a method as a function.
var _ func(*watchdog.Dog, context.Context) error = (*watchdog.Dog).Run

// limit of the heartbeats in the tests.
const limit = time.Second

// verdict is what a prober would be told of a check.
func verdict(check probes.Check) string {
	err := check.Run(context.Background())
	var reason *probes.ReasonError
	switch {
	case err == nil:
		return "alive"
	case errors.As(err, &reason):
		return reason.Reason
	}
	return err.Error()
}

// background runs what is a component in a program until stop is called.
func background(ctx context.Context, t testing.TB, run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	return func() {
		t.Helper()
		cancel()
		require.NoError(t, <-ended)
	}
}

// waitForATick waits until the clock moves, outside a bubble.
func waitForATick(dog *watchdog.Dog) {
	next := dog.Heartbeat("next", 1)
	next.Beat()
	for verdict(next.Check()) != "late" {
		<-time.After(time.Millisecond)
	}
}

func quiet() *probes.Set {
	return probes.New(probes.Config{Logger: slog.New(slog.DiscardHandler)})
}

// livez is the answer of the endpoint, body and all.
func livez(health *probes.Set) string {
	recorder := httptest.NewRecorder()
	health.Handler().ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/livez", nil))
	body, _ := io.ReadAll(recorder.Body)
	return string(body)
}
