package walk

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Kind is what somebody does who knows nothing of the change.
type Kind string

// The kinds.
const (
	Writer Kind = "writer" // of the old columns alone: a version from before it, a job
	Reader Kind = "reader" // of the old columns: a connector, a report
)

// Unmanaged is somebody who has been declared, and the processes of the server in which
// it is seen at the moment.
type Unmanaged struct {
	Kind Kind    `json:"kind"`
	Name string  `json:"name"` // an application_name, or a role
	Seen []int32 `json:"seen"` // their process ids; empty if nobody is connected
}

// Declare notes somebody who writes or reads the old columns and does not join, by the
// application_name of its connections, or their role. As long as a writer is seen the
// change does not go forward, nor is anything filled; as long as a reader is declared, it
// does not go to New. To declare it again is nothing.
//
// To be seen is to be connected, when it is looked for. For a job that comes once a day
// there is package heal.
func (w *Walk) Declare(ctx context.Context, kind Kind, name string) error {
	return w.call("declare", func() error {
		return w.declare(ctx, kind, name, "declared", `INSERT INTO "handover".change_unmanaged (change, kind, name)
			VALUES ($1::text, $2::text, $3::text) ON CONFLICT DO NOTHING`)
	})
}

// Withdraw takes it back: it has been told, or is no more. Of who has not been declared it
// is nothing.
func (w *Walk) Withdraw(ctx context.Context, kind Kind, name string) error {
	return w.call("withdraw", func() error {
		return w.declare(ctx, kind, name, "withdrawn", `DELETE FROM "handover".change_unmanaged
			WHERE change = $1::text AND kind = $2::text AND name = $3::text`)
	})
}

func (w *Walk) declare(ctx context.Context, kind Kind, name, what, sql string) error {
	if kind != Writer && kind != Reader || name == "" {
		return fmt.Errorf("%s %q: give Writer or Reader, and an application_name or a role", kind, name)
	}
	return w.locked(ctx, func(tx pgx.Tx) error {
		s, err := w.lock(ctx, tx)
		if err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, w.sql(sql), once, w.name, string(kind), name)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		return w.note(ctx, tx, event{what: what, from: s.Stage, to: s.Stage, epoch: s.Epoch, evidence: map[string]any{"kind": kind, "name": name}})
	})
}

func (w *Walk) unmanaged(ctx context.Context, db querier) ([]Unmanaged, error) {
	rows, err := db.Query(ctx, w.sql(`SELECT kind, name, ARRAY(SELECT pid FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid() AND (application_name = name OR usename = name) ORDER BY pid)
		FROM "handover".change_unmanaged WHERE change = $1::text ORDER BY kind, name`), once, w.name)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Unmanaged])
}

// unaware are the declared writers that are seen.
func unaware(s State) []Missing {
	var missing []Missing
	for _, u := range s.Unmanaged {
		if u.Kind == Writer && len(u.Seen) > 0 {
			missing = append(missing, Missing{
				fmt.Sprintf("the declared writer %s", u.Name),
				fmt.Sprintf("is connected, pid %v, and writes the old columns alone", u.Seen),
				"stop it, or withdraw it if it writes both",
			})
		}
	}
	return missing
}

// behind are the declared readers.
func behind(s State) []Missing {
	var missing []Missing
	for _, u := range s.Unmanaged {
		if u.Kind == Reader {
			missing = append(missing, Missing{
				fmt.Sprintf("the declared reader %s", u.Name), "reads the old columns", "have it read the new ones, and withdraw it",
			})
		}
	}
	return missing
}
