package console_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/change/console"
	"github.com/handover-go/handover/dbcompat/change/walk"
	"github.com/handover-go/handover/internal/pgtest"
)

// healthCheck sleeps for half a second after a pool has closed a connection.
const healthCheck = "github.com/jackc/pgx/v5/pgxpool.(*Pool).triggerHealthCheck.func1"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction(healthCheck)) }

var pg = pgtest.New(pgtest.Config{})

var displayName = dbcompat.Columns{Table: "users", Key: []string{"id"}, Old: []string{"name"}, New: []string{"display_name"}}

const users = `CREATE TABLE users (id int PRIMARY KEY, name text, display_name text);
	INSERT INTO users SELECT i, 'user ' || i FROM generate_series(1, 20) AS i`

// begun is a database with a change that has a name of markup.
func begun(t *testing.T) (*pgxpool.Pool, *walk.Walk) {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), pg.Database(t))
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	execute(t, pool, users)
	w := walk.New(pool, "<users>", walk.Config{Actor: "ada & co", Poll: time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, w.Migrate(t.Context()))
	require.NoError(t, w.Create(t.Context(), displayName, walk.Options{Fence: true}))
	return pool, w
}

type executor interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

func execute(t *testing.T, db executor, sql string) {
	t.Helper()
	_, err := db.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err, sql)
}

// served is the address of a console below /ops/change/.
func served(t *testing.T, w *walk.Walk, config console.Config) string {
	t.Helper()
	c, err := console.New(w, config)
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/ops/change/", http.StripPrefix("/ops/change", c))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL + "/ops/change/"
}

// got is an answer.
type got struct {
	code   int
	header http.Header
	body   string
}

func ask(t *testing.T, method, url, accept string) got {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
	require.NoError(t, err)
	r.Header.Set("Accept", accept)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(r)
	require.NoError(t, err)
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	return got{response.StatusCode, response.Header, string(body)}
}

// shown is the JSON that a program would look at.
type shown struct {
	Error      string       `json:"error"`
	State      walk.State   `json:"state"`
	Steps      []walk.Step  `json:"steps"`
	Events     []walk.Event `json:"events"`
	Mismatches *struct {
		Compared uint64              `json:"compared"`
		Differ   uint64              `json:"differ"`
		Samples  []map[string]string `json:"samples"`
	} `json:"mismatches"`
	Took string `json:"took"`
}

func read(t *testing.T, url string) shown {
	t.Helper()
	var s shown
	require.NoError(t, json.Unmarshal([]byte(ask(t, "GET", url, "").body), &s))
	return s
}
