package rules

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/handover-go/handover/dbcompat/lint/internal/tree"
)

func breakRules() []Rule {
	return []Rule{
		{Name: "rename-column", Find: renameColumn, Remedy: "a new column and the four stages: no moment has both names right"},
		{Name: "rename-table", Find: renameTable, Remedy: "keep the old name as an updatable view in the same transaction, or a new table"},
		{Name: "rename-schema", Find: renameSchema, Remedy: "a new schema; views under the old names until no code uses them"},
		{Name: "rename-enum-value", Find: renameEnumValue, Remedy: "add the new value, write it, back-fill, stop reading the old one"},
		{Name: "enum-value-used-in-same-tx", Find: enumValueUsed, Remedy: "commit ADD VALUE first: until then the value cannot be used"},
		{Name: "drop-not-null", Find: dropNotNull, Remedy: "only when all readers bear a NULL; it has to come before the stage that stops writing the column"},
		{Name: "drop-default", Find: changeDefault(true), Remedy: "first all code sends the value"},
		{Name: "change-default", Find: changeDefault(false), Remedy: "first all code sends the value; a first default for a new column is what this rule is allowed for"},
		{Name: "drop-constraint", Find: dropConstraint, Remedy: "say in the allow what holds the promise from now on; an index under it is the last one to go"},
		{Name: "function-references-column", Find: functionReferences, Remedy: "replace the function first: PostgreSQL lets the column go, and the next call fails"},
		{Name: "select-star", Find: selectStar, Remedy: "list the columns: a view keeps those it was made with, and a prepared statement fails when they change (0A000)"},
	}
}

func renameColumn(f *File, i int) []Hit {
	r := f.Statements[i].RenameStmt
	if r == nil || r.Object != "OBJECT_COLUMN" && r.Object != "OBJECT_ATTRIBUTE" || !f.old(r.Relation, i) {
		return nil
	}
	table := name(r.Relation)
	return []Hit{{
		Problem: fmt.Sprintf("%s.%s becomes %s: code that runs fails at once, code that is new fails before", table, quote(r.Old), quote(r.New)),
		Safe: fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s …;\n-- write both, back-fill, verify, read the new one, write only the new one, then\nALTER TABLE %s DROP COLUMN %s;",
			table, quote(r.New), table, quote(r.Old)),
	}}
}

func renameTable(f *File, i int) []Hit {
	if r := f.Statements[i].RenameStmt; r != nil && tableLike(r.Object) && f.old(r.Relation, i) {
		return []Hit{{
			Problem: fmt.Sprintf("%s becomes %s: code that runs does not find it", name(r.Relation), quote(r.New)),
			Safe:    fmt.Sprintf("BEGIN;\n%s;\nCREATE VIEW %s AS SELECT … FROM %s;\nCOMMIT;", f.Statements[i].Text, name(r.Relation), quote(r.New)),
		}}
	}
	if s := f.Statements[i].AlterObjectSchemaStmt; s != nil && tableLike(s.Object) && f.old(s.Relation, i) {
		return hit(fmt.Sprintf("%s moves to the schema %s: code that runs does not find it", name(s.Relation), quote(s.Schema)))
	}
	return nil
}

func tableLike(object string) bool {
	switch object {
	case "OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_FOREIGN_TABLE", "OBJECT_SEQUENCE":
		return true
	}
	return false
}

func renameSchema(f *File, i int) []Hit {
	if r := f.Statements[i].RenameStmt; r != nil && r.Object == "OBJECT_SCHEMA" {
		return hit(fmt.Sprintf("the schema %s becomes %s: code that runs finds nothing in it", quote(r.Old), quote(r.New)))
	}
	return nil
}

func renameEnumValue(f *File, i int) []Hit {
	if e := f.Statements[i].AlterEnumStmt; e != nil && e.Old != "" {
		return hit(fmt.Sprintf("the value %q becomes %q: code that sends the old one fails", e.Old, e.New))
	}
	return nil
}

func enumValueUsed(f *File, i int) []Hit {
	for j := range i {
		e := f.Statements[j].AlterEnumStmt
		if e == nil || e.Old != "" || e.New == "" || f.Tx[i] == 0 || f.Tx[i] != f.Tx[j] || f.Statements[i].AlterEnumStmt != nil {
			continue
		}
		if strings.Contains(f.Statements[i].Text, "'"+strings.ReplaceAll(e.New, "'", "''")+"'") {
			return hit(fmt.Sprintf("%q is used in the transaction that adds it", e.New))
		}
	}
	return nil
}

func dropNotNull(f *File, i int) []Hit {
	var hits []Hit
	for _, c := range f.commands(i, "AT_DropNotNull") {
		hits = append(hits, Hit{Problem: fmt.Sprintf("%s.%s may be NULL from now on: code that scans it into a plain value fails", c.table, quote(c.Name))})
	}
	return hits
}

// changeDefault leaves alone a column that the same file adds.
func changeDefault(drop bool) func(*File, int) []Hit {
	return func(f *File, i int) []Hit {
		var hits []Hit
		for _, c := range f.commands(i, "AT_ColumnDefault") {
			if drop != (len(c.Def) == 0) || f.adds(c.relation, c.Name, i) {
				continue
			}
			what := "changes"
			if drop {
				what = "goes"
			}
			hits = append(hits, Hit{Problem: fmt.Sprintf("the default of %s.%s %s: code that leaves the column out gets something else", c.table, quote(c.Name), what)})
		}
		return hits
	}
}

func (f *File) adds(relation *tree.Relation, column string, i int) bool {
	for j := range i + 1 {
		for _, c := range f.commands(j, "AT_AddColumn") {
			if same(c.relation, relation) && c.column != nil && c.column.Name == column {
				return true
			}
		}
	}
	return false
}

// dropConstraint lets go of what the same file has added, as the CHECK on the
// way to NOT NULL.
func dropConstraint(f *File, i int) []Hit {
	var hits []Hit
	for _, c := range f.commands(i, "AT_DropConstraint") {
		own := false
		for j := range i {
			for _, v := range f.commands(j, "AT_AddConstraint") {
				own = own || same(v.relation, c.relation) && v.constraint != nil && v.constraint.Name == c.Name
			}
		}
		if !own {
			hits = append(hits, Hit{Problem: fmt.Sprintf("%s loses the constraint %s, which other code may rely on", c.table, quote(c.Name))})
		}
	}
	return hits
}

func functionReferences(f *File, i int) []Hit {
	column := ""
	for _, c := range f.commands(i, "AT_DropColumn") {
		column = c.Name
	}
	if r := f.Statements[i].RenameStmt; r != nil && r.Object == "OBJECT_COLUMN" && f.old(r.Relation, i) {
		column = r.Old
	}
	if column == "" {
		return nil
	}
	mention := regexp.MustCompile(`(?i)\b` + regexp.QuoteMeta(column) + `\b`)
	for _, s := range f.Statements {
		if fn := s.CreateFunctionStmt; fn != nil && mention.Match(body(fn)) {
			return hit(fmt.Sprintf("the body of %s mentions %s, and a body is no dependency", strings.Join(tree.Strings(fn.Name), "."), quote(column)))
		}
	}
	return nil
}

func body(fn *tree.Function) []byte {
	for _, o := range fn.Options {
		if o.DefElem != nil && o.DefElem.Name == "as" {
			return o.DefElem.Arg
		}
	}
	return nil
}

func selectStar(f *File, i int) []Hit {
	view := f.Statements[i].ViewStmt
	var hits []Hit
	if view == nil {
		return nil
	}
	tree.Walk(view.Query, func(kind string, fields map[string]any) {
		parts, _ := fields["fields"].([]any)
		for _, p := range parts {
			if node, _ := p.(map[string]any); kind == "ColumnRef" && node["A_Star"] != nil && len(hits) == 0 {
				hits = hit("the view " + name(view.View) + " is made of *")
			}
		}
	})
	return hits
}
