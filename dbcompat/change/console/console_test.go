package console_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/backfill"
	"github.com/handover-go/handover/dbcompat/change/console"
	"github.com/handover-go/handover/dbcompat/change/walk"
)

const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

// parts are in the page in this order.
func parts(t *testing.T, page string, want ...string) {
	t.Helper()
	rest := page
	for _, part := range want {
		_, after, found := strings.Cut(rest, part)
		require.True(t, found, "%s\nis not there, or not in this order:\n%s", part, page)
		rest = after
	}
}

func TestTheWayOfAChangeAsAPersonSeesIt(t *testing.T) {
	pool, w := begun(t)
	var mismatches dbcompat.Mismatches
	url := served(t, w, console.Config{Mismatches: &mismatches})
	answer := ask(t, "GET", url, browser)
	require.Equal(t, 200, answer.code)
	parts(t, answer.body, `<meta http-equiv="refresh" content="5">`, "<h1>&lt;users&gt;</h1>\n<p>users: name to display_name</p>",
		`<tr><th>stage</th><td class="">old, epoch 1</td></tr>`, `<tr><th>settled</th><td class="good">since `, `<tr><th>fence</th><td class="">yes</td></tr>`,
		`<tr><th>back-fill</th><td class="">none</td></tr>`, "<p>None has joined.</p>",
		"<h2>Next: advance to dual-write</h2>\n<p>writes set both columns, reads believe old</p>\n<p class=\"good\">it can be done</p>",
		"<p>0 of 0 rows that were read</p>", `<td>created at old</td><td class="n">epoch 1</td><td>ada &amp; co</td>`)

	execute(t, pool, `INSERT INTO handover.change_instances (change, id, name, version, min_stage, max_stage, stage, epoch, expires_at)
		SELECT '<users>', id, id, '<v1>', 1, 4, 1, 1, clock_timestamp() + '1 hour' FROM unnest(ARRAY['<web-1>', 'web-2']) AS id`)
	require.NoError(t, w.Declare(t.Context(), walk.Reader, "<reports>"))
	require.NoError(t, w.Advance(t.Context(), dbcompat.DualWrite))
	execute(t, pool, `UPDATE handover.change_instances SET expires_at = clock_timestamp() - interval '1 s' WHERE id = 'web-2'`)
	answer = ask(t, "GET", url, browser)
	parts(t, answer.body, "dual-write, epoch 2", `<td class="warn">not yet</td>`, "<th>declared reader</th><td class=\"\">&lt;reports&gt;, pid []</td>",
		`<tr><td>&lt;web-1&gt;</td><td>&lt;v1&gt;</td><td>old to new</td><td class="warn">old, behind</td>`, `<td class="bad">lapsed `,
		"<h2>Next: advance to read-new</h2>", `<span class="warn">&lt;web-1&gt; (&lt;v1&gt;)</span> has not acknowledged dual-write`,
		"<td>advanced, old to dual-write</td>")

	execute(t, pool, `UPDATE handover.change_instances SET stage = 2, epoch = 2, expires_at = clock_timestamp() + '1 hour'`)
	fill, err := w.Backfill(t.Context(), backfill.Config{})
	require.NoError(t, err)
	require.NoError(t, fill.Run(t.Context()))
	execute(t, pool, "UPDATE users SET name = 'somebody else' WHERE id = 7")
	_, err = w.Verify(t.Context(), backfill.Config{})
	require.NoError(t, err)
	var id int
	var name string
	into := append([]any{&id}, displayName.Into(dbcompat.DualWrite, []any{&name}, &mismatches, &id)...)
	require.NoError(t, pool.QueryRow(t.Context(), "SELECT id, "+displayName.Select(dbcompat.DualWrite, "")+" FROM users WHERE id = 7").Scan(into...))
	answer = ask(t, "GET", url, browser)
	parts(t, answer.body, "done, 100.0 %: 20 of 20 rows, 20 changed, 0 skipped", `<td class="bad">1 of 20 rows differ, at dual-write, `, "; id = 7</td>",
		"<p>1 of 1 rows that were read</p>\n<p><small>at dual-write: 7</small></p>")
	require.NotContains(t, answer.body, "<web-1>")
	require.NotContains(t, answer.body, "<script")

	s := read(t, url)
	require.Equal(t, dbcompat.DualWrite, s.State.Stage)
	require.Equal(t, "<web-1>", s.State.Instances[0].Name)
	require.Equal(t, int64(1), s.State.Verification.Mismatches)
	require.Equal(t, "advance", s.Steps[0].Verb)
	require.Equal(t, []map[string]string{{"stage": "dual-write", "key": "7"}}, s.Mismatches.Samples)
	require.Equal(t, "created", s.Events[len(s.Events)-1].What)
	require.NotEmpty(t, s.Took)
}

func TestTheContractAsAPersonSeesIt(t *testing.T) {
	pool, w := begun(t)
	url := served(t, w, console.Config{Events: -1})
	execute(t, pool, `DROP TRIGGER change_moves ON handover.changes; UPDATE handover.changes SET stage = 4, epoch = 4, settled_at = clock_timestamp()`)
	require.NoError(t, w.Hide(t.Context()))
	page := ask(t, "GET", url, browser).body
	parts(t, page, `<th>old columns</th><td class="warn">hidden since `, "<h2>Next: show</h2>", "<h2>Next: drop</h2>", "have been hidden for")
	require.NotContains(t, page, "What has happened")
	require.NoError(t, walk.New(pool, "<users>", walk.Config{Quiet: -1, Logger: slog.New(slog.DiscardHandler)}).Drop(t.Context()))
	page = ask(t, "GET", url, browser).body
	parts(t, page, `<th>old columns</th><td class="">dropped `)
	require.NotContains(t, page, "Next: ")
}

func TestWhatIsRefused(t *testing.T) {
	pool, w := begun(t)
	tests := map[string]struct {
		walk         *walk.Walk
		method, path string
		code         int
		want         string
	}{
		"another page":      {w, "GET", "x", 404, "there is no such page: there is ./"},
		"a write":           {w, "POST", "", 405, "POST is not for this: it changes nothing"},
		"no such change":    {walk.New(pool, "<other>", walk.Config{}), "GET", "", 404, "\\u003cother\\u003e: there is no such change"},
		"a walk of nothing": {walk.New(nil, "users", walk.Config{}), "GET", "", 503, "the pool is nil"},
		"no tables":         {walk.New(pool, "users", walk.Config{Schema: "elsewhere"}), "GET", "", 503, "the tables are not there: call Migrate first"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			url := served(t, tt.walk, console.Config{}) + tt.path
			answer := ask(t, tt.method, url, "*/*")
			require.Equal(t, tt.code, answer.code)
			require.Equal(t, "application/json", answer.header.Get("Content-Type"))
			require.Contains(t, answer.body, tt.want)
			page := ask(t, tt.method, url, browser)
			require.Equal(t, tt.code, page.code)
			require.Equal(t, "DENY", page.header.Get("X-Frame-Options"))
			require.Contains(t, page.body, "<h1>It did not work</h1>\n<p class=\"err bad\">")
			require.NotContains(t, page.body, "<other>")
		})
	}
	head := ask(t, "HEAD", served(t, w, console.Config{}), "")
	require.Equal(t, 200, head.code)
	require.Empty(t, head.body)
}

// A database that does not answer keeps nobody for longer than Timeout, and takes one
// connection, however many ask.
func TestADatabaseThatDoesNotAnswer(t *testing.T) {
	pool, w := begun(t)
	tx, err := pool.Begin(t.Context())
	require.NoError(t, err)
	execute(t, tx, "LOCK TABLE handover.changes IN ACCESS EXCLUSIVE MODE")
	c, err := console.New(w, console.Config{Timeout: time.Minute})
	require.NoError(t, err)
	first := make(chan string, 1)
	go func() { first <- direct(t.Context(), c) }()
	waiting := func() bool {
		var n int
		err := pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&n)
		return err == nil && n > 0
	}
	require.Eventually(t, waiting, time.Minute, time.Millisecond)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	require.Contains(t, direct(gone, c), "somebody else has asked, and has no answer yet: context canceled")
	hasty := ask(t, "GET", served(t, w, console.Config{Timeout: 50 * time.Millisecond}), "")
	require.Equal(t, 503, hasty.code)
	require.Contains(t, hasty.body, "context deadline exceeded")
	require.NoError(t, tx.Rollback(t.Context()))
	require.Contains(t, <-first, `"stage": "old"`)
}

func direct(ctx context.Context, c *console.Console) string {
	answer := httptest.NewRecorder()
	c.ServeHTTP(answer, httptest.NewRequestWithContext(ctx, "GET", "/", nil))
	return answer.Body.String()
}

func TestAConsoleThatIsWrong(t *testing.T) {
	_, err := console.New(nil, console.Config{})
	require.EqualError(t, err, "console: new: no walk: give the one of walk.New")
	_, err = console.New(walk.New(nil, "", walk.Config{}), console.Config{Timeout: -1})
	require.ErrorContains(t, err, "Config.Timeout is -1ns: give the time")
}
