package change_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/change"
	"github.com/handover-go/handover/dbcompat/change/internal/store"
	"github.com/handover-go/handover/internal/pgtest"
)

var pg = pgtest.New(pgtest.Config{})

var name = dbcompat.Column[string]{Table: "users", Key: "id", Old: "name", New: "display_name"}

// patience is for a machine that is busy with other things.
const patience = time.Minute

// calm is a config whose lease does not end during a test, whatever the machine does.
var calm = change.Config{TTL: 10 * time.Minute, Poll: 5 * time.Millisecond, Name: "web-1", Version: "v1"}

// database makes the tables, a change at old, and a row.
func database(t testing.TB, url string) *pgxpool.Pool {
	t.Helper()
	pool := open(t, url)
	require.NoError(t, store.In("handover").Apply(t.Context(), pool))
	columns, err := json.Marshal(name.Columns())
	require.NoError(t, err)
	execute(t, pool, "INSERT INTO handover.changes (name, columns) VALUES ('users-name', '"+string(columns)+"')")
	execute(t, pool, "CREATE TABLE users (id int PRIMARY KEY, name text, display_name text); INSERT INTO users VALUES (1, 'Ada', NULL)")
	return pool
}

func open(t testing.TB, url string) *pgxpool.Pool {
	t.Helper()
	return openWith(t, url, func(*pgxpool.Config) {})
}

func openWith(t testing.TB, url string, change func(*pgxpool.Config)) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(url)
	require.NoError(t, err)
	config.MaxConns = 8
	change(config)
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

func execute(t testing.TB, pool *pgxpool.Pool, sql string) {
	t.Helper()
	_, err := pool.Exec(context.WithoutCancel(t.Context()), sql, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err, sql)
}

// query gives the rows, the columns of each with spaces between.
func query(t testing.TB, pool *pgxpool.Pool, sql string) string {
	t.Helper()
	rows, err := pool.Query(t.Context(), sql)
	require.NoError(t, err)
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
		values, err := row.Values()
		return strings.TrimSpace(fmt.Sprintln(values...)), err
	})
	require.NoError(t, err, sql)
	return strings.Join(all, ", ")
}

// rows is what the instances have acknowledged.
func rows(t testing.TB, pool *pgxpool.Pool) string {
	t.Helper()
	return query(t, pool, "SELECT name, epoch FROM handover.change_instances ORDER BY name")
}

// fence makes one, as walk does.
func fence(t testing.TB, pool *pgxpool.Pool) store.Fence {
	t.Helper()
	f := store.Fence{Schema: `"handover"`}
	require.NoError(t, pool.QueryRow(t.Context(), "SELECT id FROM handover.changes").Scan(&f.ID))
	execute(t, pool, f.Create(1)+"UPDATE handover.changes SET fenced = true")
	return f
}

// move is what walk does, without asking whether it may.
func move(t testing.TB, pool *pgxpool.Pool, by int) {
	t.Helper()
	execute(t, pool, moves(by))
}

// moves is that in one transaction.
func moves(by int) string {
	return fmt.Sprintf(`UPDATE handover.changes SET settled_at = clock_timestamp();
		UPDATE handover.changes SET stage = stage + %d, epoch = epoch + 1`, by)
}

// A part is a Change that runs until the test ends, or stop.
type part struct {
	*change.Change
	pool *pgxpool.Pool
	log  *diary
	stop func()
}

func join(t testing.TB, pool *pgxpool.Pool, config change.Config) part {
	t.Helper()
	p := part{pool: pool, log: new(diary)}
	config.Logger = slog.New(slog.NewTextHandler(p.log, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == "change" {
				return slog.Attr{}
			}
			return a
		},
	}))
	p.Change = change.New(pool, "users-name", name.Columns(), config)
	require.NoError(t, p.Join(t.Context()))
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var ran sync.WaitGroup
	ran.Go(func() {
		if err := p.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	p.stop = func() {
		cancel()
		ran.Wait()
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		_ = p.Leave(ctx) // so that no query is cut off, which takes pgx a while
		p.stop()
	})
	return p
}

// diary is what has been logged.
type diary struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (d *diary) Write(line []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.Write(line)
}

func (d *diary) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.String()
}

func eventually(t testing.TB, is func() bool) {
	t.Helper()
	require.Eventually(t, is, patience, time.Millisecond)
}

func (p part) at(t testing.TB, stage dbcompat.Stage) {
	t.Helper()
	eventually(t, func() bool { return p.Status().Stage == stage })
}
