package dbcompat_test

import (
	"fmt"
	"strings"

	"github.com/handover-go/handover/dbcompat"
)

// change is something that people do to columns, and how a program uses it.
type change struct {
	columns dbcompat.Columns
	table   string            // the DDL, with bigint keys
	value   func(i int) []any // of New
	targets func() []any      // to scan them into
	setTo   []string          // an UPDATE by SQL
	to      func([]any) []any // and what it makes of a value
	copies  [4]bool           // by stage: whether there can be a COPY
}

// changes are what the statements are tested with.
func changes() map[string]change {
	noSQL := [4]bool{true, true, true, true}
	onlyNew := [4]bool{false, false, false, true}
	return map[string]change{
		"a column is renamed": {
			columns: dbcompat.Columns{Table: "users", Key: []string{"id"}, Old: []string{"name"}, New: []string{"display_name"}},
			table:   `CREATE TABLE users (id bigint PRIMARY KEY, name text, display_name text)`,
			value:   func(i int) []any { return []any{fmt.Sprint("O'Brien ", i)} },
			targets: func() []any { return []any{new(string)} },
			setTo:   []string{"display_name || '!'"},
			to:      func(v []any) []any { return []any{v[0].(string) + "!"} },
			copies:  noSQL,
		},
		"a column that may be NULL is renamed, and says so": {
			columns: dbcompat.Columns{
				Table: "users", Key: []string{"id"}, Old: []string{"name"}, New: []string{"display_name"},
				Up: []string{"name"}, Down: []string{"display_name"}, Types: []string{"text"},
			},
			table: `CREATE TABLE users (id bigint PRIMARY KEY, name varchar(20), display_name text)`,
			value: func(i int) []any {
				if i%2 == 0 {
					return []any{(*string)(nil)}
				}
				return []any{new(fmt.Sprint("name ", i))}
			},
			targets: func() []any { return []any{new(*string)} },
			setTo:   []string{"COALESCE(display_name, 'nobody')"},
			to: func(v []any) []any {
				if name := v[0].(*string); name != nil {
					return v
				}
				return []any{new("nobody")}
			},
			copies: noSQL,
		},
		"an int becomes a bigint, in a table whose names need quotes": {
			columns: dbcompat.Columns{
				Table: `shop."Order.Items"`, Key: []string{"order", "Line"}, Old: []string{`Count "net"`}, New: []string{"select"},
				Types: []string{"bigint"},
			},
			table: `CREATE SCHEMA shop; CREATE TABLE shop."Order.Items" ("order" bigint, "Line" bigint,
				"Count ""net""" int NOT NULL DEFAULT 0, "select" bigint, PRIMARY KEY ("order", "Line"))`,
			value:   func(i int) []any { return []any{int64(i)} },
			targets: func() []any { return []any{new(int64)} },
			setTo:   []string{`"select" + 1`},
			to:      func(v []any) []any { return []any{v[0].(int64) + 1} },
			copies:  noSQL,
		},
		"a text becomes jsonb": {
			columns: dbcompat.Columns{
				Table: "users", Key: []string{"id"}, Old: []string{"settings"}, New: []string{"preferences"},
				Up: []string{"settings::jsonb"}, Down: []string{"preferences::text"}, Types: []string{"jsonb"},
			},
			table:   `CREATE TABLE users (id bigint PRIMARY KEY, settings text, preferences jsonb)`,
			value:   func(i int) []any { return []any{map[string]any{"n": float64(i), "a": "'"}} },
			targets: func() []any { return []any{new(map[string]any)} },
			setTo:   []string{`preferences - 'a'`},
			to:      func(v []any) []any { return []any{map[string]any{"n": v[0].(map[string]any)["n"]}} },
			copies:  onlyNew,
		},
		"a column becomes two": {
			columns: dbcompat.Columns{
				Table: "users", Key: []string{"id"}, Old: []string{"full_name"}, New: []string{"first_name", "last_name"},
				Up:   []string{"split_part(full_name, ' ', 1)", "substr(full_name, strpos(full_name, ' ') + 1)"},
				Down: []string{"first_name || ' ' || last_name"},
			},
			table:   `CREATE TABLE users (id bigint PRIMARY KEY, full_name text NOT NULL DEFAULT ' ', first_name text, last_name text)`,
			value:   func(i int) []any { return []any{fmt.Sprint("Ada", i), "King of Lovelace"} },
			targets: func() []any { return []any{new(string), new(string)} },
			setTo:   []string{"first_name", "upper(last_name)"},
			to:      func(v []any) []any { return []any{v[0], strings.ToUpper(v[1].(string))} },
			copies:  onlyNew,
		},
		"two columns become one": {
			columns: dbcompat.Columns{
				Table: "places", Key: []string{"id"}, Old: []string{"x", "y"}, New: []string{"at"},
				Up: []string{"ARRAY[x, y]"}, Down: []string{"at[1]", "at[2]"}, Types: []string{"int[]"},
			},
			table:   `CREATE TABLE places (id bigint PRIMARY KEY, x int, y int, at int[])`,
			value:   func(i int) []any { return []any{[]int32{int32(i), -7}} },
			targets: func() []any { return []any{new([]int32)} },
			setTo:   []string{"ARRAY[at[2], at[1]]"},
			to:      func(v []any) []any { p := v[0].([]int32); return []any{[]int32{p[1], p[0]}} },
			copies:  onlyNew,
		},
		"two columns are renamed, and change places": {
			columns: dbcompat.Columns{
				Table: "places", Key: []string{"id"}, Old: []string{"lat", "lon"}, New: []string{"x", "y"},
				Up: []string{"lon", "lat"}, Down: []string{"y", "x"},
			},
			table:   `CREATE TABLE places (id bigint PRIMARY KEY, lat int, lon int, x int, y int)`,
			value:   func(i int) []any { return []any{int32(i), int32(-i)} },
			targets: func() []any { return []any{new(int32), new(int32)} },
			setTo:   []string{"x + y", "y"},
			to:      func(v []any) []any { return []any{v[0].(int32) + v[1].(int32), v[1]} },
			copies:  noSQL,
		},
	}
}
