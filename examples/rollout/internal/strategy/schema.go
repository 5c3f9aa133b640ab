package strategy

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/backfill"
	"github.com/handover-go/handover/dbcompat/change/walk"
	"github.com/handover-go/handover/dbcompat/ddl"
	"github.com/handover-go/handover/examples/rollout/internal/fleet"
	"github.com/handover-go/handover/examples/rollout/internal/site"
)

// changeName is that of the change in examples/complete: users.name becomes
// users.display_name.
const changeName = "users-display-name"

// Renamed is what only the change of the schema knows.
type Renamed struct {
	Moves      int   `json:"moves"`       // of the whole fleet to a stage
	Deploys    int   `json:"deploys"`     // of a whole fleet
	Filled     int64 `json:"filled"`      // rows that the back-fill has changed
	Mismatches int64 `json:"mismatches"`  // between old and new, in the verification
	LostWrites int   `json:"lost_writes"` // users without the name that was acknowledged last
}

// schema renames a column under load, across rolling deploys.
func schema(ctx context.Context, w *site.World, o site.Options, screen site.Screen) (Result, error) {
	s, err := site.New(ctx, w, o, Schema, screen, nil)
	if err != nil {
		return Result{}, err
	}
	defer s.End()
	pool, err := pgxpool.New(ctx, s.URL)
	if err != nil {
		return Result{}, err
	}
	defer pool.Close()
	quiet := slog.New(slog.DiscardHandler)
	c := &column{
		Site: s, pool: pool, ddl: ddl.New(pool, ddl.Config{Logger: quiet}),
		walk: walk.New(pool, changeName, walk.Config{Poll: 50 * time.Millisecond, Logger: quiet}),
	}
	err = c.rename(ctx)
	s.End()
	r := result(Schema, s)
	stale := s.Load.Counts().Stale
	r.StaleReads, r.Schema = &stale, &c.Renamed
	return r, err
}

// column is what is renamed.
type column struct {
	*site.Site
	Renamed

	pool *pgxpool.Pool
	walk *walk.Walk
	ddl  *ddl.Runner
	live []*fleet.Process
}

func (c *column) rename(ctx context.Context) (err error) {
	c.Stage("v1 at old")
	if c.live, err = c.Launch(ctx, fleet.Release{Version: "v1"}, c.Options.Replicas); err != nil {
		return err
	}
	if err := c.Begin(ctx); err != nil {
		return err
	}
	ways := []func(context.Context) error{c.dualWrite, c.readNew, c.toNew, c.back, c.again}
	if c.Options.Naive {
		ways = []func(context.Context) error{c.atOnce}
	}
	for _, way := range ways {
		if err := way(ctx); err != nil {
			return err
		}
	}
	c.Halt()
	if err := c.audit(ctx); err != nil {
		return err
	}
	return c.Finish(ctx)
}

func (c *column) dualWrite(ctx context.Context) error {
	return c.move(ctx, c.walk.Advance, dbcompat.DualWrite, c.deploy("v2"))
}

func (c *column) readNew(ctx context.Context) error {
	c.Stage("back-fill")
	if err := c.During(ctx, c.fill); err != nil {
		return err
	}
	twin := ddl.CopyTwin{Table: "users", Old: "name", New: "display_name"}
	if err := c.ddl.Run(ctx, twin); err != nil {
		return err
	}
	return c.move(ctx, c.walk.Advance, dbcompat.ReadNew, c.deploy("v3"))
}

func (c *column) toNew(ctx context.Context) error {
	if err := c.ddl.Run(ctx, ddl.DropNotNull{Table: "users", Column: "name"}); err != nil {
		return err
	}
	return c.move(ctx, c.walk.Advance, dbcompat.New, c.deploy("v4"))
}

// back is the step that somebody takes who has found out that a report still reads the old
// column. No deployment is needed for it.
func (c *column) back(ctx context.Context) error {
	return c.move(ctx, c.walk.Rollback, dbcompat.ReadNew, nil)
}

func (c *column) again(ctx context.Context) error {
	return c.move(ctx, c.walk.Advance, dbcompat.New, c.deploy("v5"))
}

// move has the fleet go one stage, and another release after it.
func (c *column) move(ctx context.Context, step func(context.Context, dbcompat.Stage) error, to dbcompat.Stage, deploy func(context.Context) error) error {
	c.Stage("to " + to.String())
	if err := step(ctx, to); err != nil {
		return err
	}
	if err := c.During(ctx, c.walk.Wait); err != nil {
		return err
	}
	c.Moves++
	c.Say("everybody is at %v", to)
	if err := c.Pause(ctx, c.Options.Settle); err != nil || deploy == nil {
		return err
	}
	return deploy(ctx)
}

func (c *column) deploy(version string) func(context.Context) error {
	return func(ctx context.Context) (err error) {
		c.live, err = c.Roll(ctx, c.live, fleet.Release{Version: version})
		c.Deploys++
		return err
	}
}

// fill has the new column follow the old one, and compares them in each row.
func (c *column) fill(ctx context.Context) error {
	fill, err := c.walk.Backfill(ctx, backfill.Config{})
	if err != nil {
		return err
	}
	if err := fill.Run(ctx); err != nil {
		return err
	}
	status, err := fill.Status(ctx)
	if err != nil {
		return err
	}
	v, err := fill.Verify(ctx)
	if err != nil {
		return err
	}
	c.Filled, c.Mismatches = status.Changed, v.Mismatches
	c.Say("back-filled %d of %d rows; %d mismatches", status.Changed, status.Rows, v.Mismatches)
	return nil
}

// atOnce is the rename in one deployment: a migration first, and the release that fits to
// it after that. The trigger that would refuse it is switched off, and v1, which would
// follow the stage within a second, is at least wrong until then.
func (c *column) atOnce(ctx context.Context) error {
	c.Stage("rename, and deploy")
	err := pgx.BeginFunc(ctx, c.pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `SET LOCAL session_replication_role = replica;
			ALTER TABLE users DROP COLUMN display_name;
			ALTER TABLE users RENAME COLUMN name TO display_name;
			UPDATE handover.changes SET stage = 4, epoch = epoch + 1`, pgx.QueryExecModeSimpleProtocol)
		return err
	})
	if err != nil {
		return fmt.Errorf("rename: %w", err)
	}
	c.Moves++
	return c.deploy("v2")(ctx)
}

// audit compares all names with those that were acknowledged.
func (c *column) audit(ctx context.Context) error {
	rows, err := c.pool.Query(ctx, "SELECT id, coalesce(display_name, '') FROM users")
	if err != nil {
		return err
	}
	names, id, name := map[int64]string{}, int64(0), ""
	_, err = pgx.ForEachRow(rows, []any{&id, &name}, func() error {
		names[id] = name
		return nil
	})
	c.LostWrites = c.Load.LostWrites(names)
	return err
}
