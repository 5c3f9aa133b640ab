package ddl_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat/ddl"
)

// blocked are the operations, and what is in the way of each.
var blocked = map[string]struct {
	before string // so that there is something to do
	op     ddl.Operation
	by     string // a transaction that has done this
	holds  string
}{
	"a column behind a reader":     {"", ddl.AddColumn{Table: "users", Column: "a", Type: "int"}, "SELECT FROM users", "AccessShare on users"},
	"a default behind a reader":    {"", ddl.SetDefault{Table: "users", Column: "name", Default: "''"}, "SELECT FROM users", "AccessShare on users"},
	"a check behind a reader":      {"", ddl.Check{Table: "users", Name: "c", Expression: "id > 0"}, "SELECT FROM users", "AccessShare on users"},
	"NOT NULL behind a reader":     {"", ddl.SetNotNull{Table: "users", Column: "name"}, "SELECT FROM users", "AccessShare on users"},
	"NULL behind a reader":         {"ALTER TABLE users ALTER name SET NOT NULL", ddl.DropNotNull{Table: "users", Column: "name"}, "SELECT FROM users", "AccessShare on users"},
	"no constraint and a reader":   {"ALTER TABLE users ADD CONSTRAINT c CHECK (id > 0)", ddl.DropConstraint{Table: "users", Name: "c"}, "SELECT FROM users", "AccessShare on users"},
	"no column and a reader":       {"", ddl.DropColumn{Table: "users", Column: "name"}, "SELECT FROM users", "AccessShare on users"},
	"a key behind a writer":        {"", ddl.ForeignKey{Table: "users", Name: "f", Columns: []string{"team"}, References: "teams"}, "UPDATE teams SET id = id", "RowExclusive on teams"},
	"an index behind a writer":     {"", ddl.CreateIndex{Table: "users", Name: "i", Columns: []string{"name"}}, "UPDATE users SET id = id", "RowExclusive on users"},
	"an index behind an ALTER":     {"", ddl.CreateIndex{Table: "users", Name: "i", Columns: []string{"name"}}, "ALTER TABLE users ALTER name SET STATISTICS 5", "ShareUpdateExclusive on users"},
	"a unique index and a writer":  {"", ddl.Unique{Table: "users", Name: "u", Columns: []string{"name"}}, "UPDATE users SET id = id", "RowExclusive on users"},
	"no index and a writer":        {"CREATE INDEX i ON users (name)", ddl.DropIndex{Table: "users", Name: "i"}, "UPDATE users SET id = id", "RowExclusive on users"},
	"no index and a reader":        {"CREATE INDEX i ON users (name)", ddl.DropIndex{Table: "users", Name: "i"}, "SELECT FROM users", "AccessShare on users"},
	"an index and an old snapshot": {"", ddl.CreateIndex{Table: "users", Name: "i", Columns: []string{"name"}}, "SELECT FROM teams", "a snapshot"},
}

func TestAStepWhoseBlockerStaysEndsAndNamesIt(t *testing.T) {
	pool := fresh(t, "")
	for name, tt := range blocked {
		t.Run(name, func(t *testing.T) {
			again(t, pool, users+";"+tt.before)
			before := state(t, pool)
			end := hold(t, pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, tt.by)
			planned := plan(t, pool, tt.op)
			require.Len(t, planned[0].Blockers, 1, "who would be in the way")
			require.Equal(t, tt.holds, planned[0].Blockers[0].Holds)
			require.Contains(t, planned.String(), tt.by)

			err := ddl.New(pool, impatient).Run(t.Context(), tt.op)
			var is *ddl.BlockedError
			require.ErrorAs(t, err, &is)
			require.ErrorContains(t, err, "55P03")
			require.Equal(t, 2, is.Attempts)
			require.Equal(t, tt.op.String(), is.Operation)
			require.Len(t, is.Blockers, 1)
			is.Blockers[0].PID, is.Blockers[0].Age = 0, 0
			require.Equal(t, ddl.Blocker{Application: "tests", User: "postgres", State: "idle in transaction", Holds: tt.holds, Query: tt.by}, is.Blockers[0])

			end()
			require.NoError(t, run(t, pool, tt.op))
			require.NotEqual(t, before, state(t, pool))
			require.NotContains(t, strings.Join(state(t, pool), "\n"), "invalid")
		})
	}
}

func TestAStepWhoseBlockerLeavesIsDone(t *testing.T) {
	pool := fresh(t, "")
	for name, tt := range blocked {
		t.Run(name, func(t *testing.T) {
			again(t, pool, users+";"+tt.before)
			end := hold(t, pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, tt.by)
			var happened []string
			config := impatient
			config.Attempts = 3
			config.Logger = slog.New(diary{slog.DiscardHandler, func(message string) {
				happened = append(happened, message)
				end()
			}})
			require.NoError(t, ddl.New(pool, config).Run(t.Context(), tt.op))
			require.Equal(t, "a step is blocked", happened[0])
			require.Equal(t, []string{"a step is blocked", "a step is done"}, slices.Compact(happened))
			for _, s := range plan(t, pool, tt.op) {
				require.True(t, s.Done, s.SQL)
			}
		})
	}
}

// What all of this is for: a reader that comes while a step waits, waits with it.
func TestAReaderWaitsNoLongerThanTheLockTimeout(t *testing.T) {
	const timeout = time.Second
	pool := fresh(t, users)
	hold(t, pool, pgx.TxOptions{}, "SELECT FROM users")
	config := ddl.Config{LockTimeout: timeout, Attempts: 2, Pause: 50 * time.Millisecond, Logger: silent}
	ended := make(chan error)
	go func() {
		ended <- ddl.New(pool, config).Run(context.WithoutCancel(t.Context()), ddl.AddColumn{Table: "users", Column: "a", Type: "int"})
	}()
	var longest time.Duration
	for {
		select {
		case err := <-ended:
			var is *ddl.BlockedError
			require.ErrorAs(t, err, &is)
			t.Log("a reader has waited for", longest)
			require.Greater(t, longest, timeout/2, "the reader has not been in the queue, and nothing has been measured")
			require.Less(t, longest, 2*timeout)
			return
		default:
		}
		began := time.Now()
		execute(t, pool, "SELECT FROM users")
		longest = max(longest, time.Since(began))
	}
}

func TestTheEndOfTheContextIsTheEnd(t *testing.T) {
	pool := fresh(t, users)
	hold(t, pool, pgx.TxOptions{}, "SELECT FROM users")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	config := ddl.Config{LockTimeout: time.Millisecond, Pause: time.Hour}
	config.Logger = slog.New(diary{slog.DiscardHandler, func(string) { cancel() }})
	err := ddl.New(pool, config).Run(ctx, ddl.AddColumn{Table: "users", Column: "a", Type: "int"})
	var is *ddl.BlockedError
	require.ErrorAs(t, err, &is)
	require.ErrorIs(t, err, context.Canceled)
	require.Len(t, is.Blockers, 1)
	require.ErrorContains(t, err, "waits for pid")

	// And in the middle of a later attempt, for which it can only say who was there before.
	attempts := 0
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	config.LockTimeout, config.Pause = 100*time.Millisecond, -1
	config.Logger = slog.New(diary{slog.DiscardHandler, func(string) {
		if attempts++; attempts == 1 {
			time.AfterFunc(config.LockTimeout/2, cancel)
		}
	}})
	require.ErrorAs(t, ddl.New(pool, config).Run(ctx, ddl.AddColumn{Table: "users", Column: "a", Type: "int"}), &is)
	require.ErrorIs(t, is, context.Canceled)
	require.Len(t, is.Blockers, 1)
}

// A pool of one connection is enough, and it is as it was afterwards.
func TestASessionIsLeftAsItWas(t *testing.T) {
	url := pg.Database(t)
	pool := open(t, url, 1)
	execute(t, pool, users)
	execute(t, pool, "SET lock_timeout = '7s'; SET statement_timeout = '8s'")
	config := impatient
	config.ConcurrentTimeout = time.Minute
	require.NoError(t, ddl.New(pool, config).Run(t.Context(),
		ddl.CreateIndex{Table: "users", Name: "i", Columns: []string{"name"}}, ddl.SetNotNull{Table: "users", Column: "name"}))
	require.Equal(t, []string{"7s 8s"}, query(t, pool, "SELECT current_setting('lock_timeout'), current_setting('statement_timeout')"))
}

// pooled is a connection through a pooler that gives another session each time, as far as
// one can tell: the key is the pooler's own.
type pooled struct{ net.Conn }

func (c pooled) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if i := bytes.Index(b[:n], []byte{'K', 0, 0, 0, 12}); i >= 0 {
		b[i+8] ^= 0x55
	}
	return n, err
}

func TestWhatNeedsASessionIsRefusedThroughAPooler(t *testing.T) {
	config := fresh(t, users).Config()
	config.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		return pooled{conn}, err
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	require.ErrorContains(t, run(t, pool, ddl.CreateIndex{Table: "users", Name: "i", Columns: []string{"name"}}), "there is a pooler in between")
	require.NoError(t, run(t, pool, ddl.SetNotNull{Table: "users", Column: "name"}))
}

func TestAPreparedTransactionIsABlockerToo(t *testing.T) {
	server := pgtestWith(t, map[string]string{"max_prepared_transactions": "2"})
	pool := open(t, server, 2)
	execute(t, pool, users)
	execute(t, pool, "BEGIN; LOCK TABLE users IN ACCESS SHARE MODE; PREPARE TRANSACTION 'x'")
	blockers := plan(t, pool, ddl.DropColumn{Table: "users", Column: "name"})[0].Blockers
	require.Len(t, blockers, 1)
	require.Equal(t, "prepared transaction", blockers[0].Application)
	require.Zero(t, blockers[0].PID)
	execute(t, pool, "ROLLBACK PREPARED 'x'")
}
