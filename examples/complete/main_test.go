//go:build unix

package main_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/backfill"
	"github.com/handover-go/handover/dbcompat/change/walk"
	"github.com/handover-go/handover/dbcompat/ddl"
)

func TestItStartsWithNothingConfigured(t *testing.T) {
	pg.Database(t) // skips the test if there is no PostgreSQL
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			s := start(t, "", "-work=10ms", "-version=v7").ready(t)
			ada := s.user(t, "Ada")
			order := s.order(t, `{"user":1,"item":"tea"}`)
			require.Equal(t, "tea for Ada", s.shipped(t, order))

			code, text := do("GET", s.api, ada, "")
			require.Equal(t, http.StatusOK, code)
			require.JSONEq(t, `{"id":1,"display_name":"Ada"}`, text)
			require.Equal(t, http.StatusNotFound, status("GET", s.api, "/users/2", ""))
			_, text = do("GET", s.admin, "/metrics", "")
			require.Contains(t, text, `complete_answer_seconds_count{code="201",version="v7"} 1`)
			require.Contains(t, text, `complete_answer_seconds_count{code="404",version="v7"} 1`)

			s.end(t, signal)
			require.NotContains(t, s.log.String(), " WARN ")
			require.NotContains(t, s.log.String(), " ERROR ")
		})
	}
}

// What a person has changed meanwhile stays.
func TestSeveralMayPrepareADatabaseAtOnceAndAgain(t *testing.T) {
	t.Parallel()
	url := pg.Database(t)
	var failed [4]error
	var all sync.WaitGroup
	for i := range failed {
		all.Go(func() {
			if out, err := command(t.Context(), url, "-migrate").CombinedOutput(); err != nil {
				failed[i] = fmt.Errorf("%w: %s", err, out)
			}
		})
	}
	all.Wait()
	require.NoError(t, errors.Join(failed[:]...))

	pool := connect(t, url)
	_, err := pool.Exec(t.Context(), "UPDATE handover.flags SET killed = true")
	require.NoError(t, err)
	w := walk.New(pool, "users-display-name", walk.Config{})
	require.NoError(t, w.Advance(t.Context(), dbcompat.DualWrite))
	prepared(t, url)
	require.True(t, value[bool](t, pool, "SELECT bool_and(killed) FROM handover.flags"))
	state, err := w.State(t.Context())
	require.NoError(t, err)
	require.Equal(t, dbcompat.DualWrite, state.Stage)
	require.Equal(t, "v1", value[string](t, pool, "SELECT metadata->>'bucketing' FROM handover.flag_sets"))
}

func TestARequestIsAnsweredOrRefused(t *testing.T) {
	t.Parallel()
	s := start(t, prepared(t, pg.Database(t))).ready(t)
	s.user(t, "Ada")
	s.user(t, "Ad%")
	s.user(t, "Bob")
	for name, tc := range map[string]struct {
		method, path, body string
		status             int
		says               string
	}{
		"a user":                        {"GET", "/users/1", "", 200, `{"id":1,"display_name":"Ada"}`},
		"a user who is not there":       {"GET", "/users/99", "", 404, "no such thing"},
		"a user who is no number":       {"GET", "/users/ada", "", 400, "an id is a number"},
		"a name for nobody":             {"PUT", "/users/99", `{"display_name":"X"}`, 404, "no such thing"},
		"an empty name":                 {"POST", "/users", `{"display_name":" "}`, 400, "say the name"},
		"a name that is a number":       {"POST", "/users", `{"display_name":7}`, 400, "not as it should be"},
		"a field of the old version":    {"POST", "/users", `{"name":"Ada"}`, 400, `unknown field`},
		"no body":                       {"POST", "/users", "", 400, "not as it should be"},
		"a body that does not end":      {"POST", "/users", `{"display_name":"` + string(make([]byte, 20<<10)), 400, "not as it should be"},
		"a name with a zero":            {"POST", "/users", `{"display_name":"a\u0000b"}`, 400, "without a zero"},
		"a search for bytes":            {"POST", "/search", "\xff", 400, "a text is UTF-8"},
		"an order in a thousand years":  {"POST", "/orders", `{"user":1,"item":"tea","delay_seconds":31536000000}`, 400, "say what"},
		"a search":                      {"GET", "/search?q=ad", "", 200, `[{"id":2,"display_name":"Ad%"},{"id":1,"display_name":"Ada"}]`},
		"a search that is not logged":   {"POST", "/search", "bo", 200, `[{"id":3,"display_name":"Bob"}]`},
		"a search that finds nobody":    {"POST", "/search", "a small body", 200, `[]`},
		"a search is not a pattern":     {"GET", "/search?q=ad%25", "", 200, `[{"id":2,"display_name":"Ad%"}]`},
		"an order for nobody":           {"POST", "/orders", `{"user":99,"item":"tea"}`, 404, "no such user"},
		"an order of nothing":           {"POST", "/orders", `{"user":1}`, 400, "say what"},
		"an order for yesterday":        {"POST", "/orders", `{"user":1,"item":"tea","delay_seconds":-86400}`, 400, "say what"},
		"an order that is not there":    {"GET", "/orders/99", "", 404, "no such thing"},
		"events of no order":            {"GET", "/orders/99/events", "", 404, "no such thing"},
		"events of what is no order":    {"GET", "/orders/x/events", "", 400, "an id is a number"},
		"a socket without an upgrade":   {"GET", "/search/live", "", 426, "WebSocket"},
		"a method that there is not":    {"DELETE", "/users/1", "", 405, "Method Not Allowed"},
		"a path that there is not":      {"GET", "/", "", 404, "not found"},
		"metrics are not for everybody": {"GET", "/metrics", "", 404, "not found"},
	} {
		t.Run(name, func(t *testing.T) {
			code, text := do(tc.method, s.api, tc.path, tc.body)
			require.Equal(t, tc.status, code, text)
			require.Contains(t, text, tc.says)
		})
	}
	s.end(t, os.Interrupt)
}

// The service goes on at each stage; a person walks.
func TestTheNameWalksThroughAllStages(t *testing.T) {
	t.Parallel()
	url := prepared(t, pg.Database(t))
	s := start(t, url, "-work=0s").ready(t)
	pool := connect(t, url)
	w := walk.New(pool, "users-display-name", walk.Config{Actor: "test"})
	columns := func() string {
		return value[string](t, pool, "SELECT concat_ws('|', name, display_name) FROM users WHERE id = 1")
	}
	goesOn := func(stage dbcompat.Stage) {
		t.Helper()
		name := "Ada at " + stage.String()
		code, text := do("PUT", s.api, "/users/1", fmt.Sprintf(`{"display_name":%q}`, name))
		require.Equal(t, http.StatusOK, code, text)
		_, text = do("GET", s.api, "/users/1", "")
		require.JSONEq(t, fmt.Sprintf(`{"id":1,"display_name":%q}`, name), text)
		require.Equal(t, "tea for "+name, s.shipped(t, s.order(t, `{"user":1,"item":"tea"}`)))
		_, text = do("POST", s.api, "/search", "ada at")
		require.Contains(t, text, name)
		require.Equal(t, http.StatusOK, status("GET", s.admin, "/readyz", ""))
		require.Equal(t, stage, s.changeIs(t).State.Stage)
		require.True(t, s.measures(`handover_dbcompat_stage{change="users-display-name",stage=%q} 1`, stage))
	}
	advance := func(to dbcompat.Stage) {
		t.Helper()
		require.NoError(t, w.Advance(t.Context(), to))
		require.NoError(t, w.Wait(t.Context()))
		goesOn(to)
	}

	s.user(t, "Ada")
	s.user(t, "Bob")
	goesOn(dbcompat.Old)
	require.Equal(t, "Ada at old", columns())
	advance(dbcompat.DualWrite)
	require.Equal(t, "Ada at dual-write|Ada at dual-write", columns())
	require.Equal(t, http.StatusOK, status("GET", s.api, "/users/2", "")) // Bob, who is not filled yet
	require.True(t, s.measures(`handover_dbcompat_mismatches_total{change="users-display-name"} 1`))
	require.EqualValues(t, 1, s.changeIs(t).Mismatches.Differ)
	require.Equal(t, []string{"advance", "roll back"}, s.changeIs(t).verbs())
	fill, err := w.Backfill(t.Context(), backfill.Config{})
	require.NoError(t, err)
	require.NoError(t, fill.Run(t.Context()))
	verified, err := fill.Verify(t.Context())
	require.NoError(t, err)
	require.Zero(t, verified.Mismatches)
	advance(dbcompat.ReadNew)
	require.Equal(t, "Ada at read-new|Ada at read-new", columns())
	require.NoError(t, ddl.New(pool, ddl.Config{}).Run(t.Context(), ddl.DropNotNull{Table: "users", Column: "name"}))
	advance(dbcompat.New)
	require.Equal(t, "Ada at read-new|Ada at new", columns())
	require.Equal(t, "/users/3", s.user(t, "Cleo"))
	require.NoError(t, w.Rollback(t.Context(), dbcompat.ReadNew))
	require.NoError(t, w.Wait(t.Context()))
	goesOn(dbcompat.ReadNew)
	s.end(t, os.Interrupt)
}

// where is what /change/ says.
type where struct {
	State      walk.State
	Steps      []walk.Step
	Mismatches struct{ Differ uint64 }
}

func (s *service) changeIs(t *testing.T) (w where) {
	t.Helper()
	code, text := do("GET", s.admin, "/change/", "")
	require.Equal(t, http.StatusOK, code, text)
	require.NoError(t, json.Unmarshal([]byte(text), &w))
	return w
}

func (w where) verbs() (verbs []string) {
	for _, step := range w.Steps {
		verbs = append(verbs, step.Verb)
	}
	return verbs
}

// measures reports whether there is that line in the metrics.
func (s *service) measures(line string, args ...any) bool {
	_, text := do("GET", s.admin, "/metrics", "")
	return slices.Contains(strings.Split(text, "\n"), fmt.Sprintf(line, args...))
}

func TestAKillIsForAllThatIsUnderWay(t *testing.T) {
	t.Parallel()
	url := prepared(t, pg.Database(t))
	s := start(t, url).ready(t)
	pool := connect(t, url)
	s.user(t, "Ada")
	live := dial(t, s.api)
	require.JSONEq(t, `[{"id":1,"display_name":"Ada"}]`, live.ask(t, "ad"))

	_, err := pool.Exec(t.Context(), "UPDATE handover.flags SET killed = true WHERE key = 'search'")
	require.NoError(t, err)
	await(t, "search is killed", func() bool { return status("GET", s.api, "/search?q=ad", "") == http.StatusServiceUnavailable })
	require.JSONEq(t, `{"error":"there is no search at the moment"}`, live.ask(t, "ad"), "the socket was there before")
	_, err = pool.Exec(t.Context(), "UPDATE handover.flags SET killed = false WHERE key = 'search'")
	require.NoError(t, err)
	await(t, "search is back", func() bool { return status("GET", s.api, "/search?q=ad", "") == http.StatusOK })
	live.hangUp(t)
	s.end(t, os.Interrupt)
}

func TestARolloutGoesByTheUser(t *testing.T) {
	t.Parallel()
	s := start(t, prepared(t, pg.Database(t)), "-work=0s").ready(t)
	s.user(t, "Ada")
	counts := map[bool]int{}
	for n := range 40 {
		first := s.wraps(t, n)
		require.Equal(t, first, s.wraps(t, n), "the same again")
		counts[first]++
	}
	require.Positive(t, counts[true])
	require.Greater(t, counts[false], counts[true], "25 %")
	s.end(t, os.Interrupt)
}

// wraps reports whether a user's order is wrapped.
func (s *service) wraps(t *testing.T, user int) bool {
	t.Helper()
	code, text := do("POST", s.api, "/orders", `{"user":1,"item":"tea"}`, fmt.Sprintf("User: user-%d", user))
	require.Equal(t, http.StatusAccepted, code, text)
	var placed struct {
		GiftWrap bool `json:"gift_wrap"`
	}
	require.NoError(t, json.Unmarshal([]byte(text), &placed))
	return placed.GiftWrap
}

func TestWithoutADatabaseItIsUnreadyAndNotCrashed(t *testing.T) {
	t.Parallel()
	server := pgtestServer(t)
	url := prepared(t, server.URL())
	require.NoError(t, server.Stop(t.Context()))

	s := start(t, url)
	await(t, "it is not ready", func() bool { return status("GET", s.admin, "/readyz", "") == http.StatusServiceUnavailable })
	require.Equal(t, http.StatusOK, status("GET", s.admin, "/livez", ""))
	require.Equal(t, http.StatusServiceUnavailable, status("GET", s.api, "/users/1", ""))
	require.NoError(t, server.Start(t.Context()))
	s.ready(t)
	s.user(t, "Ada")

	// All instances have this at once: readiness stays, or nobody would be left to say so.
	require.NoError(t, server.Kill(t.Context()))
	code, text := do("GET", s.api, "/users/1", "")
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.JSONEq(t, `{"error":"this cannot be done at the moment"}`, text)
	await(t, "it knows", func() bool {
		code, text = do("GET", s.admin, "/readyz", "")
		return code == http.StatusOK && text != `{"status":"pass"}`
	})
	require.Equal(t, http.StatusOK, status("GET", s.admin, "/livez", ""))
	require.NoError(t, server.Start(t.Context()))
	await(t, "it goes on", func() bool { return status("GET", s.api, "/users/1", "") == http.StatusOK })
	require.NotEmpty(t, s.shipped(t, s.order(t, `{"user":1,"item":"tea"}`)))
	s.end(t, syscall.SIGTERM)
}

// Nothing is lost by it, but that the lease could not be given back is said.
func TestASignalWhileTheDatabaseIsAwayEndsIt(t *testing.T) {
	t.Parallel()
	server := pgtestServer(t)
	s := start(t, prepared(t, server.URL())).ready(t)
	require.NoError(t, server.Kill(t.Context()))
	require.NoError(t, s.Process.Signal(syscall.SIGTERM))
	require.Error(t, s.Wait())
	require.Equal(t, 1, s.ProcessState.ExitCode())
	lines := strings.Split(strings.TrimSpace(s.log.String()), "\n")
	require.Contains(t, lines[len(lines)-1], "complete: lifecycle: stop change: change: leave users-display-name: the lease ends by itself")
}

func TestWhatCannotStartSaysWhy(t *testing.T) {
	t.Parallel()
	url := pg.Database(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, taken.Close()) }()
	for name, tc := range map[string]struct {
		url  string
		args []string
		exit int
		says string
	}{
		"a second copy":             {url, []string{"-admin", taken.Addr().String()}, 1, "start admin: shutdown: listen tcp " + taken.Addr().String() + ": bind: address already in use"},
		"an unknown flag":           {url, []string{"-port=80"}, 2, "flag provided but not defined: -port"},
		"an argument":               {url, []string{"now"}, 2, `unexpected argument "now": only flags are understood, see -help`},
		"no time to stop":           {url, []string{"-grace=0s"}, 2, "-grace is 0s: give the time from SIGTERM to SIGKILL"},
		"work beyond its lease":     {url, []string{"-work=1h"}, 2, "-work is 1h0m0s: give 0 to 30s"},
		"work that is over before":  {url, []string{"-work=-1s"}, 2, "-work is -1s"},
		"a database that is none":   {"mysql://x", nil, 2, "DATABASE_URL: cannot parse"},
		"nothing to be prepared":    {"", []string{"-migrate"}, 2, "-migrate is for the database at DATABASE_URL, which is not set"},
		"a database that is not up": {"postgres:///x?host=/nowhere", []string{"-migrate"}, 2, "prepare the database: "},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := command(t.Context(), tc.url, tc.args...)
			out, err := cmd.CombinedOutput()
			require.Error(t, err)
			require.Equal(t, tc.exit, cmd.ProcessState.ExitCode(), "%s", out)
			require.Contains(t, string(out), tc.says)
			require.NotContains(t, string(out), "panic")
		})
	}
}

func TestWithoutPostgreSQLItSaysSoInALine(t *testing.T) {
	t.Parallel()
	cmd := command(t.Context(), "")
	cmd.Env = append(cmd.Env, "PGBIN="+t.TempDir())
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Equal(t, 2, cmd.ProcessState.ExitCode())
	require.Equal(t, "complete: no PostgreSQL server is installed: run ./scripts/ensure postgres, "+
		"or set PGBIN to the directory of its initdb; or set DATABASE_URL\n", string(out))
}

func TestHelpIsNoError(t *testing.T) {
	t.Parallel()
	out, err := command(t.Context(), "", "-help").CombinedOutput()
	require.NoError(t, err)
	require.Contains(t, string(out), "-migrate")
}
