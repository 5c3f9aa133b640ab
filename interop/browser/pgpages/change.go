package pgpages

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/backfill"
	"github.com/handover-go/handover/dbcompat/change"
	"github.com/handover-go/handover/dbcompat/change/console"
	"github.com/handover-go/handover/dbcompat/change/walk"
)

const (
	usersName = "users-name"
	users     = `CREATE TABLE users (id int PRIMARY KEY, name text, display_name text);
		INSERT INTO users SELECT i, 'user ' || i FROM generate_series(1, 500) AS i`
)

// Change is the page of a change that is at dual-write, filled, with a row that differs
// and two instances.
func Change(t testing.TB, url string) http.Handler {
	t.Helper()
	pool := connect(t, url)
	quiet := slog.New(slog.DiscardHandler)
	execute := func(sql string) {
		_, err := pool.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol)
		must(t, err)
	}
	displayName := dbcompat.Columns{Table: "users", Key: []string{"id"}, Old: []string{"name"}, New: []string{"display_name"}}
	execute(users)
	w := walk.New(pool, usersName, walk.Config{Actor: "ada@laptop-4711.example.org", Poll: 20 * time.Millisecond, Logger: quiet})
	must(t, w.Migrate(t.Context()))
	must(t, w.Create(t.Context(), displayName, walk.Options{Fence: true}))
	var mismatches dbcompat.Mismatches
	for _, name := range []string{"web-5d8f7c9b6-x2x7q", "web-5d8f7c9b6-k9s4m"} {
		c := change.New(pool, usersName, displayName, change.Config{Name: name, Version: "4f1c2d7", Poll: 20 * time.Millisecond, Logger: quiet})
		must(t, c.Join(t.Context()))
		Background(t, c.Run)
		t.Cleanup(func() { must(t, c.Leave(context.WithoutCancel(t.Context()))) })
	}
	must(t, w.Advance(t.Context(), dbcompat.DualWrite))
	must(t, w.Wait(t.Context()))
	fill, err := w.Backfill(t.Context(), backfill.Config{})
	must(t, err)
	must(t, fill.Run(t.Context()))
	execute("ALTER TABLE users DISABLE TRIGGER USER; UPDATE users SET display_name = 'somebody else' WHERE id = 7; ALTER TABLE users ENABLE TRIGGER USER")
	_, err = w.Verify(t.Context(), backfill.Config{})
	must(t, err)
	var id int
	var name string
	into := append([]any{&id}, displayName.Into(dbcompat.DualWrite, []any{&name}, &mismatches, &id)...)
	must(t, pool.QueryRow(t.Context(), "SELECT id, "+displayName.Select(dbcompat.DualWrite, "")+" FROM users WHERE id = 7").Scan(into...))
	page, err := console.New(w, console.Config{Mismatches: &mismatches, Timeout: time.Minute})
	must(t, err)
	return page
}
