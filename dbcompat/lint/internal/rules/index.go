package rules

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/handover-go/handover/dbcompat/lint/internal/tree"
)

func indexRules() []Rule {
	return []Rule{
		{Name: "index-not-concurrent", Find: indexNotConcurrent, Remedy: "CREATE INDEX CONCURRENTLY, outside a transaction"},
		{Name: "drop-index-not-concurrent", Find: dropIndex, Remedy: "DROP INDEX CONCURRENTLY, one index at a time, outside a transaction"},
		{Name: "reindex-not-concurrent", Find: reindex, Remedy: "REINDEX … CONCURRENTLY"},
		{Name: "concurrently-in-transaction", Find: concurrentlyInTx, Remedy: "a file of its own that is in no transaction (goose: -- +goose NO TRANSACTION)"},
		{Name: "concurrently-if-not-exists", Find: ifNotExists, Remedy: "without IF NOT EXISTS; look at pg_index.indisvalid, drop what is left of a failed attempt, try again"},
		{Name: "partitioned-index-concurrently", Find: partitionedIndex, Remedy: "CREATE INDEX ON ONLY the parent, CONCURRENTLY on each partition, ALTER INDEX … ATTACH PARTITION"},
		{Name: "replace-index-in-one-step", Find: replaceIndex, Remedy: "create the new index under another name first, drop the old one after"},
		{Name: "index-corruption-14", Find: corruption, Remedy: "upgrade to 14.4 first"},
	}
}

// concurrently puts the word behind INDEX, which is the first one in all of these
// statements.
func concurrently(s tree.Statement) string {
	word := regexp.MustCompile(`(?i)\b(INDEX|TABLE|SCHEMA|DATABASE)\b`).FindStringIndex(s.Code)
	if word == nil {
		return ""
	}
	return s.Text[:word[1]] + " CONCURRENTLY" + s.Text[word[1]:] + gap(s.Text) + ";"
}

// gap is what comes before a word that is put behind a statement: a comment may
// be the last of it.
func gap(text string) string {
	if strings.Contains(text, "--") {
		return "\n"
	}
	return ""
}

func indexNotConcurrent(f *File, i int) []Hit {
	index := f.Statements[i].IndexStmt
	if index == nil || index.Concurrent || !f.old(index.Relation, i) {
		return nil
	}
	kind := "CREATE INDEX"
	if index.Unique {
		kind = "CREATE UNIQUE INDEX"
	}
	return []Hit{{
		Problem: fmt.Sprintf("%s on %s: no write gets through until it is built", kind, name(index.Relation)),
		Safe:    concurrently(f.Statements[i]),
	}}
}

func dropIndex(f *File, i int) []Hit {
	drop := f.Statements[i].DropStmt
	if drop == nil || drop.Kind != "OBJECT_INDEX" || drop.Concurrent {
		return nil
	}
	old := false
	var safe []string
	for _, index := range tree.Strings(drop.Objects) {
		old = old || !f.indexOfNewTable(index, i)
		safe = append(safe, "DROP INDEX CONCURRENTLY "+index+";")
	}
	if !old {
		return nil
	}
	return []Hit{{Problem: "DROP INDEX waits for ACCESS EXCLUSIVE on the table, and everybody waits behind it", Safe: strings.Join(safe, "\n")}}
}

func (f *File) indexOfNewTable(index string, i int) bool {
	for j := range i {
		s := f.Statements[j].IndexStmt
		if s != nil && s.Name != "" && (index == s.Name || strings.HasSuffix(index, "."+s.Name)) {
			return !f.old(s.Relation, j)
		}
	}
	return false
}

func reindex(f *File, i int) []Hit {
	r := f.Statements[i].ReindexStmt
	if r == nil || option(r.Params, "concurrently") || r.Relation != nil && !f.old(r.Relation, i) {
		return nil
	}
	return []Hit{{Problem: "REINDEX keeps writes out of the table until it is done", Safe: concurrently(f.Statements[i])}}
}

// option tells whether VACUUM (FULL) or its like is on.
func option(options []tree.Node, name string) bool {
	for _, n := range options {
		if n.DefElem != nil && n.DefElem.Name == name {
			off := strings.ToLower(string(n.DefElem.Arg))
			return !strings.Contains(off, `"false"`) && !strings.Contains(off, `"off"`) && !strings.Contains(off, `"integer":{}`)
		}
	}
	return false
}

// concurrent names what PostgreSQL refuses inside a transaction.
func (f *File) concurrent(i int) string {
	s := f.Statements[i]
	switch {
	case s.IndexStmt != nil && s.IndexStmt.Concurrent:
		return "CREATE INDEX CONCURRENTLY"
	case s.DropStmt != nil && s.DropStmt.Concurrent:
		return "DROP INDEX CONCURRENTLY"
	case s.ReindexStmt != nil && option(s.ReindexStmt.Params, "concurrently"):
		return "REINDEX CONCURRENTLY"
	case s.VacuumStmt != nil && s.VacuumStmt.Vacuum:
		return "VACUUM"
	}
	return f.detaches(i)
}

func (f *File) detaches(i int) string {
	for _, c := range f.commands(i, "AT_DetachPartition") {
		if c.partition != nil && c.partition.Concurrent {
			return "DETACH PARTITION CONCURRENTLY"
		}
	}
	return ""
}

func concurrentlyInTx(f *File, i int) []Hit {
	if what := f.concurrent(i); what != "" && f.Tx[i] != 0 {
		return hit(what + " is refused inside a transaction, and this file runs in one")
	}
	return nil
}

func ifNotExists(f *File, i int) []Hit {
	index := f.Statements[i].IndexStmt
	if index == nil || !index.Concurrent || !index.IfNotExists {
		return nil
	}
	return hit("IF NOT EXISTS is content with the INVALID index that a failed attempt has left: writes pay for it and no query uses it")
}

func partitionedIndex(f *File, i int) []Hit {
	index := f.Statements[i].IndexStmt
	if index == nil || !index.Concurrent {
		return nil
	}
	made := f.find(index.Relation, i)
	if made != nil && made.table != nil && len(made.table.Partitioned) > 0 || f.attached(index.Relation) {
		return hit("CONCURRENTLY is refused on a partitioned table, which " + name(index.Relation) + " is")
	}
	return nil
}

// attached tells whether this file gives the table a partition.
func (f *File) attached(relation *tree.Relation) bool {
	for j, s := range f.Statements {
		for range f.commands(j, "AT_AttachPartition", "AT_DetachPartition") {
			if same(s.AlterTableStmt.Relation, relation) {
				return true
			}
		}
	}
	for _, c := range f.created {
		if c.table == nil {
			continue
		}
		for _, parent := range c.table.Parents {
			if same(parent.RangeVar, relation) && strings.Contains(string(f.Statements[c.at].Raw), `"partbound"`) {
				return true
			}
		}
	}
	return false
}

func replaceIndex(f *File, i int) []Hit {
	drop := f.Statements[i].DropStmt
	if drop == nil || drop.Kind != "OBJECT_INDEX" {
		return nil
	}
	for j := i + 1; j < len(f.Statements); j++ {
		if index := f.Statements[j].IndexStmt; index != nil && f.old(index.Relation, j) {
			return hit("an index is dropped before another is created: in between the queries of both have none")
		}
	}
	return nil
}

func corruption(f *File, i int) []Hit {
	if f.Server < 140000 || f.Server >= 140004 {
		return nil
	}
	if what := f.concurrent(i); what == "CREATE INDEX CONCURRENTLY" || what == "REINDEX CONCURRENTLY" {
		return hit(what + " may leave rows out of the index in PostgreSQL 14.0 to 14.3")
	}
	return nil
}
