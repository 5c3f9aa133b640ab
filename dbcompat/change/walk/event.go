package walk

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handover-go/handover/dbcompat"
)

// Event is what has happened to a change. Events stay when it is deleted.
type Event struct {
	ID       int64           `json:"id"`                 // ascending, with gaps
	At       time.Time       `json:"at"`                 // by the database's clock
	Actor    string          `json:"actor"`              // Config.Actor of who did it
	What     string          `json:"what"`               // created, advanced, rolled back, settled, counted out, declared, withdrawn, hidden, shown, dropped, deleted
	From     dbcompat.Stage  `json:"from,omitempty"`     // 0 is none
	To       dbcompat.Stage  `json:"to,omitempty"`       // 0 is none
	Epoch    int64           `json:"epoch"`              // afterwards
	Evidence json.RawMessage `json:"evidence,omitempty"` // what was known: instances, verification, LSN, replicas
}

// String is for people: advanced, old to dual-write.
func (e Event) String() string {
	switch {
	case e.From != 0 && e.To != 0 && e.From != e.To:
		return fmt.Sprintf("%s, %s to %s", e.What, e.From, e.To)
	case e.From != 0 || e.To != 0:
		return fmt.Sprintf("%s at %s", e.What, cmp.Or(e.To, e.From))
	}
	return e.What
}

// Events are the last n, the newest first; 50 if n is 0. There are none of a change that
// nobody has created, which is no error here.
func (w *Walk) Events(ctx context.Context, n int) (all []Event, err error) {
	err = w.call("events of", func() error {
		rows, err := w.pool.Query(ctx, w.sql(`SELECT id, at, actor, what, coalesce(from_stage, 0), coalesce(to_stage, 0), epoch, evidence::text
			FROM "handover".change_events WHERE change = $1::text ORDER BY id DESC LIMIT $2::int`), once, w.name, max(0, cmp.Or(n, 50)))
		if err != nil {
			return err
		}
		all, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (e Event, err error) {
			var evidence string
			err = row.Scan(&e.ID, &e.At, &e.Actor, &e.What, (*uint8)(&e.From), (*uint8)(&e.To), &e.Epoch, &evidence)
			e.Evidence = json.RawMessage(evidence)
			return e, err
		})
		return err
	})
	return all, err
}

// event is one to be noted, in the transaction of what it is about.
type event struct {
	what     string
	from, to dbcompat.Stage
	epoch    int64
	evidence any
}

func (w *Walk) note(ctx context.Context, tx pgx.Tx, e event) error {
	if e.evidence == nil {
		e.evidence = struct{}{}
	}
	text, err := json.Marshal(e.evidence)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, w.sql(`INSERT INTO "handover".change_events (change, actor, what, from_stage, to_stage, epoch, evidence)
		VALUES ($1::text, $2::text, $3::text, nullif($4::int, 0), nullif($5::int, 0), $6::bigint, $7::jsonb)`),
		once, w.name, w.config.Actor, e.what, int(e.from), int(e.to), e.epoch, string(text))
	return err
}
