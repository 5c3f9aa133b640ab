package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/handover-go/handover/dbcompat/lint/internal/tree"
)

func transactionRules() []Rule {
	return []Rule{
		{Name: "validate-in-same-tx", Find: validateInSameTx, Remedy: "VALIDATE in a transaction of its own: the lock of ADD CONSTRAINT is kept until the commit"},
		{Name: "two-fks-one-tx", Find: twoForeignKeys, Remedy: "one foreign key per transaction"},
		{Name: "many-ddl-in-one-tx", Find: manyTables, Remedy: "one table per transaction: two locks that are held together are half of a deadlock"},
		{Name: "ddl-plus-dml-in-one-tx", Find: mixed, Remedy: "rows in a transaction of their own: the lock of the DDL is kept while they are written"},
	}
}

// together tells whether two statements are in one transaction.
func (f *File) together(i, j int) bool { return f.Tx[i] != 0 && f.Tx[i] == f.Tx[j] }

func validateInSameTx(f *File, i int) []Hit {
	var hits []Hit
	for _, c := range f.commands(i, "AT_ValidateConstraint") {
		for j := range i + 1 {
			if j != i && !f.together(i, j) {
				continue
			}
			for _, a := range f.commands(j, "AT_AddConstraint") {
				if a.constraint != nil && a.constraint.Name == c.Name && same(a.relation, c.relation) {
					hits = append(hits, Hit{Problem: fmt.Sprintf("%s is added and validated in one transaction: %s is locked while all of it is read", quote(c.Name), c.table)})
				}
			}
		}
	}
	return hits
}

// foreignKeys are the old tables that statement i refers to. It counts also
// those of a new table, since they lock what they refer to.
func (f *File) foreignKeys(i int) []string {
	var all []string
	for _, a := range f.added(i, "CONSTR_FOREIGN") {
		all = append(all, name(a.Foreign))
	}
	made := f.Statements[i].CreateStmt
	if made == nil {
		return all
	}
	elements := made.Elements
	for _, e := range made.Elements {
		if e.ColumnDef != nil {
			elements = append(slices.Clip(elements), e.ColumnDef.Constraints...)
		}
	}
	for _, e := range elements {
		if e.Constraint != nil && e.Constraint.Kind == "CONSTR_FOREIGN" && f.old(e.Constraint.Foreign, i) {
			all = append(all, name(e.Constraint.Foreign))
		}
	}
	return all
}

func twoForeignKeys(f *File, i int) []Hit {
	own := f.foreignKeys(i)
	if len(own) == 0 {
		return nil
	}
	var all []string
	for j := range i {
		if f.together(i, j) {
			all = append(all, f.foreignKeys(j)...)
		}
	}
	all = append(all, own...)
	for _, table := range own {
		if table != all[0] {
			return hit("more than one table is locked for foreign keys in one transaction, the last is " + table)
		}
	}
	return nil
}

// locked is the old table that statement i locks strongly, or "".
func (f *File) locked(i int) string {
	s := f.Statements[i]
	if s.DropStmt != nil && len(dropTable(f, i)) > 0 {
		return strings.Join(tree.Strings(s.DropStmt.Objects), ", ")
	}
	relation := f.target(i)
	if !f.old(relation, i) || f.concurrent(i) != "" {
		return ""
	}
	return name(relation)
}

func (f *File) target(i int) *tree.Relation {
	switch s := f.Statements[i]; {
	case s.AlterTableStmt != nil:
		return f.altered(i)
	case s.RenameStmt != nil && s.RenameStmt.Object != "OBJECT_INDEX":
		return s.RenameStmt.Relation
	case s.CreateTrigStmt != nil:
		return s.CreateTrigStmt.Relation
	case s.IndexStmt != nil:
		return s.IndexStmt.Relation
	case s.TruncateStmt != nil && len(s.TruncateStmt.Relations) > 0:
		return s.TruncateStmt.Relations[0].RangeVar
	}
	return nil
}

// altered is nil where the lock is weak.
func (f *File) altered(i int) *tree.Relation {
	if f.Statements[i].AlterTableStmt.Object == "OBJECT_INDEX" {
		return nil
	}
	for _, c := range f.commands(i) {
		if c.Kind != "AT_ValidateConstraint" && c.Kind != "AT_SetStatistics" {
			return c.relation
		}
	}
	return nil
}

func manyTables(f *File, i int) []Hit {
	own := f.locks[i]
	if own == "" {
		return nil
	}
	for j := range i {
		if other := f.locks[j]; f.together(i, j) && other != "" && other != own {
			return hit(fmt.Sprintf("%s is locked while %s still is", own, other))
		}
	}
	return nil
}

func mixed(f *File, i int) []Hit {
	s := f.Statements[i]
	copies := s.CopyStmt != nil && s.CopyStmt.From
	if s.UpdateStmt == nil && s.DeleteStmt == nil && s.MergeStmt == nil && s.InsertStmt == nil && !copies {
		return nil
	}
	for j := range i {
		if table := f.locks[j]; f.together(i, j) && table != "" {
			return hit(fmt.Sprintf("rows are written while %s is locked by the DDL before", table))
		}
	}
	return nil
}
