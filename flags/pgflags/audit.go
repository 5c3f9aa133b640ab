package pgflags

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"
)

// Entry is one change, of a flag or of the set's own row.
type Entry struct {
	Revision int64     // of the set, that the change has made
	At       time.Time // of the statement
	Who, Why string    // as told by who made the change; see Change
	Role     string    // the role that had logged in, which is not told
	Action   string    // insert, update or delete
	Key      string    // empty for the set's own row

	// Old and New are the table's row before and after, as JSON; nil if there was none.
	Old, New json.RawMessage
}

// Audit returns the last 1,000 changes of a flag, or of the whole set if key is empty,
// the newest first. Older ones are in the table flag_audit. Of a flag that nobody has
// changed there are none, which is no error.
func (s *Store) Audit(ctx context.Context, key string) ([]Entry, error) {
	entries, err := s.audit(ctx, key)
	return entries, s.failed(ctx, "read audit of", s.config.Set, err)
}

func (s *Store) audit(ctx context.Context, key string) ([]Entry, error) {
	if s.wrong != nil {
		return nil, s.wrong
	}
	rows, err := s.pool.Query(ctx, s.sql(`
		SELECT revision, at, who, why, role, action, coalesce(key, ''), old::text, new::text
		FROM "handover".flag_audit WHERE set = $1::text AND (key = $2::text OR $2::text = '')
		ORDER BY id DESC LIMIT 1000`), once, s.config.Set, key)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (e Entry, err error) {
		err = row.Scan(&e.Revision, &e.At, &e.Who, &e.Why, &e.Role, &e.Action, &e.Key, (*[]byte)(&e.Old), (*[]byte)(&e.New))
		return e, err
	})
}
