package change_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/change"
	"github.com/handover-go/handover/dbcompat/pgxdbcompat"
)

// healthCheck sleeps for half a second after a pool has closed a connection.
const healthCheck = "github.com/jackc/pgx/v5/pgxpool.(*Pool).triggerHealthCheck.func1"

func TestMain(m *testing.M) {
	if url := os.Getenv(envChild); url != "" {
		child(url)
		return
	}
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction(healthCheck))
}

func TestAMoveIsAcknowledgedWhenTheLastTransactionOfTheStageBeforeHasEnded(t *testing.T) {
	pool := database(t, pg.Database(t))
	p := join(t, pool, calm)
	var diary []string
	note := func(what string) { diary = append(diary, what+": "+rows(t, pool)) }
	pin := func() *change.Pin {
		pin, err := p.Pin()
		require.NoError(t, err)
		return &pin
	}
	note("joined")
	first, second := pin(), pin()
	move(t, pool, 1)
	p.at(t, dbcompat.DualWrite)
	third := pin()
	note(fmt.Sprintf("it has moved, and pins are of %v, %v, %v", first.Stage(), second.Stage(), third.Stage()))
	first.Release()
	first.Release()
	require.EqualValues(t, 1, p.Status().Earlier)
	note("one has ended, twice")
	second.Release()
	eventually(t, func() bool { return p.Status().Acknowledged == 2 })
	note("the other one")
	third.Release()
	move(t, pool, -1)
	eventually(t, func() bool { return p.Status().Acknowledged == 3 })
	note("nothing is open, and it has moved back")
	require.NoError(t, p.Leave(t.Context()))
	note("left")
	require.Equal(t, []string{
		"joined: web-1 1",
		"it has moved, and pins are of old, old, dual-write: web-1 1",
		"one has ended, twice: web-1 1",
		"the other one: web-1 2",
		"nothing is open, and it has moved back: web-1 3",
		"left: ",
	}, diary)
	require.Equal(t, `msg="change: joined" stage=old epoch=1
msg="change: new transactions use another stage" stage=dual-write epoch=2
msg="change: acknowledged" stage=dual-write epoch=2
msg="change: new transactions use another stage" stage=old epoch=3
msg="change: acknowledged" stage=old epoch=3
msg="change: left"
`, p.log.String())
}

func TestATransactionHasOneStage(t *testing.T) {
	pool := database(t, pg.Database(t))
	p := join(t, pool, calm)
	set := func(to string, during func()) {
		require.NoError(t, p.InTx(t.Context(), func(tx pgx.Tx, stage dbcompat.Stage) error {
			during()
			_, err := tx.Exec(t.Context(), "UPDATE users SET "+name.Set(stage, 2)+" WHERE id = $1", 1, to)
			return err
		}))
	}
	set("Grace", func() {
		move(t, pool, 1)
		p.at(t, dbcompat.DualWrite)
		require.Equal(t, "web-1 1", rows(t, pool))
	})
	require.Equal(t, "1 Grace <nil>", query(t, pool, "SELECT * FROM users"))
	eventually(t, func() bool { return rows(t, pool) == "web-1 2" })
	set("Ada", func() {})
	require.Equal(t, "1 Ada Ada", query(t, pool, "SELECT * FROM users"))
	stage, err := p.Stage(t.Context())
	require.NoError(t, err)
	require.Equal(t, dbcompat.DualWrite, stage)
}

func TestInstancesAcknowledgeForThemselves(t *testing.T) {
	pool := database(t, pg.Database(t))
	slow, quick := calm, calm
	quick.Name = "web-2"
	p, q := join(t, pool, slow), join(t, pool, quick)
	pin, err := p.Pin()
	require.NoError(t, err)
	move(t, pool, 1)
	eventually(t, func() bool { return rows(t, pool) == "web-1 1, web-2 2" })
	p.at(t, dbcompat.DualWrite)
	pin.Release()
	eventually(t, func() bool { return rows(t, pool) == "web-1 2, web-2 2" })
	require.NoError(t, q.Leave(t.Context()))
	require.Equal(t, "web-1 2", rows(t, pool))
	require.Equal(t, "1 4 v1", query(t, pool, "SELECT min_stage, max_stage, version FROM handover.change_instances"))
}

func TestWithoutPollingARenewalShowsTheStage(t *testing.T) {
	pool := database(t, pg.Database(t))
	p := join(t, pool, change.Config{Poll: -1, TTL: 300 * time.Millisecond})
	move(t, pool, 1)
	eventually(t, func() bool { return query(t, pool, "SELECT epoch FROM handover.change_instances") == "2" })
	p.at(t, dbcompat.DualWrite)
}

// The protocol's word: whoever has a pin of an epoch finds that his instance has not
// acknowledged a later one, at any time.
func TestNoStageIsAcknowledgedThatAnOpenTransactionIsBefore(t *testing.T) {
	pool := database(t, pg.Database(t))
	p := join(t, pool, calm)
	ctx, cancel := context.WithCancel(t.Context())
	var pins sync.WaitGroup
	var transactions atomic.Int64
	for range 4 {
		pins.Go(func() {
			for ctx.Err() == nil {
				transactions.Add(1)
				pin, err := p.Pin()
				if err != nil {
					t.Error(err)
					return
				}
				var epoch int64
				if rand.N(2) == 0 { // some are quick
					err = pool.QueryRow(t.Context(), "SELECT epoch FROM handover.change_instances").Scan(&epoch)
				}
				if err != nil || epoch > pin.Epoch() {
					t.Errorf("acknowledged is %d, pinned %d: %v", epoch, pin.Epoch(), err)
				}
				pin.Release()
			}
		})
	}
	by := 1
	for range 30 {
		was := p.Status().Epoch
		move(t, pool, by)
		by = -by
		eventually(t, func() bool { return p.Status().Acknowledged == was+1 })
	}
	cancel()
	pins.Wait()
	t.Logf("%d transactions", transactions.Load())
}

// What was prepared before an ALTER TABLE fails after it; with a pool that is watched
// nobody notices.
func TestATransactionThatMeetsDDLIsTriedAgain(t *testing.T) {
	url := pg.Database(t)
	database(t, url)
	schema := new(pgxdbcompat.Schema)
	pool := openWith(t, url, schema.Watch)
	config := calm
	config.Statements = schema
	p := join(t, pool, config)
	tries := 0
	read := func() error {
		return p.InTx(t.Context(), func(tx pgx.Tx, _ dbcompat.Stage) error {
			tries++
			_, err := tx.Exec(t.Context(), "SELECT * FROM users WHERE id = $1", 1)
			return err
		})
	}
	for range 20 {
		require.NoError(t, read())
	}
	execute(t, pool, "ALTER TABLE users ADD COLUMN more text")
	for range 20 {
		require.NoError(t, read())
	}
	require.Equal(t, 41, tries)
}
