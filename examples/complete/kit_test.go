//go:build unix

package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/internal/pgtest"
)

// program is the service as a user builds it.
var program string

var pg = pgtest.New(pgtest.Config{})

// healthCheck sleeps for half a second after a pool has closed a connection.
const healthCheck = "github.com/jackc/pgx/v5/pgxpool.(*Pool).triggerHealthCheck.func1"

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "complete")
	if err != nil {
		panic(err)
	}
	program = filepath.Join(dir, "complete")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		panic(fmt.Sprintf("%v: %s", err, out))
	}
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction(healthCheck), goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(dir)
		os.Exit(code)
	}))
}

const tooLong = time.Minute

// records are what a process writes to its standard error.
type records struct {
	mu   sync.Mutex
	text strings.Builder
}

func (r *records) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *records) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// service is a process of the program.
type service struct {
	*exec.Cmd
	api, admin string
	log        records
}

// command has this database, and none if it is empty.
func command(ctx context.Context, url string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "DATABASE_URL=") || strings.HasPrefix(v, "VERSION=") || strings.HasPrefix(v, "FLAGS_KILL=")
	})
	if url != "" {
		cmd.Env = append(cmd.Env, "DATABASE_URL="+url)
	}
	return cmd
}

// start returns when the service listens, ready or not.
func start(t *testing.T, url string, args ...string) *service {
	t.Helper()
	s := &service{Cmd: command(context.WithoutCancel(t.Context()), url, append([]string{"-listen=127.0.0.1:0", "-admin=127.0.0.1:0"}, args...)...)}
	s.Stderr = &s.log
	require.NoError(t, s.Start())
	t.Cleanup(func() {
		if s.ProcessState == nil {
			_ = s.Process.Kill()
			_ = s.Wait()
		}
		if t.Failed() {
			t.Log(s.log.String())
		}
	})
	s.admin, s.api = s.address(t, "admin"), s.address(t, "api")
	return s
}

// address is where one of its servers listens, as it says.
func (s *service) address(t *testing.T, server string) (found string) {
	t.Helper()
	record := regexp.MustCompile(`listening server=` + server + ` addr=(\S+)`)
	await(t, server+" listens", func() bool {
		match := record.FindStringSubmatch(s.log.String())
		if match != nil {
			found = match[1]
		}
		return match != nil
	})
	return found
}

// ready returns when it is.
func (s *service) ready(t *testing.T) *service {
	t.Helper()
	await(t, "it is ready", func() bool { return status("GET", s.admin, "/readyz", "") == http.StatusOK })
	return s
}

// end sends a signal, and expects a good end.
func (s *service) end(t *testing.T, signal os.Signal) {
	t.Helper()
	require.NoError(t, s.Process.Signal(signal))
	require.NoError(t, s.Wait(), "exit status 0")
}

// await asks until it is so.
func await(t *testing.T, what string, isSo func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond) // others want to compute as well
	defer tick.Stop()
	for began := time.Now(); !isSo(); <-tick.C {
		require.Less(t, time.Since(began), tooLong, what)
	}
}

// do makes a request on a connection of its own; the status is 0 while nobody listens.
func do(method, address, path, body string, headers ...string) (int, string) {
	ctx, cancel := context.WithTimeout(context.Background(), tooLong)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, "http://"+address+path, strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, strings.TrimSpace(string(text))
}

func status(method, address, path, body string) int {
	status, _ := do(method, address, path, body)
	return status
}

// user makes one, and returns the path.
func (s *service) user(t *testing.T, name string) string {
	t.Helper()
	code, text := do("POST", s.api, "/users", fmt.Sprintf(`{"display_name":%q}`, name))
	require.Equal(t, http.StatusCreated, code, text)
	var made struct{ ID int64 }
	require.NoError(t, json.Unmarshal([]byte(text), &made))
	return fmt.Sprintf("/users/%d", made.ID)
}

// order places one for the first user, and returns the path.
func (s *service) order(t *testing.T, body string) string {
	t.Helper()
	code, text := do("POST", s.api, "/orders", body)
	require.Equal(t, http.StatusAccepted, code, text)
	var placed struct{ ID int64 }
	require.NoError(t, json.Unmarshal([]byte(text), &placed))
	return fmt.Sprintf("/orders/%d", placed.ID)
}

// shipped waits for an order, and returns what is on its label.
func (s *service) shipped(t *testing.T, path string) (label string) {
	t.Helper()
	await(t, path+" is shipped", func() bool {
		var now struct{ State, Label string }
		_, text := do("GET", s.api, path, "")
		if json.Unmarshal([]byte(text), &now) == nil {
			label = now.Label
		}
		return now.State == "shipped"
	})
	return label
}

// prepared is a database that -migrate has prepared.
func prepared(t *testing.T, url string) string {
	t.Helper()
	out, err := command(t.Context(), url, "-migrate").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return url
}

// connect is a pool of the test's own.
func connect(t *testing.T, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

// value is what a query says.
func value[T any](t *testing.T, pool *pgxpool.Pool, sql string, args ...any) (v T) {
	t.Helper()
	require.NoError(t, pool.QueryRow(t.Context(), sql, args...).Scan(&v))
	return v
}
