package pgcolumn

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/launchdarkly/go-sdk-common/v3/ldcontext"
	"github.com/launchdarkly/go-sdk-common/v3/ldmigration"
	ldclient "github.com/launchdarkly/go-server-sdk/v7"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/backfill"
	"github.com/handover-go/handover/dbcompat/pgxdbcompat"
)

// Names are those of the users, in the column that the stage says.
type Names struct {
	pool        *pgxpool.Pool
	stage       dbcompat.Source
	displayName dbcompat.Column[string]
	mismatches  dbcompat.Mismatches
}

// NewNames asks nothing.
func NewNames(pool *pgxpool.Pool, stage dbcompat.Source) *Names {
	displayName := dbcompat.Column[string]{Table: "users", Key: "id", Old: "name", New: "display_name"}
	return &Names{pool: pool, stage: stage, displayName: displayName}
}

// Save writes what the stage says, in one statement.
func (n *Names) Save(ctx context.Context, u User) error {
	return pgxdbcompat.InTx(ctx, n.pool.Begin, n.stage, func(tx pgx.Tx, stage dbcompat.Stage) error {
		_, err := tx.Exec(ctx, "UPDATE users SET "+n.displayName.Set(stage, 2)+" WHERE id = $1", u.ID, u.Name)
		return err
	})
}

// Read reads what the stage believes, and compares if there are both.
func (n *Names) Read(ctx context.Context, id int64) (name string, err error) {
	err = pgxdbcompat.InTx(ctx, n.pool.Begin, n.stage, func(tx pgx.Tx, stage dbcompat.Stage) error {
		row := tx.QueryRow(ctx, "SELECT "+n.displayName.Select(stage, "")+" FROM users WHERE id = $1", id)
		return row.Scan(n.displayName.Into(stage, &name, &n.mismatches)...)
	})
	return name, err
}

// StageOf has the stage said by LaunchDarkly's flag, or else by nobody.
func StageOf(client *ldclient.LDClient) dbcompat.Source {
	fleet := ldcontext.New("api") // not a user: all of the program is at one stage
	return func(ctx context.Context) (dbcompat.Stage, error) {
		said, err := client.StringVariationCtx(ctx, flag, fleet, "")
		if err != nil {
			return 0, err
		}
		switch ldmigration.Stage(said) {
		case ldmigration.Off:
			return dbcompat.Old, nil
		case ldmigration.DualWrite, ldmigration.Shadow:
			return dbcompat.DualWrite, nil
		case ldmigration.Live, ldmigration.RampDown:
			return dbcompat.ReadNew, nil
		case ldmigration.Complete:
			return dbcompat.New, nil
		}
		return 0, fmt.Errorf("pgcolumn: %s says %q: use one of LaunchDarkly's stages", flag, said)
	}
}

// Fill fills the new column and returns how many rows differ after that.
func (n *Names) Fill(ctx context.Context) (differ int64, err error) {
	fill := backfill.New(n.pool, n.displayName.Columns(), n.stage, backfill.Config{})
	if err := fill.Run(ctx); err != nil {
		return 0, err
	}
	found, err := fill.Verify(ctx)
	return found.Mismatches, err
}
