package rules

import (
	"encoding/json"
	"slices"

	"github.com/handover-go/handover/dbcompat/lint/internal/tree"
)

// File is what the rules look at.
type File struct {
	Statements []tree.Statement
	// Tx has for each statement the number of its transaction: 0 for none, 1 for
	// the one that the tool begins, then those of the file.
	Tx []int
	// Server is a server_version_num, such as 150004.
	Server int

	created []created
	locks   []string // for each statement what locked finds: every pair is asked for
}

// created is a table that statement at creates.
type created struct {
	relation tree.Relation
	table    *tree.CreateTable // nil for CREATE TABLE AS
	at       int
}

// Prepare collects what later statements are judged by.
func (f *File) Prepare() {
	for i, s := range f.Statements {
		f.note(s.Node, i)
	}
	for i := range f.Statements {
		f.locks = append(f.locks, f.locked(i))
	}
}

func (f *File) note(n tree.Node, i int) {
	switch {
	case n.CreateStmt != nil && n.CreateStmt.Relation != nil:
		f.created = append(f.created, created{*n.CreateStmt.Relation, n.CreateStmt, i})
	case n.CreateTableAsStmt != nil && n.CreateTableAsStmt.Into.Rel != nil:
		f.created = append(f.created, created{*n.CreateTableAsStmt.Into.Rel, nil, i})
	case n.CreateSchemaStmt != nil:
		for _, element := range n.CreateSchemaStmt.Elements {
			f.note(element, i)
		}
	}
}

// find gives the table that this file has created before statement i, if any.
func (f *File) find(relation *tree.Relation, i int) *created {
	for j := range f.created {
		c := &f.created[j]
		if c.at < i && same(&c.relation, relation) {
			return c
		}
	}
	return nil
}

// old tells whether the table may have rows and readers: it is not from this
// file. CREATE TABLE IF NOT EXISTS counts as creating it.
func (f *File) old(relation *tree.Relation, i int) bool {
	return relation != nil && f.find(relation, i) == nil
}

// same compares names; one without a schema may be in any.
func same(a, b *tree.Relation) bool {
	return a != nil && b != nil && a.Name == b.Name && (a.Schema == b.Schema || a.Schema == "" || b.Schema == "")
}

// command is one part of an ALTER TABLE of a table that is not new.
type command struct {
	*tree.Command
	table      string // quoted where it has to be
	relation   *tree.Relation
	column     *tree.Column     // of ADD COLUMN and ALTER COLUMN TYPE
	constraint *tree.Constraint // of ADD CONSTRAINT
	partition  *tree.Partition
	object     string
	only       bool // the statement has no other part
}

func (f *File) commands(i int, kinds ...string) []command {
	alter := f.Statements[i].AlterTableStmt
	if alter == nil || !f.old(alter.Relation, i) {
		return nil
	}
	var all []command
	for _, c := range alter.Commands {
		if c.AlterTableCmd == nil || len(kinds) > 0 && !slices.Contains(kinds, c.AlterTableCmd.Kind) {
			continue
		}
		var def tree.Node
		_ = json.Unmarshal(c.AlterTableCmd.Def, &def) // an expression, as of SET DEFAULT, is none of these
		all = append(all, command{
			Command: c.AlterTableCmd, table: name(alter.Relation), relation: alter.Relation, column: def.ColumnDef,
			constraint: def.Constraint, partition: def.PartitionCmd, object: alter.Object, only: len(alter.Commands) == 1,
		})
	}
	return all
}

// added is a constraint that an ALTER TABLE adds, by itself or with a column.
type added struct {
	command
	*tree.Constraint
	inline bool // it came with a column
}

func (f *File) added(i int, kinds ...string) []added {
	var all []added
	for _, c := range f.commands(i, "AT_AddConstraint", "AT_AddColumn") {
		if c.constraint != nil && slices.Contains(kinds, c.constraint.Kind) {
			all = append(all, added{c, c.constraint, false})
		}
		if c.column == nil {
			continue
		}
		for _, n := range c.column.Constraints {
			if n.Constraint != nil && slices.Contains(kinds, n.Constraint.Kind) {
				all = append(all, added{c, n.Constraint, true})
			}
		}
	}
	return all
}

// at gives the offset of a location in the tree of statement i.
func (f *File) at(i, location int) int {
	if location <= 0 {
		return f.Statements[i].Start
	}
	return f.Statements[i].Base + location
}
