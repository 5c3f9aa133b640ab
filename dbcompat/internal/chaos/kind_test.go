package chaos_test

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/handover-go/handover/dbcompat"
)

// A kind is a way to replace a column, and how its values carry a number.
type kind struct {
	columns dbcompat.Columns
	table   string // DDL; seq is the witness
	fill    string // what the rows have at the beginning, over i: the number 1
	next    string // SQL for the number after that in the new column
	value   func(id, number int64) any
	into    func() any
	number  func(id int64, into any) int64 // -1: NULL, or nothing that anybody has written
}

var kinds = map[string]kind{
	"a text is renamed": {
		columns: dbcompat.Columns{
			Table: "users", Key: []string{"id"}, Old: []string{"name"}, New: []string{"display_name"},
		},
		table: "CREATE TABLE users (id bigint PRIMARY KEY, seq bigint NOT NULL, name text, display_name text)",
		fill:  "'user' || i || '-1'",
		next:  "split_part(display_name, '-', 1) || '-' || (split_part(display_name, '-', 2)::bigint + 1)",
		value: func(id, number int64) any { return fmt.Sprintf("user%d-%d", id, number) },
		into:  func() any { return new(*string) },
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
		columns: dbcompat.Columns{
			Table: "orders", Key: []string{"id"}, Old: []string{"amount"}, New: []string{"amount_big"},
			Up: []string{"amount::bigint"}, Down: []string{"amount_big::int"}, Types: []string{"bigint"},
		},
		table: "CREATE TABLE orders (id bigint PRIMARY KEY, seq bigint NOT NULL, amount int, amount_big bigint)",
		fill:  "i * 100000 + 1",
		next:  "amount_big + 1",
		value: func(id, number int64) any { return id*span + number },
		into:  func() any { return new(*int64) },
		number: func(id int64, into any) int64 {
			value := *into.(**int64)
			if value == nil || *value/span != id {
				return -1
			}
			return *value % span
		},
	},
}

// span is how many numbers a row has, where its value is one of them.
const span = 100_000
