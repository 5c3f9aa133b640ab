package walk

import (
	"context"
	"fmt"
	"time"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/backfill"
	"github.com/handover-go/handover/dbcompat/change/walk/internal/guard"
	"github.com/handover-go/handover/dbcompat/heal"
)

// Evidence is what was known when a step was judged. It is kept with the move's event.
type Evidence struct {
	Instances    []Instance    `json:"instances"`
	Unmanaged    []Unmanaged   `json:"unmanaged,omitempty"`
	Verification *Verification `json:"verification,omitempty"` // the last one; nil if there was none
	Replicas     []string      `json:"replicas,omitempty"`     // that have replayed it
	Heal         *Healed       `json:"heal,omitempty"`         // nil if its trigger is not there
	LSN          string        `json:"lsn,omitempty"`          // before the move

	fill backfill.Status
}

// Healed is heal.Status, which says what is what, with names for JSON.
type Healed struct {
	Installed bool          `json:"installed"`
	Healed    uint64        `json:"healed"` // rows
	Last      time.Time     `json:"last,omitzero"`
	Quiet     time.Duration `json:"quiet"` // nanoseconds in JSON
	Needed    bool          `json:"needed"`
}

// know asks what is asked with connections of its own, before there is a transaction.
func (w *Walk) know(ctx context.Context, s State, to dbcompat.Stage) (known Evidence, err error) {
	fill := backfill.New(w.pool, s.Columns, dbcompat.Fixed(dbcompat.DualWrite), backfill.Config{Schema: w.config.Schema})
	if known.fill, err = fill.Status(ctx); err != nil {
		return known, err
	}
	if known.Verification, err = w.verified(ctx, s.Columns); err != nil || to < s.Stage {
		return known, err
	}
	status, err := heal.New(w.pool, s.Columns, dbcompat.Fixed(dbcompat.Old), heal.Config{}).Status(ctx)
	if status.Installed {
		known.Heal = new(Healed(status))
	}
	return known, err
}

// missing is what is in the way of a move from a settled epoch.
func (w *Walk) missing(ctx context.Context, db guard.Querier, s State, to dbcompat.Stage, known *Evidence) (missing []Missing, err error) {
	known.Instances, known.Unmanaged = s.Instances, s.Unmanaged
	if s.Settled.IsZero() {
		missing = append(missing, Missing{"the change", "is not settled at " + s.Stage.String(), "wait until everybody has come along"})
	}
	missing = append(missing, unfit(s, to)...)
	if to > s.Stage {
		missing = append(missing, unaware(s)...)
	}
	if known.fill.State == backfill.Running {
		missing = append(missing, Missing{
			"a back-fill", fmt.Sprintf("is under way (%s), and writes by a stage that would be gone", known.fill.Runner), "wait for it, or cancel it",
		})
	}
	more, err := w.edge(ctx, db, s, to, known)
	return append(missing, more...), err
}

// edge is what one step asks for.
func (w *Walk) edge(ctx context.Context, db guard.Querier, s State, to dbcompat.Stage, known *Evidence) ([]Missing, error) {
	switch [2]dbcompat.Stage{s.Stage, to} {
	case [2]dbcompat.Stage{dbcompat.Old, dbcompat.DualWrite}:
		return w.writable(ctx, db, s.Columns)
	case [2]dbcompat.Stage{dbcompat.DualWrite, dbcompat.ReadNew}:
		return w.readable(ctx, db, s, known)
	case [2]dbcompat.Stage{dbcompat.ReadNew, dbcompat.New}:
		lacks, err := guard.Insertable(ctx, db, s.Columns.Relation(), s.Columns.Old...)
		missing := append(lacking(lacks), behind(s)...)
		if known.Heal != nil {
			missing = append(missing, Missing{"the trigger of package heal", "takes what New inserts for an old writer's", "remove it"})
		}
		return missing, err
	case [2]dbcompat.Stage{dbcompat.ReadNew, dbcompat.DualWrite}:
		if s.WasNew {
			return unverified(s, known.Verification, "old from new, as instances at new have left it alone"), nil
		}
	case [2]dbcompat.Stage{dbcompat.New, dbcompat.ReadNew}:
		if !s.Hidden.IsZero() {
			return []Missing{{"the old columns", "are hidden", "show them first"}}, nil
		}
	}
	return nil, nil
}

func (w *Walk) writable(ctx context.Context, db guard.Querier, columns dbcompat.Columns) ([]Missing, error) {
	inserts, err := guard.Insertable(ctx, db, columns.Relation(), columns.New...)
	if err != nil {
		return nil, err
	}
	writes, err := guard.Writable(ctx, db, columns.Relation(), columns.New...)
	return lacking(append(inserts, writes...)), err
}

// readable is whether new has all that old has, here and on the replicas.
func (w *Walk) readable(ctx context.Context, db guard.Querier, s State, known *Evidence) ([]Missing, error) {
	missing := unverified(s, known.Verification, "new from old, as nobody is at old any more")
	if known.Heal != nil && known.Heal.Needed {
		missing = append(missing, Missing{
			"the trigger of package heal", fmt.Sprintf("is still needed: it has been quiet for %s only", known.Heal.Quiet.Round(time.Second)), "find who writes the old columns alone",
		})
	}
	if len(missing) > 0 {
		return missing, nil
	}
	names, lacks, err := guard.Replayed(ctx, db, known.Verification.LSN, w.config.Accept)
	known.Replicas = names
	return lacking(lacks), err
}

// unverified is whether a verification is of this time at the present stage.
func unverified(s State, v *Verification, what string) []Missing {
	const who = "the verification"
	fill := "fill " + what + ", and verify"
	switch {
	case v == nil:
		return []Missing{{who, "is not there", fill}}
	case v.Stage != s.Stage || s.Settled.IsZero() || !v.Began.After(s.Settled):
		return []Missing{{who, fmt.Sprintf("is from %s, at %s, and the change has settled at %s since", v.Began.Format("15:04:05"), v.Stage, s.Stage), fill}}
	case v.Mismatches > 0:
		return []Missing{{who, fmt.Sprintf("has found %d rows that differ: %v", v.Mismatches, v.Examples), fill}}
	}
	return nil
}

// unfit are those whose code cannot do a stage. Who has lapsed is still one of them, as
// long as it is not known to be gone.
func unfit(s State, to dbcompat.Stage) []Missing {
	var missing []Missing
	for _, i := range s.Instances {
		if to < i.Min || to > i.Max {
			missing = append(missing, Missing{i.String(), fmt.Sprintf("cannot do %s: its code is for %s to %s", to, i.Min, i.Max), "replace it by a version that can"})
		}
	}
	return missing
}
