package heptioprobes_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heptiolabs/healthcheck"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/probes"
	"github.com/handover-go/handover/probes/heptioprobes"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "dial postgres://app:s3cret@db.internal:5432"

var errSecret = errors.New(secret)

func good() error { return nil }
func bad() error  { return errSecret }

// quiet makes a set that logs nothing, and waits for nobody in Drain.
func quiet() *probes.Set {
	return probes.New(probes.Config{Logger: slog.New(slog.DiscardHandler), Delay: -1, DelayMax: -1})
}

// prompt has every result be believed, as the original does it.
func prompt(config heptioprobes.Config) heptioprobes.Config {
	config.Interval, config.FailAfter, config.PassAfter = time.Second, 1, 1
	return config
}

// background runs the set until stop is called.
func background(t testing.TB, set *probes.Set) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- set.Run(ctx) }()
	return func() {
		t.Helper()
		cancel()
		require.NoError(t, <-ended)
	}
}

func ask(handler http.Handler, method, target string) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(method, target, nil))
	return recorder
}

// look reads a probe in one line, "503 cache OK, db error", and sees to it that the
// short form of the answer has the same status.
func look(t testing.TB, handler http.Handler, path string) string {
	t.Helper()
	brief, full := ask(handler, http.MethodGet, path), ask(handler, http.MethodGet, path+"?full=1")
	require.Equal(t, "{}\n", brief.Body.String())
	require.Equal(t, brief.Code, full.Code, "%s", full.Body)
	var checks map[string]string
	require.NoError(t, json.Unmarshal(full.Body.Bytes(), &checks))
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(checks)) {
		parts = append(parts, name+" "+checks[name])
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", brief.Code, strings.Join(parts, ", ")))
}

// switched is a check that says what it was last told to.
type switched struct {
	mu  sync.Mutex
	err error
}

func (s *switched) turn(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *switched) check() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// What a program replaces and what it puts there, as its variables have them.
var _ func() healthcheck.Handler = func() healthcheck.Handler {
	return heptioprobes.New(probes.New(probes.Config{}), heptioprobes.Config{})
}

func nothing(context.Context) error { return nil }
