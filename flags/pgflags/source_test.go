package pgflags_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/flagstest"
	"github.com/handover-go/handover/flags/pgflags"
)

// Break lets nobody into the database any more, and throws out who is there.
func TestPostgreSQLIsASource(t *testing.T) {
	flagstest.TestSource(t, func(t *testing.T) flagstest.Store {
		pool := fresh(t)
		name := pool.Config().ConnConfig.Database
		doors := func(sql string) func() error {
			return func() error {
				ctx := context.WithoutCancel(t.Context())
				config := pool.Config().ConnConfig.Copy()
				config.Database = "postgres"
				admin, err := pgx.ConnectConfig(ctx, config)
				if err != nil {
					return err
				}
				_, err = admin.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol)
				pool.Reset() // its connections are dead, which it finds out one query at a time
				return errors.Join(err, admin.Close(ctx))
			}
		}
		return flagstest.Store{
			Source: pgflags.New(pool, pgflags.Config{}),
			Set:    func(definitions []byte) error { return exchange(t.Context(), pool, definitions) },
			Break: doors(`ALTER DATABASE ` + pgx.Identifier{name}.Sanitize() + ` ALLOW_CONNECTIONS false;
				SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '` + name + `'`),
			Repair: doors(`ALTER DATABASE ` + pgx.Identifier{name}.Sanitize() + ` ALLOW_CONNECTIONS true`),
		}
	})
}

// exchange makes these the definitions, in one transaction.
func exchange(ctx context.Context, pool *pgxpool.Pool, definitions []byte) error {
	doc := struct {
		Metadata   json.RawMessage            `json:"metadata"`
		Evaluators json.RawMessage            `json:"$evaluators"`
		Flags      map[string]json.RawMessage `json:"flags"`
	}{Metadata: []byte("{}"), Evaluators: []byte("{}")}
	if err := json.Unmarshal(definitions, &doc); err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		keys := make([]string, 0, len(doc.Flags))
		for key, flag := range doc.Flags {
			keys = append(keys, key)
			if _, err := tx.Exec(ctx, `INSERT INTO handover.flags (key, definition) VALUES ($1, $2)
				ON CONFLICT (set, key) DO UPDATE SET definition = EXCLUDED.definition
				WHERE flags.definition IS DISTINCT FROM EXCLUDED.definition`, key, string(flag)); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `DELETE FROM handover.flags WHERE NOT key = ANY($1)`, keys); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE handover.flag_sets SET metadata = $1, evaluators = $2
			WHERE (metadata, evaluators) IS DISTINCT FROM ($1, $2)`, string(doc.Metadata), string(doc.Evaluators))
		return err
	})
}

// A client that is told of a kill in plain SQL, in a request that is under way and after
// Freeze, while it polls once an hour.
func TestAKillInSQLReachesAPinnedRequest(t *testing.T) {
	pool := fresh(t)
	execute(t, pool, `INSERT INTO handover.flags (key, definition) VALUES ('checkout', '`+on+`')`)
	checkout := flags.Bool("checkout", false)
	fl := flags.New(pgflags.New(pool, pgflags.Config{}), flags.Config{Interval: time.Hour}, checkout)
	require.NoError(t, fl.Start(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- fl.Run(ctx) }()

	request := fl.Pin(t.Context(), flags.Subject{Key: "ada"})
	require.True(t, checkout.On(request))
	require.NoError(t, fl.Freeze(t.Context()))
	execute(t, pool, `UPDATE handover.flags SET killed = true WHERE key = 'checkout'`)
	killed := time.Now()
	for checkout.On(request) {
		require.Less(t, time.Since(killed), patience)
	}
	t.Logf("off %v after the update", time.Since(killed).Round(time.Millisecond))
	cancel()
	require.NoError(t, <-ran)
}
