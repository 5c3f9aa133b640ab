package rules

import (
	"fmt"
	"strings"

	"github.com/handover-go/handover/dbcompat/lint/internal/tree"
)

func dropRules() []Rule {
	return []Rule{
		{Name: "drop-column", Find: dropColumn, Remedy: "last of all: when no code that runs, no view and no function names it; its indexes are dropped CONCURRENTLY before"},
		{Name: "drop-table", Find: dropTable, Remedy: "rename it away first, drop it a release later"},
		{Name: "drop-schema", Find: dropSchema, Remedy: "empty it first, one thing at a time"},
		{Name: "drop-database", Find: dropDatabase, Remedy: "never in a migration"},
		{Name: "truncate", Find: truncate, Remedy: "delete in batches by key, or a new table"},
	}
}

// dropColumn finds also what drops columns as a side effect: a type goes with
// CASCADE, and the columns of that type with it.
func dropColumn(f *File, i int) []Hit {
	var hits []Hit
	for _, c := range f.commands(i, "AT_DropColumn") {
		hits = append(hits, Hit{
			Problem: fmt.Sprintf("%s.%s goes: code that names it fails, at once and for ever", c.table, quote(c.Name)),
			Safe:    fmt.Sprintf("-- after the last code that names it:\nSET lock_timeout = '2s';\nALTER TABLE %s DROP COLUMN %s;", c.table, quote(c.Name)),
		})
	}
	drop := f.Statements[i].DropStmt
	if drop != nil && drop.Behavior == "DROP_CASCADE" {
		switch drop.Kind {
		case "OBJECT_TYPE", "OBJECT_DOMAIN", "OBJECT_EXTENSION", "OBJECT_COLLATION":
			hits = append(hits, Hit{Problem: strings.Join(tree.Strings(drop.Objects), ", ") + " goes with CASCADE, and takes along the columns that use it"})
		}
	}
	return hits
}

func dropTable(f *File, i int) []Hit {
	drop := f.Statements[i].DropStmt
	if drop == nil || !tableLike(drop.Kind) {
		return nil
	}
	var names []string
	for _, object := range tree.Strings(drop.Objects) {
		relation := &tree.Relation{Name: object}
		if at := strings.LastIndex(object, "."); at >= 0 {
			relation.Schema, relation.Name = object[:at], object[at+1:]
		}
		if f.old(relation, i) {
			names = append(names, name(relation))
		}
	}
	if len(names) == 0 {
		return nil
	}
	again := ""
	if f.comesBack(names[0], i) {
		again = ", and comes back empty"
	}
	return []Hit{{
		Problem: strings.Join(names, ", ") + " goes" + again + ": code that names it fails, and there is no way back",
		Safe:    fmt.Sprintf("ALTER TABLE %s RENAME TO …_unused;\n-- a release later:\nDROP TABLE …_unused;", names[0]),
	}}
}

// comesBack finds what some call create table by force.
func (f *File) comesBack(table string, i int) bool {
	for _, c := range f.created {
		if c.at > i && table == name(&c.relation) {
			return true
		}
	}
	return false
}

func dropSchema(f *File, i int) []Hit {
	s := f.Statements[i]
	if s.DropOwnedStmt != nil {
		return hit("DROP OWNED takes along whatever the role has")
	}
	if s.DropStmt == nil || s.DropStmt.Kind != "OBJECT_SCHEMA" {
		return nil
	}
	return hit("the schema " + strings.Join(tree.Strings(s.DropStmt.Objects), ", ") + " goes")
}

func dropDatabase(f *File, i int) []Hit {
	if f.Statements[i].DropdbStmt == nil {
		return nil
	}
	return hit("the database goes")
}

func truncate(f *File, i int) []Hit {
	t := f.Statements[i].TruncateStmt
	if t == nil {
		return nil
	}
	var names []string
	for _, n := range t.Relations {
		if f.old(n.RangeVar, i) {
			names = append(names, name(n.RangeVar))
		}
	}
	if len(names) == 0 {
		return nil
	}
	cascade := ""
	if t.Behavior == "DROP_CASCADE" {
		cascade = ", and every table that refers to it"
	}
	return hit("TRUNCATE empties " + strings.Join(names, ", ") + cascade + " under ACCESS EXCLUSIVE")
}
