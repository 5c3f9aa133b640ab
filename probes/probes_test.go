package probes_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/probes"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What main does with a set: methods as functions.
var (
	_ func(*probes.Set, context.Context) error = (*probes.Set).Run
	_ func(*probes.Set, context.Context) error = (*probes.Set).Ready
	_ func(*probes.Set, context.Context) error = (*probes.Set).Drain
)

// quiet makes a set that logs nothing, where the log is not what is tested.
func quiet(config probes.Config) *probes.Set {
	config.Logger = slog.New(slog.DiscardHandler)
	return probes.New(config)
}

// reply is the public form of an answer.
type reply struct {
	Status string
	Reason string
	Checks map[string]struct {
		Status, Reason string
		FailOpen       bool `json:"fail_open"`
		Done, Total    int
	}

	Omitted int
}

func get(set *probes.Set, path string) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	set.Handler().ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, nil))
	return recorder
}

func decode(t testing.TB, body []byte) reply {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	var r reply
	require.NoError(t, decoder.Decode(&r), "%s", body)
	return r
}

// look reads a probe in one line: "503 fail draining, db error, disk".
func look(t testing.TB, set *probes.Set, path string) string {
	t.Helper()
	recorder := get(set, path)
	r := decode(t, recorder.Body.Bytes())
	parts := []string{strings.TrimSpace(fmt.Sprintf("%d %s %s", recorder.Code, r.Status, r.Reason))}
	for _, name := range slices.Sorted(maps.Keys(r.Checks)) {
		check := r.Checks[name]
		if check.Status != "pass" {
			require.NotEmpty(t, check.Reason, "a failure without a reason: %s", recorder.Body)
		}
		if check.Status == "pass" && check.Reason != "" {
			check.Reason = "(" + check.Reason + ")"
		}
		line := strings.TrimSpace(name + " " + check.Reason)
		if check.FailOpen {
			line += " (open)"
		}
		if check.Total > 0 {
			line += fmt.Sprintf(" %d/%d", check.Done, check.Total)
		}
		parts = append(parts, line)
	}
	return strings.Join(parts, ", ")
}

// running runs the set until stop is called, which returns what Run did.
func running(t testing.TB, set *probes.Set) (stop func() error) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- set.Run(ctx) }()
	return func() error {
		cancel()
		return <-ended
	}
}

func add(t testing.TB, set *probes.Set, checks ...probes.Check) {
	t.Helper()
	require.NoError(t, set.Add(checks...))
}

type run = func(context.Context) error

// inTurn makes a check's Run of several: each call is the next one, and then
// the last one for ever.
func inTurn(runs ...run) run {
	var calls atomic.Int32
	return func(ctx context.Context) error {
		return runs[min(int(calls.Add(1)), len(runs))-1](ctx)
	}
}

// prompt has a check change its verdict with a single run.
func prompt(c probes.Check) probes.Check {
	c.FailAfter, c.PassAfter = 1, 1
	return c
}

const secret = "dial postgres://app:s3cret@db.internal:5432"

func good(context.Context) error     { return nil }
func bad(context.Context) error      { return errors.New(secret) }
func hang(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
func sulk(ctx context.Context) error { <-ctx.Done(); return errors.New("gave up") }
func explode(context.Context) error  { panic(secret) }
func vanish(context.Context) error   { runtime.Goexit(); return nil }

// journal keeps log records, without what differs from run to run.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(p)
}

func (j *journal) lines() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.FieldsFunc(j.buf.String(), func(r rune) bool { return r == '\n' })
}

func (j *journal) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == "took" {
				return slog.Attr{}
			}
			return a
		},
	}))
}
