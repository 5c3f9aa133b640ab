//go:build unix

package pgcolumn_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/launchdarkly/go-sdk-common/v3/ldmigration"
	"github.com/launchdarkly/go-sdk-common/v3/ldvalue"
	ldclient "github.com/launchdarkly/go-server-sdk/v7"
	"github.com/launchdarkly/go-server-sdk/v7/ldcomponents"
	"github.com/launchdarkly/go-server-sdk/v7/testhelpers/ldtestdata"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/internal/pgtest"
	"github.com/handover-go/handover/interop/migrate/pgcolumn"
)

// healthCheck sleeps for half a second after a pool has closed a connection.
const healthCheck = "github.com/jackc/pgx/v5/pgxpool.(*Pool).triggerHealthCheck.func1"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction(healthCheck)) }

var pg = pgtest.New(pgtest.Config{})

const flag = "users-display-name"

// Each side makes a program that saves and reads names.
var sides = map[string]func(t *testing.T, client *ldclient.LDClient, pool *pgxpool.Pool) program{
	"before": newBefore,
	"after":  newAfter,
}

type program struct {
	save func(pgcolumn.User) error
	read func(id int64) (any, error)
}

func newBefore(t *testing.T, client *ldclient.LDClient, pool *pgxpool.Pool) program {
	t.Helper()
	migrator, err := pgcolumn.NewMigrator(client, pool)
	require.NoError(t, err)
	return program{
		save: func(u pgcolumn.User) error { return pgcolumn.Save(migrator, u) },
		read: func(id int64) (any, error) { return pgcolumn.Read(migrator, id) },
	}
}

func newAfter(t *testing.T, client *ldclient.LDClient, pool *pgxpool.Pool) program {
	t.Helper()
	names := pgcolumn.NewNames(pool, pgcolumn.StageOf(client))
	return program{
		save: func(u pgcolumn.User) error { return names.Save(t.Context(), u) },
		read: func(id int64) (any, error) { return names.Read(t.Context(), id) },
	}
}

func TestBothSidesDoAsTheFlagSays(t *testing.T) {
	for name, side := range sides {
		t.Run(name, func(t *testing.T) {
			url := users(t)
			stage, pool := clientAt(t, ldmigration.Off), open(t, url, nil)
			p := side(t, stage.client, pool)
			for at, want := range map[ldmigration.Stage][2]string{
				ldmigration.Off:       {"off", "Ada"},
				ldmigration.DualWrite: {"dualwrite", "dualwrite"},
				ldmigration.Shadow:    {"shadow", "shadow"},
				ldmigration.Live:      {"live", "live"},
				ldmigration.RampDown:  {"rampdown", "rampdown"},
				ldmigration.Complete:  {"Ada", "complete"},
			} {
				exec(t, pool, "UPDATE users SET name = 'Ada', display_name = 'Ada'")
				stage.say(at)
				require.NoError(t, p.save(pgcolumn.User{ID: 1, Name: string(at)}))
				require.Equal(t, want, columns(t, pool), at)
				got, err := p.read(1)
				require.NoError(t, err)
				require.EqualValues(t, at, got)
			}
		})
	}
}

// The first writer has sent its last statement, and before that arrives the second one
// writes. Whoever is last, the columns have to be the same.
func TestOfTwoWritersAtOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		held string    // the statement of the first writer that is on its way
		want [2]string // the two columns
	}{
		"before": {held: "SET display_name", want: [2]string{"Grace", "Ada"}},
		"after":  {held: `SET "name"`, want: [2]string{"Ada", "Ada"}},
	} {
		t.Run(name, func(t *testing.T) {
			url := users(t)
			stage := clientAt(t, ldmigration.DualWrite)
			slow := &hold{statement: tt.held, sent: make(chan struct{}), arrive: make(chan struct{})}
			pool := open(t, url, nil)
			first := sides[name](t, stage.client, open(t, url, slow))
			second := sides[name](t, stage.client, pool)

			saved := make(chan error)
			go func() { saved <- first.save(pgcolumn.User{ID: 1, Name: "Ada"}) }()
			<-slow.sent
			require.NoError(t, second.save(pgcolumn.User{ID: 1, Name: "Grace"}))
			close(slow.arrive)
			require.NoError(t, <-saved)
			require.Equal(t, tt.want, columns(t, pool))
		})
	}
}

func TestOfAWriteThatOneColumnRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		refused bool
		want    [2]string
	}{
		"before": {refused: false, want: [2]string{"Augusta Ada King", "Ada"}},
		"after":  {refused: true, want: [2]string{"Ada", "Ada"}},
	} {
		t.Run(name, func(t *testing.T) {
			pool := open(t, users(t), nil)
			exec(t, pool, "ALTER TABLE users ADD CHECK (length(display_name) < 10)")
			p := sides[name](t, clientAt(t, ldmigration.DualWrite).client, pool)
			err := p.save(pgcolumn.User{ID: 1, Name: "Augusta Ada King"})
			require.Equal(t, tt.refused, err != nil, err)
			require.Equal(t, tt.want, columns(t, pool))
		})
	}
}

// The fleet is at Live. One instance has not got the flag: it is archived, or of another
// environment, or LaunchDarkly could never be reached.
func TestOfAnInstanceThatKnowsNoStage(t *testing.T) {
	for name, tt := range map[string]struct {
		refused bool
		reads   string
	}{
		"before": {refused: false, reads: "Ada"},
		"after":  {refused: true, reads: "Ada"},
	} {
		t.Run(name, func(t *testing.T) {
			pool := open(t, users(t), nil)
			alone := sides[name](t, clientAt(t, "").client, pool)
			others := sides[name](t, clientAt(t, ldmigration.Live).client, pool)

			err := alone.save(pgcolumn.User{ID: 1, Name: "Grace"})
			require.Equal(t, tt.refused, err != nil, err) // not refused, and not to be read: lost
			got, err := others.read(1)
			require.NoError(t, err)
			require.Equal(t, tt.reads, got)
		})
	}
}

func TestAStageThatIsNoneIsRefused(t *testing.T) {
	pool := open(t, users(t), nil)
	p := newAfter(t, clientAt(t, "shadows").client, pool)
	require.ErrorContains(t, p.save(pgcolumn.User{ID: 1, Name: "Grace"}), `users-display-name says "shadows"`)
	require.Equal(t, [2]string{"Ada", "Ada"}, columns(t, pool))
}

func TestRowsFromBeforeAreFilledAndCompared(t *testing.T) {
	pool := open(t, users(t), nil)
	exec(t, pool, "INSERT INTO users SELECT i, 'name ' || i FROM generate_series(2, 1000) i")
	stage := clientAt(t, ldmigration.Shadow)
	names := pgcolumn.NewNames(pool, pgcolumn.StageOf(stage.client))
	differ, err := names.Fill(t.Context())
	require.NoError(t, err)
	require.Zero(t, differ)

	stage.say(ldmigration.Live)
	name, err := names.Read(t.Context(), 1000)
	require.NoError(t, err)
	require.Equal(t, "name 1000", name)
}

// users is a database with one user, and both columns.
func users(t *testing.T) (url string) {
	t.Helper()
	url = pg.Database(t)
	pool := open(t, url, nil)
	exec(t, pool, "CREATE TABLE users (id bigint PRIMARY KEY, name text, display_name text)")
	exec(t, pool, "INSERT INTO users VALUES (1, 'Ada', 'Ada')")
	return url
}

func open(t *testing.T, url string, tracer pgx.QueryTracer) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(url)
	require.NoError(t, err)
	config.ConnConfig.Tracer = tracer
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

func exec(t *testing.T, pool *pgxpool.Pool, sql string) {
	t.Helper()
	_, err := pool.Exec(t.Context(), sql)
	require.NoError(t, err)
}

// columns are name and display_name of the first user.
func columns(t *testing.T, pool *pgxpool.Pool) (both [2]string) {
	t.Helper()
	err := pool.QueryRow(t.Context(), "SELECT name, display_name FROM users WHERE id = 1").Scan(&both[0], &both[1])
	require.NoError(t, err)
	return both
}

// hold keeps a statement on its way to the server.
type hold struct {
	statement    string
	sent, arrive chan struct{}
}

func (h *hold) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	if strings.Contains(data.SQL, h.statement) {
		close(h.sent)
		<-h.arrive
	}
	return ctx
}

func (h *hold) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// launchDarkly is its client, with flags that a test sets.
type launchDarkly struct {
	client *ldclient.LDClient
	flags  *ldtestdata.TestDataSource
}

// clientAt returns a client at a stage; "": it has never heard of the flag.
func clientAt(t *testing.T, stage ldmigration.Stage) *launchDarkly {
	t.Helper()
	ld := &launchDarkly{flags: ldtestdata.DataSource()}
	if stage != "" {
		ld.say(stage)
	}
	var err error
	ld.client, err = ldclient.MakeCustomClient("no key", ldclient.Config{
		DataSource: ld.flags,
		Events:     ldcomponents.NoEvents(),
		Logging:    ldcomponents.NoLogging(),
	}, time.Minute)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ld.client.Close()) })
	return ld
}

func (ld *launchDarkly) say(stage ldmigration.Stage) {
	ld.flags.Update(ld.flags.Flag(flag).ValueForAll(ldvalue.String(string(stage))))
}
