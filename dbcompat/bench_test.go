package dbcompat_test

import (
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handover-go/handover/dbcompat"
)

// BenchmarkDualWrite has one UPDATE of two columns written by hand, written so again,
// and by Set, in turns on one connection. It reports the ratios of the medians: the first
// is what the machine makes of nothing, the second is to be 1.05 at most.
func BenchmarkDualWrite(b *testing.B) {
	conn := connect(b, "CREATE TABLE users (id bigint PRIMARY KEY, name text, display_name text) WITH (fillfactor = 50)",
		"INSERT INTO users SELECT i, 'a', 'a' FROM generate_series(1, 10000) i", "SET synchronous_commit = off", "VACUUM ANALYZE users")
	name := dbcompat.Column[string]{Table: "users", Key: "id", Old: "name", New: "display_name"}
	write := [3]func() string{
		func() string { return "UPDATE users SET name = $2, display_name = $2 WHERE id = $1" },
		func() string { return "UPDATE users SET name = $2 , display_name = $2 WHERE id = $1" },
		func() string { return "UPDATE users SET " + name.Set(dbcompat.DualWrite, 2) + " WHERE id = $1" },
	}
	var took [len(write)][]time.Duration
	for i := 0; b.Loop(); i++ {
		for j := range write {
			j = (i + j) % len(write) // each is the first as often as the others
			began := time.Now()
			if _, err := conn.Exec(b.Context(), write[j](), i%10000+1, "Grace"); err != nil {
				b.Fatal(err)
			}
			took[j] = append(took[j], time.Since(began))
		}
	}
	hand := float64(median(took[0]))
	b.ReportMetric(hand, "ns/hand")
	b.ReportMetric(float64(median(took[1]))/hand, "ratio/again")
	b.ReportMetric(float64(median(took[2]))/hand, "ratio/Set")
}

// BenchmarkCompare reads a row by its key, and 10,000 rows, without the comparison and
// with it, in turns.
func BenchmarkCompare(b *testing.B) {
	conn := connect(b, "CREATE TABLE users (id bigint PRIMARY KEY, name text, display_name text)",
		"INSERT INTO users SELECT i, 'name ' || i, 'name ' || i FROM generate_series(1, 10000) i", "VACUUM ANALYZE users")
	column := dbcompat.Column[string]{Table: "users", Key: "id", Old: "name", New: "display_name"}
	var m dbcompat.Mismatches
	var value string
	for what, where := range map[string]string{"a row": " WHERE id = $1", "10000 rows": " WHERE id > -$1::bigint"} {
		b.Run(what, func(b *testing.B) {
			var took [2][]time.Duration
			for b.Loop() {
				for j, s := range []dbcompat.Stage{dbcompat.Old, dbcompat.DualWrite} {
					began := time.Now()
					rows, err := conn.Query(b.Context(), "SELECT "+column.Select(s, "")+" FROM users"+where, 7)
					if err != nil {
						b.Fatal(err)
					}
					if _, err := pgx.ForEachRow(rows, column.Into(s, &value, &m), func() error { return nil }); err != nil {
						b.Fatal(err)
					}
					took[j] = append(took[j], time.Since(began))
				}
			}
			b.ReportMetric(float64(median(took[1]))/float64(median(took[0])), "ratio")
		})
	}
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

// BenchmarkSet is what it takes to put the parts together.
func BenchmarkSet(b *testing.B) {
	for what, name := range map[string]dbcompat.Column[string]{
		"the column itself": {Table: "users", Key: "id", Old: "name", New: "display_name"},
		"by SQL":            {Table: "users", Key: "id", Old: "name", New: "display_name", Up: "lower(name)", Down: "upper(display_name)"},
	} {
		b.Run(what, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = name.Set(dbcompat.DualWrite, 2)
			}
		})
	}
}
