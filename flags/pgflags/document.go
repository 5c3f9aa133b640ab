package pgflags

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/internal/definition"
)

// querier is a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// selection is one statement, so that it sees one moment: a transaction of its own that
// is repeatable would take three round trips, and be no better. A set without flags is
// a row without a key. Keys are in the order of their bytes, which no collation changes.
const selection = `
	SELECT s.revision, s.updated_at, s.metadata::text, s.evaluators::text,
		f.key, f.enabled, f.killed, f.rollout_percentage::float8,
		CASE WHEN f.killed THEN f.definition || '{"state": "DISABLED"}' ELSE f.definition END::text
	FROM "handover".flag_sets s LEFT JOIN "handover".flags f USING (set)
	WHERE s.set = $1::text
	ORDER BY f.key COLLATE "C"`

// row is one of them.
type row struct {
	revision             int64
	updatedAt            time.Time
	metadata, evaluators string
	key                  *string
	enabled, killed      *bool
	percentage           *float64
	definition           *string
}

func (s *Store) read(ctx context.Context, from querier) (*loaded, error) {
	rows, err := from.Query(ctx, s.sql(selection), once, s.config.Set)
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(rows, func(from pgx.CollectableRow) (r row, err error) {
		err = from.Scan(&r.revision, &r.updatedAt, &r.metadata, &r.evaluators,
			&r.key, &r.enabled, &r.killed, &r.percentage, &r.definition)
		return r, err
	})
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, ErrNoSet
	}
	document, err := s.document(all)
	if err != nil {
		return nil, err
	}
	first := all[0]
	return &loaded{flags.Document{JSON: document, Revision: first.revision}, first.updatedAt}, nil
}

// document puts each flag on a line of its own, which is what a mistake is then told of.
func (s *Store) document(all []row) ([]byte, error) {
	first := all[0]
	metadata := map[string]json.RawMessage{}
	if err := json.Unmarshal([]byte(first.metadata), &metadata); err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	metadata["flagSetId"] = quote(s.config.Set)
	metadata["version"] = quote(strconv.FormatInt(first.revision, 10))
	head, err := json.Marshal(metadata) // in the order of its keys
	if err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\"metadata\":%s,\n", head)
	if first.evaluators != "{}" {
		fmt.Fprintf(&b, "\"$evaluators\":%s,\n", first.evaluators)
	}
	b.WriteString("\"flags\":{")
	separator := "\n"
	for _, r := range all {
		if r.key == nil {
			continue
		}
		flag, err := r.flag()
		if err != nil {
			return nil, fmt.Errorf("flag %s: %w", *r.key, err)
		}
		fmt.Fprintf(&b, "%s%s:%s", separator, quote(*r.key), flag)
		separator = ",\n"
	}
	b.WriteString("\n}}\n")
	return b.Bytes(), nil
}

func (r row) flag() ([]byte, error) {
	if r.definition != nil {
		return []byte(*r.definition), nil
	}
	percentage := 100.0
	if r.percentage != nil {
		percentage = *r.percentage
	}
	return definition.Simple(*r.enabled && !*r.killed, percentage)
}

func quote(s string) json.RawMessage {
	quoted, _ := json.Marshal(s) // a string is never refused
	return quoted
}
