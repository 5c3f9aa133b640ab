package change_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/change"
	"github.com/handover-go/handover/internal/pgtest"
)

// Each of them joins by itself as soon as what is missing is there.
func TestWhatDoesNotFitIsNotReadyAndJoinsWhenItDoes(t *testing.T) {
	tests := map[string]struct {
		config change.Config
		before string
		want   string
		after  string
	}{
		"there are no tables": {
			before: "ALTER SCHEMA handover RENAME TO elsewhere",
			want:   `the tables are not there: Migrate of package walk makes them: ERROR: relation "handover.changes" does not exist`,
			after:  "ALTER SCHEMA elsewhere RENAME TO handover",
		},
		"there is no such change": {
			before: "UPDATE handover.changes SET name = 'other'",
			want:   "there is no such change: create it with package walk",
			after:  "UPDATE handover.changes SET name = 'users-name'",
		},
		"the stage is too late for the build": {
			config: change.Config{Max: dbcompat.DualWrite},
			before: "INSERT INTO handover.changes (name, columns, stage) SELECT 'x', columns, 3 FROM handover.changes; DELETE FROM handover.changes WHERE name <> 'x'; UPDATE handover.changes SET name = 'users-name'",
			want:   "the change is at read-new, and this build can do old to dual-write: deploy one that can, or move the change",
			after:  "UPDATE handover.changes SET stage = 2, epoch = 2",
		},
		"the stage is too early for the build": {
			config: change.Config{Min: dbcompat.DualWrite},
			want:   "the change is at old, and this build can do dual-write to new: deploy one that can, or move the change",
			after:  "UPDATE handover.changes SET stage = 2, epoch = 2",
		},
		"the columns are others": {
			before: `UPDATE handover.changes SET columns = columns || '{"Table": "user", "Up": ["lower(name)"]}'`,
			want: `Table is ["users"] here, and ["user"] there: deploy a build that has the same, or make another change
Up is [] here, and ["lower(name)"] there: deploy a build that has the same, or make another change`,
			after: `UPDATE handover.changes SET columns = columns || '{"Table": "users", "Up": []}'`,
		},
		"what is there are no columns": {
			before: `UPDATE handover.changes SET columns = '[]'`,
			want:   "the columns of the change cannot be read: json: cannot unmarshal array",
			after:  `UPDATE handover.changes SET columns = '{"Table": "users", "Key": ["id"], "Old": ["name"], "New": ["display_name"]}'`,
		},
	}
	for what, tt := range tests {
		t.Run(what, func(t *testing.T) {
			pool := database(t, pg.Database(t))
			execute(t, pool, tt.before)
			tt.config.TTL, tt.config.Poll = calm.TTL, calm.Poll
			p := join(t, pool, tt.config)
			err := p.Check(t.Context())
			require.ErrorContains(t, err, "change: users-name: not joined: "+tt.want)
			require.ErrorIs(t, err, change.ErrNotJoined)
			_, pinned := p.Pin()
			require.EqualError(t, pinned, err.Error())
			require.ErrorContains(t, p.Status().Err, tt.want)
			execute(t, pool, tt.after)
			eventually(t, func() bool { return p.Check(t.Context()) == nil })
			require.Equal(t, 1, strings.Count(p.log.String(), "not joined"), "it is said once")
		})
	}
}

// An attempt whose COMMIT is done, but not heard of, leaves no second row.
func TestARowOfAnAttemptThatWasNotHeardOfIsReplaced(t *testing.T) {
	url := pg.Database(t)
	pool := database(t, url)
	var cut atomic.Int32
	deaf := openWith(t, url, func(config *pgxpool.Config) {
		dial := config.ConnConfig.DialFunc
		config.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			return &deafConn{Conn: conn, cut: &cut}, err
		}
	})
	p := join(t, deaf, calm)
	require.Equal(t, "1", query(t, pool, "SELECT count(*) FROM handover.change_instances"))
	eventually(t, func() bool { return p.Check(t.Context()) == nil })
	require.Equal(t, "1", query(t, pool, "SELECT count(*) FROM handover.change_instances"))
	require.NoError(t, p.Leave(t.Context()))
	require.Equal(t, "0", query(t, pool, "SELECT count(*) FROM handover.change_instances"))
	require.EqualValues(t, 1, cut.Load())
}

// deafConn breaks at the first answer to a COMMIT.
type deafConn struct {
	net.Conn
	cut *atomic.Int32
}

func (c *deafConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if bytes.Contains(b[:n], []byte("COMMIT\x00")) && c.cut.CompareAndSwap(0, 1) {
		_ = c.Close()
		return 0, io.ErrUnexpectedEOF
	}
	return n, err
}

// The isolation level is whatever the role has as its default.
func TestADefaultIsolationLevel(t *testing.T) {
	pool := database(t, pg.Database(t))
	execute(t, pool, "ALTER DATABASE "+pool.Config().ConnConfig.Database+" SET default_transaction_isolation = 'serializable'")
	pool.Reset()
	p := join(t, pool, calm)
	require.NoError(t, p.Check(t.Context()))
	move(t, pool, 1)
	eventually(t, func() bool { return rows(t, pool) == "web-1 2" })
}

// The server's clock is an hour ahead of ours, or behind: all times are its own.
func TestAClockThatIsWrongByAnHour(t *testing.T) {
	for _, by := range []string{"1 hour", "-1 hour"} {
		t.Run(by, func(t *testing.T) {
			url := pg.Database(t)
			pool := database(t, url)
			execute(t, pool, `CREATE SCHEMA clock; CREATE FUNCTION clock.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS
				$$SELECT pg_catalog.clock_timestamp() + interval '`+by+`'$$`)
			wrong := openWith(t, url, func(config *pgxpool.Config) {
				config.ConnConfig.RuntimeParams["search_path"] = "public, clock, pg_catalog"
			})
			p := join(t, wrong, calm)
			move(t, pool, 1)
			eventually(t, func() bool { return p.Status().Acknowledged == 2 })
			require.True(t, p.Status().Held)
			require.Equal(t, "true", query(t, wrong, "SELECT expires_at - clock_timestamp() BETWEEN '8 minutes' AND '10 minutes' FROM handover.change_instances"))
		})
	}
}

// A role that can do what an instance does, and cannot move a change: a lock on its row
// takes the right to write one of its columns.
func TestARoleOfItsOwn(t *testing.T) {
	server := pgtest.New(pgtest.Config{}).For(t)
	pool := database(t, server.URL())
	fence(t, pool)
	execute(t, pool, `CREATE ROLE app; GRANT USAGE ON SCHEMA handover TO app; GRANT SELECT, UPDATE (updated_at) ON handover.changes TO app;
		GRANT SELECT, INSERT, UPDATE, DELETE ON handover.change_instances TO app; GRANT SELECT ON handover.change_1_floor TO app`)
	app := openWith(t, server.URL(), func(config *pgxpool.Config) { config.ConnConfig.RuntimeParams["role"] = "app" })
	p := join(t, app, calm)
	move(t, pool, 1)
	eventually(t, func() bool { return p.Status().Acknowledged == 2 })
	require.NoError(t, p.InTx(t.Context(), func(pgx.Tx, dbcompat.Stage) error { return nil }))
	require.NoError(t, p.Leave(t.Context()))
	_, err := app.Exec(t.Context(), moves(1))
	require.ErrorContains(t, err, "42501")
}

func TestMisuse(t *testing.T) {
	ctx := t.Context()
	pool := open(t, pg.Database(t))
	mistaken := change.New(nil, "", dbcompat.Columns{}, change.Config{
		Schema: `a"b`, TTL: -1, Poll: 1, Min: dbcompat.New, Max: dbcompat.Old, Version: "\x00", Name: "\xff",
	})
	for what, err := range map[string]error{
		"Join": mistaken.Join(ctx), "Run": mistaken.Run(ctx), "Check": mistaken.Check(ctx),
		"InTx": mistaken.InTx(ctx, func(pgx.Tx, dbcompat.Stage) error { return nil }),
	} {
		for _, want := range []string{
			"pool is nil", "name is empty", "Table", "Key", "Config.Schema", "Config.TTL", "Config.Poll",
			"Config.Min is new and Max old", "Config.Version", "Config.Name",
		} {
			require.ErrorContains(t, err, want, what)
		}
	}
	require.NoError(t, mistaken.Leave(ctx))

	c := change.New(pool, "users-name", name.Columns(), change.Config{})
	_, err := c.Pin()
	require.EqualError(t, err, "change: users-name: not joined: Join has not been called: it is the component's Start")
	require.ErrorContains(t, c.Run(ctx), "change: run users-name: Join has not been called")
	require.EqualError(t, c.InTx(ctx, nil), "change: transaction of users-name: the function is nil")

	p := join(t, database(t, pg.Database(t)), calm)
	require.EqualError(t, p.Join(ctx), "change: join users-name: it has been called before, and Run joins again by itself")
	move(t, p.pool, 1)
	p.at(t, dbcompat.DualWrite) // so it runs
	require.EqualError(t, p.Run(ctx), "change: run users-name: it runs already")

	var none change.Pin
	none.Release()
	require.ErrorIs(t, none.Held(), change.ErrNotJoined)
	require.Equal(t, "Stage(0) 0 true", fmt.Sprintf("%v %v %v", none.Stage(), none.Epoch(), none.Fence()))
	require.False(t, change.Fenced(nil))
}

func TestWhoHasNeverJoinedHasNothingToGiveBack(t *testing.T) {
	columns := name.Columns()
	for name, test := range map[string]struct{ url, why string }{
		"the database is not there": {"host=/nowhere user=app database=app", "the database does not answer"},
		"the tables are not there":  {pg.Database(t), "the tables are not there"},
	} {
		t.Run(name, func(t *testing.T) {
			p := change.New(open(t, test.url), "users-name", columns, change.Config{Logger: slog.New(slog.DiscardHandler)})
			require.NoError(t, p.Join(t.Context()))
			require.ErrorContains(t, p.Check(t.Context()), test.why)
			require.NoError(t, p.Leave(t.Context()))
		})
	}
}
