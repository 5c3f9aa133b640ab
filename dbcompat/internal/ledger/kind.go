package ledger

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/handover-go/handover/dbcompat"
)

// A Kind is a way to replace a column, and how its values carry a number.
type Kind struct {
	Columns   dbcompat.Columns
	Table     string // DDL; seq is the witness
	Fill      string // what the rows have at the beginning, over i: the number 1
	following string // SQL for the number after that in the new column
	value     func(id, number int64) any
	into      func() any
	number    func(id int64, into any) int64 // -1: NULL, or nothing that anybody has written
}

// Kinds are those that there are, by name.
func Kinds() map[string]Kind {
	return map[string]Kind{
		"a text is renamed": {
			Columns: dbcompat.Columns{
				Table: "users", Key: []string{"id"}, Old: []string{"name"}, New: []string{"display_name"},
			},
			Table:     "CREATE TABLE users (id bigint PRIMARY KEY, seq bigint NOT NULL, name text, display_name text)",
			Fill:      "'user' || i || '-1'",
			following: "split_part(display_name, '-', 1) || '-' || (split_part(display_name, '-', 2)::bigint + 1)",
			value:     func(id, number int64) any { return fmt.Sprintf("user%d-%d", id, number) },
			into:      func() any { return new(*string) },
			number: func(id int64, into any) int64 {
				text := *into.(**string)
				if text == nil {
					return -1
				}
				digits, ok := strings.CutPrefix(*text, fmt.Sprintf("user%d-", id))
				n, err := strconv.ParseInt(digits, 10, 64)
				if !ok || err != nil {
					return -1
				}
				return n
			},
		},
		"an int becomes a bigint": {
			Columns: dbcompat.Columns{
				Table: "orders", Key: []string{"id"}, Old: []string{"amount"}, New: []string{"amount_big"},
				Up: []string{"amount::bigint"}, Down: []string{"amount_big::int"}, Types: []string{"bigint"},
			},
			Table:     "CREATE TABLE orders (id bigint PRIMARY KEY, seq bigint NOT NULL, amount int, amount_big bigint)",
			Fill:      "i * 100000 + 1",
			following: "amount_big + 1",
			value:     func(id, number int64) any { return id*span + number },
			into:      func() any { return new(*int64) },
			number: func(id int64, into any) int64 {
				value := *into.(**int64)
				if value == nil || *value/span != id {
					return -1
				}
				return *value % span
			},
		},
	}
}

// Make is DDL and the rows 1 to n, with the number 1 in each.
func (k Kind) Make(n int) string {
	return fmt.Sprintf("%s; INSERT INTO %s (id, seq, %s) SELECT i, 1, %s FROM generate_series(1, %d) AS i",
		k.Table, k.Columns.Relation(), dbcompat.Quote(k.Columns.Old[0]), k.Fill, n)
}

// All are the numbers of all rows, as they are read at a stage.
func (k Kind) All(ctx context.Context, db Querier, stage dbcompat.Stage) (map[int64]int64, error) {
	rows, err := db.Query(ctx, fmt.Sprintf("SELECT id, %s FROM %s", k.Columns.Select(stage, ""), k.Columns.Relation()))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	there := map[int64]int64{}
	for rows.Next() {
		var id int64
		value := k.into()
		if err := rows.Scan(append([]any{&id}, k.Columns.Into(stage, []any{value}, nil)...)...); err != nil {
			return nil, err
		}
		there[id] = k.number(id, value)
	}
	return there, rows.Err()
}

// Querier is a pool, for example.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// span is how many numbers a row has, where its value is one of them.
const span = 100_000
