package rules

import (
	"fmt"
	"strings"

	"github.com/handover-go/handover/dbcompat/lint/internal/tree"
)

func blockRules() []Rule {
	return []Rule{
		{Name: "detach-partition-not-concurrent", Find: detach, Remedy: "DETACH PARTITION … CONCURRENTLY (14 and later)"},
		{Name: "attach-partition-scans", Find: attach, Remedy: "a validated CHECK that says what the bound says, on the table that is attached, spares the scan"},
		{Name: "vacuum-full-or-cluster", Find: vacuumFull, Remedy: "pg_repack, or a plain VACUUM"},
		{Name: "set-logged-unlogged", Find: rewrites("the table is rewritten under ACCESS EXCLUSIVE", "AT_SetLogged", "AT_SetUnLogged"), Remedy: "a new table, and the rows moved in batches"},
		{Name: "set-access-method", Find: rewrites("the table is rewritten under ACCESS EXCLUSIVE", "AT_SetAccessMethod"), Remedy: "a new table, and the rows moved in batches"},
		{Name: "set-tablespace", Find: setTablespace, Remedy: "a new table, or pg_repack --tablespace"},
		{Name: "create-trigger-on-busy-table", Find: createTrigger, Remedy: "SET LOCAL lock_timeout before it, and try again"},
		{Name: "refresh-matview-not-concurrent", Find: refresh, Remedy: "REFRESH MATERIALIZED VIEW CONCURRENTLY, which needs a unique index"},
		{Name: "lock-table", Find: lockTable, Remedy: "no explicit lock: the statements that follow take what they need"},
	}
}

func detach(f *File, i int) []Hit {
	var hits []Hit
	for _, c := range f.commands(i, "AT_DetachPartition") {
		if c.partition != nil && !c.partition.Concurrent && f.Server >= 140000 {
			hits = append(hits, Hit{
				Problem: "DETACH PARTITION waits for ACCESS EXCLUSIVE on " + c.table,
				Safe:    fmt.Sprintf("ALTER TABLE %s DETACH PARTITION %s CONCURRENTLY;", c.table, name(c.partition.Name)),
			})
		}
	}
	return hits
}

func attach(f *File, i int) []Hit {
	var hits []Hit
	for _, c := range f.commands(i, "AT_AttachPartition") {
		if c.object != "OBJECT_INDEX" && c.partition != nil && f.old(c.partition.Name, i) && !f.validated(c.partition.Name, i) {
			hits = append(hits, Hit{Problem: "ATTACH PARTITION reads all of " + name(c.partition.Name) + " under ACCESS EXCLUSIVE"})
		}
	}
	return hits
}

// validated tells whether any constraint of the table was validated before.
func (f *File) validated(relation *tree.Relation, i int) bool {
	for j := range i {
		for _, c := range f.commands(j, "AT_ValidateConstraint") {
			if same(c.relation, relation) {
				return true
			}
		}
	}
	return false
}

func vacuumFull(f *File, i int) []Hit {
	s := f.Statements[i]
	if s.ClusterStmt != nil {
		return hit("CLUSTER rewrites the table under ACCESS EXCLUSIVE")
	}
	if s.VacuumStmt != nil && option(s.VacuumStmt.Options, "full") {
		return hit("VACUUM FULL rewrites the table under ACCESS EXCLUSIVE")
	}
	return nil
}

func rewrites(what string, kinds ...string) func(*File, int) []Hit {
	return func(f *File, i int) []Hit {
		var hits []Hit
		for _, c := range f.commands(i, kinds...) {
			hits = append(hits, Hit{Problem: c.table + ": " + what})
		}
		return hits
	}
}

func setTablespace(f *File, i int) []Hit {
	if f.Statements[i].AlterTableMoveAllStmt != nil {
		return hit("everything in the tablespace is copied, each under ACCESS EXCLUSIVE")
	}
	return rewrites("it is copied under ACCESS EXCLUSIVE", "AT_SetTableSpace")(f, i)
}

func createTrigger(f *File, i int) []Hit {
	trigger := f.Statements[i].CreateTrigStmt
	if trigger == nil || !f.old(trigger.Relation, i) || f.limited("lock_timeout", i) {
		return nil
	}
	return hit("CREATE TRIGGER waits for SHARE ROW EXCLUSIVE on " + name(trigger.Relation) + " without a limit, and writers wait behind it")
}

func refresh(f *File, i int) []Hit {
	r := f.Statements[i].RefreshMatViewStmt
	if r == nil || r.Concurrent || !f.old(r.Relation, i) {
		return nil
	}
	return hit("nobody reads " + name(r.Relation) + " until it is refreshed")
}

func lockTable(f *File, i int) []Hit {
	lock := f.Statements[i].LockStmt
	if lock == nil {
		return nil
	}
	var names []string
	for _, n := range lock.Relations {
		if f.old(n.RangeVar, i) {
			names = append(names, name(n.RangeVar))
		}
	}
	if len(names) == 0 {
		return nil
	}
	return hit("LOCK TABLE " + strings.Join(names, ", ") + " until the transaction ends")
}
