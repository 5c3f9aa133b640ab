package dbcompat_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
)

// fleet is a program whose instances are at two stages, over one table.
type fleet struct {
	testing.TB
	conn   *pgx.Conn
	change change
	at     []dbcompat.Stage

	rows       int
	want       map[int][]any // what was last written, by key
	mismatches [2]dbcompat.Mismatches
}

// keys are the key's columns, and n for each as parameters and values.
func (f *fleet) keys() (columns, parameters, where string, n int) {
	var c, p, w []string
	for i, k := range f.change.columns.Key {
		c = append(c, dbcompat.Quote(k))
		p = append(p, fmt.Sprintf("$%d::bigint", i+1))
		w = append(w, fmt.Sprintf("t.%s = $%d", dbcompat.Quote(k), i+1))
	}
	return strings.Join(c, ", "), strings.Join(p, ", "), strings.Join(w, " AND "), len(c)
}

func (f *fleet) args(key int, values ...any) []any {
	args := []any{}
	for range f.change.columns.Key {
		args = append(args, int64(key))
	}
	return append(args, values...)
}

// write writes a row with a statement, and has all stages read it.
func (f *fleet) write(s dbcompat.Stage, key int, value []any, sql string, args ...any) {
	f.Helper()
	// RETURNING is read as it is written.
	rows, err := f.conn.Query(f.Context(), sql+" RETURNING "+f.change.columns.Select(s, "t"), args...)
	require.NoError(f, err)
	targets := f.change.targets()
	require.True(f, rows.Next(), "%s: %v", sql, rows.Err())
	require.NoError(f, rows.Scan(f.change.columns.Into(s, targets, nil)...), sql)
	rows.Close()
	require.NoError(f, rows.Err(), sql)
	require.Equal(f, value, values(targets), "%v returns\n%s", s, sql)
	f.want[key] = value
	f.read(key)
}

// read has both stages read a row by its key, and by its value.
func (f *fleet) read(key int) {
	f.Helper()
	c := f.change.columns
	_, _, where, n := f.keys()
	for i, s := range f.at {
		believed := c.Believed(s, "t")
		for p := range believed {
			where += fmt.Sprintf(" AND %s IS NOT DISTINCT FROM $%d", believed[p], n+1+p)
		}
		sql := "SELECT 1, " + c.Select(s, "t") + " FROM " + c.Relation() + " t WHERE " + where
		targets := f.change.targets()
		var one int
		into := append([]any{&one}, c.Into(s, targets, &f.mismatches[i], key)...)
		require.NoError(f, f.conn.QueryRow(f.Context(), sql, f.args(key, f.want[key]...)...).Scan(into...), "%v reads\n%s", s, sql)
		require.Equal(f, f.want[key], values(targets), "%v reads\n%s", s, sql)
		_, _, where, _ = f.keys()
	}
}

func values(targets []any) []any {
	all := make([]any, len(targets))
	for i, target := range targets {
		all[i] = reflect.ValueOf(target).Elem().Interface()
	}
	return all
}

func (f *fleet) insert(s dbcompat.Stage) {
	f.Helper()
	f.rows++
	c := f.change.columns
	keys, parameters, _, n := f.keys()
	names, places := c.Insert(s, n+1)
	value := f.change.value(f.rows)
	f.write(s, f.rows, value, fmt.Sprintf("INSERT INTO %s AS t (%s, %s) VALUES (%s, %s)",
		c.Relation(), keys, names, parameters, places), f.args(f.rows, value...)...)
}

func (f *fleet) update(s dbcompat.Stage, key int) {
	f.Helper()
	_, _, where, n := f.keys()
	value := f.change.value(key + 100)
	f.write(s, key, value, fmt.Sprintf("UPDATE %s t SET %s WHERE %s",
		f.change.columns.Relation(), f.change.columns.Set(s, n+1), where), f.args(key, value...)...)
}

func (f *fleet) updateBySQL(s dbcompat.Stage, key int) {
	f.Helper()
	_, _, where, _ := f.keys()
	f.write(s, key, f.change.to(f.want[key]), fmt.Sprintf("UPDATE %s t SET %s WHERE %s",
		f.change.columns.Relation(), f.change.columns.SetTo(s, "t", f.change.setTo...), where), f.args(key)...)
}

func (f *fleet) upsert(s dbcompat.Stage, key int) {
	f.Helper()
	c := f.change.columns
	keys, parameters, _, n := f.keys()
	names, places := c.Insert(s, n+1)
	value := f.change.value(key + 200)
	f.write(s, key, value, fmt.Sprintf("INSERT INTO %s AS t (%s, %s) VALUES (%s, %s) ON CONFLICT (%s) DO UPDATE SET %s",
		c.Relation(), keys, names, parameters, places, keys, c.SetExcluded(s)), f.args(key, value...)...)
}

// upsertBySQL sets what was to be inserted by the way of SetTo.
func (f *fleet) upsertBySQL(s dbcompat.Stage, key int) {
	f.Helper()
	c := f.change.columns
	keys, parameters, _, n := f.keys()
	names, places := c.Insert(s, n+1)
	value := f.change.value(key + 300)
	f.write(s, key, value, fmt.Sprintf("INSERT INTO %s AS t (%s, %s) VALUES (%s, %s) ON CONFLICT (%s) DO UPDATE SET %s",
		c.Relation(), keys, names, parameters, places, keys, c.SetTo(s, "t", c.Believed(s, "excluded")...)), f.args(key, value...)...)
}

// copy is COPY into the table, and where that cannot be by the way of a temporary one.
func (f *fleet) copy(s dbcompat.Stage) {
	f.Helper()
	f.rows++
	c := f.change.columns
	key, value := f.rows, f.change.value(f.rows)
	columns, row, err := c.Copy(s)
	table := pgx.Identifier(strings.Split(strings.ReplaceAll(strings.ReplaceAll(c.Relation(), `"."`, "\x00"), `"`, ""), "\x00"))
	if err != nil {
		keys, _, _, _ := f.keys()
		news := dbcompat.Columns{New: c.New}.Believed(dbcompat.New, "")
		execute(f, f.conn, fmt.Sprintf("CREATE TEMP TABLE batch AS SELECT %s, %s FROM %s WITH NO DATA", keys, strings.Join(news, ", "), c.Relation()))
		defer execute(f, f.conn, "DROP TABLE batch")
		table, columns = pgx.Identifier{"batch"}, c.New
		row = func(v ...any) []any { return v }
		defer func() {
			names, from := c.InsertFrom(s, "batch")
			f.write(s, key, value, fmt.Sprintf("INSERT INTO %s AS t (%s, %s) SELECT %s, %s FROM batch", c.Relation(), keys, names, keys, from))
		}()
	}
	n, err := f.conn.CopyFrom(f.Context(), table, append(append([]string{}, c.Key...), columns...),
		pgx.CopyFromRows([][]any{f.args(key, row(value...)...)}))
	require.NoError(f, err)
	require.EqualValues(f, 1, n)
	if table[0] != "batch" {
		f.want[key] = value
		f.read(key)
	}
}

// Every part of every statement, on PostgreSQL, by programs at all neighbouring stages
// in turn: each reads what the other has written.
func TestNeighboursReadWhatTheyWrite(t *testing.T) {
	for name, change := range changes() {
		t.Run(name, func(t *testing.T) {
			conn := connect(t, change.table)
			for _, a := range stages {
				for _, b := range stages {
					if a.Neighbours(b) {
						t.Run(fmt.Sprintf("%v and %v", a, b), func(t *testing.T) {
							execute(t, conn, "TRUNCATE "+change.columns.Relation())
							f := &fleet{TB: t, conn: conn, change: change, at: []dbcompat.Stage{a, b}, want: map[int][]any{}}
							f.live()
						})
					}
				}
			}
		})
	}
}

func (f *fleet) live() {
	f.Helper()
	for i := range 2 { // each goes first, and each goes second
		s, other := f.at[i], f.at[1-i]
		f.insert(s)
		f.update(other, f.rows)
		f.upsert(s, f.rows)
		f.updateBySQL(other, f.rows)
		f.insert(other)
		f.upsertBySQL(s, f.rows)
		f.copy(s)
		f.updateBySQL(s, f.rows)
	}
	for key := range f.want {
		f.read(key)
	}
	f.compared()
}

// compared are the mismatches: none where all write both, and those of Old's writes and
// New's where there are such.
func (f *fleet) compared() {
	f.Helper()
	for i, s := range f.at {
		compared, differ := f.mismatches[i].Counts()
		other := f.at[1-i]
		require.Equal(f, s.Compares(), compared > 0, s)
		if s.Compares() {
			require.Equal(f, !other.Compares(), differ > 0, s)
		}
		require.Equal(f, differ > 0, len(f.mismatches[i].Samples()) > 0)
	}
}

// A table shows that the test can fail: two steps apart, reads are stale.
func TestTwoStepsApartReadsAreStale(t *testing.T) {
	c := changes()["a column is renamed"].columns
	for _, pair := range [][2]dbcompat.Stage{
		{dbcompat.Old, dbcompat.ReadNew}, {dbcompat.Old, dbcompat.New}, {dbcompat.New, dbcompat.DualWrite}, {dbcompat.New, dbcompat.Old},
	} {
		writes, reads := pair[0], pair[1]
		t.Run(fmt.Sprintf("%v writes, %v reads", writes, reads), func(t *testing.T) {
			conn := connect(t, changes()["a column is renamed"].table, "INSERT INTO users VALUES (1, 'before', 'before')")
			execute(t, conn, "UPDATE users SET "+c.Set(writes, 1), "after")
			var name string
			require.NoError(t, conn.QueryRow(t.Context(), "SELECT "+c.Select(reads, "")+" FROM users").Scan(c.Into(reads, []any{&name}, nil)...))
			require.Equal(t, "before", name)
			require.False(t, writes.Neighbours(reads))
		})
	}
}

// What the change is for: New writes what old cannot hold. Somebody at ReadNew reads it,
// notes a difference, and has no error.
func TestWhatOnlyNewCanHold(t *testing.T) {
	c := changes()["an int becomes a bigint, in a table whose names need quotes"]
	c.columns.Up, c.columns.Down = []string{`"Count ""net"""::bigint`}, []string{`"select"::int`}
	conn := connect(t, c.table)
	const large = int64(1) << 40
	execute(t, conn, `INSERT INTO shop."Order.Items" ("order", "Line", "select") VALUES (1, 1, $1)`, large)
	var m dbcompat.Mismatches
	var got int64
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT "+c.columns.Select(dbcompat.ReadNew, "")+" FROM "+c.columns.Relation()).
		Scan(c.columns.Into(dbcompat.ReadNew, []any{&got}, &m)...))
	require.Equal(t, large, got)
	_, differ := m.Counts()
	require.EqualValues(t, 1, differ)
	_, err := conn.Exec(t.Context(), "UPDATE "+c.columns.Relation()+" SET "+c.columns.Set(dbcompat.ReadNew, 1), large)
	require.ErrorContains(t, err, "22003", "who writes both is told that old cannot hold it")
}

// Whoever forgets the stage, or Check, changes nothing, and is told.
func TestTheStageThatWasForgotten(t *testing.T) {
	conn := connect(t, changes()["a column is renamed"].table, "INSERT INTO users VALUES (1, 'a', 'b')")
	name := dbcompat.Column[string]{Table: "users", Key: "id", Old: "name", New: "display_name"}
	var none dbcompat.Stage
	columns, places := name.Insert(none, 2)
	from, selected := name.InsertFrom(none, "users")
	split := changes()["a column becomes two"].columns
	split.Down = nil
	half := split
	half.Up = nil
	commented := dbcompat.Column[string]{Table: "users", Key: "id", Old: "name", New: "display_name", Down: "/* x */ display_name"}
	tests := map[string]struct {
		sql  string
		args []any
		want string
	}{
		"UPDATE":                           {"UPDATE users SET " + name.Set(none, 2) + " WHERE id = $1", []any{1, "x"}, "Stage(0) is no stage"},
		"UPDATE by SQL":                    {"UPDATE users SET " + name.SetTo(none, "", "display_name || 'x'"), nil, "Stage(0) is no stage"},
		"INSERT":                           {"INSERT INTO users (id, " + columns + ") VALUES ($1, " + places + ")", []any{2, "x"}, "Stage(0) is no stage"},
		"INSERT from":                      {"INSERT INTO users (" + from + ") SELECT " + selected + " FROM users", nil, "Stage(0) is no stage"},
		"ON CONFLICT":                      {"INSERT INTO users (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET " + name.SetExcluded(none), nil, "Stage(0) is no stage"},
		"SELECT":                           {"SELECT " + name.Select(none, "users") + " FROM users", nil, "Stage(0) is no stage"},
		"WHERE":                            {"DELETE FROM users WHERE " + name.Believed(none, "") + " = 'a'", nil, "Stage(0) is no stage"},
		"a stage too many":                 {"UPDATE users SET " + name.Set(5, 1), []any{"x"}, "Stage(5) is no stage"},
		"a comment":                        {"UPDATE users SET " + name.SetTo(dbcompat.Old, "", "/* x */ display_name"), nil, "it has a comment"},
		"a comment in Down, without Check": {"UPDATE users SET " + commented.Set(dbcompat.DualWrite, 1), []any{"x"}, "it has a comment"},
		"a value too few":                  {"UPDATE users SET " + split.SetTo(dbcompat.New, "", "'Ada'"), nil, "1 values for 2 columns"},
		"two columns by SQL":               {"UPDATE users SET " + split.SetTo(none, "", "last_name", "first_name"), nil, "Stage(0) is no stage"},
		"no Up where it is needed":         {"SELECT " + half.Select(dbcompat.Old, "users") + " FROM users", nil, "Check has not been called"},
		"no Up where SQL needs it":         {"UPDATE users SET " + half.SetTo(dbcompat.Old, "", "last_name", "first_name"), nil, "Check has not been called"},
		"no Down where it is needed":       {"UPDATE users SET " + split.Set(dbcompat.DualWrite, 1), []any{"x", "y"}, "Check has not been called"},
	}
	for what, test := range tests {
		t.Run(what, func(t *testing.T) {
			_, err := conn.Exec(t.Context(), test.sql, test.args...)
			require.ErrorContains(t, err, "dbcompat: "+test.want)
			require.ErrorContains(t, err, "42703")
			require.Equal(t, []string{"(1,a,b)"}, text(t, conn, "users", "id"))
		})
	}
	_, row, err := name.Columns().Copy(dbcompat.DualWrite)
	require.NoError(t, err)
	require.Empty(t, row(), "which pgx refuses")
	require.Empty(t, row("Ada", "Lovelace"))
	_, _, err = name.Copy(none)
	require.EqualError(t, err, "dbcompat: copy into users: Stage(0) is no stage")
	_, _, err = name.Columns().Twin(none)
	require.EqualError(t, err, "dbcompat: twin of users: Stage(0) is no stage")
}
