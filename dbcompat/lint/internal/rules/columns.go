package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/handover-go/handover/dbcompat/lint/internal/tree"
)

func columnRules() []Rule {
	return []Rule{
		{Name: "add-column-not-null-no-default", Find: addNotNull, Remedy: "add it nullable, write it in all code, back-fill, then CHECK (… IS NOT NULL) NOT VALID, VALIDATE, SET NOT NULL"},
		{Name: "add-column-volatile-default", Find: addVolatile, Remedy: "add it without a default, SET DEFAULT for new rows, back-fill the old ones"},
		{Name: "add-column-serial-or-identity", Find: addSerial, Remedy: "add a nullable bigint, give it a sequence as default, back-fill"},
		{Name: "add-generated-stored", Find: addStored, Remedy: "a plain column that the code or a trigger writes; VIRTUAL from PostgreSQL 18 on costs nothing"},
		{Name: "change-type", Find: changeType, Remedy: "a new column and the four stages; in place only where PostgreSQL neither rewrites nor checks again (varchar to a longer one or to text)"},
		{Name: "set-not-null", Find: setNotNull, Remedy: "CHECK (… IS NOT NULL) NOT VALID; VALIDATE in another transaction; then SET NOT NULL has no scan (12 and later); drop the CHECK"},
	}
}

// columnOf finds a constraint of a kind with a column.
func columnOf(c *tree.Column, kind string) *tree.Constraint {
	for _, n := range c.Constraints {
		if n.Constraint != nil && n.Constraint.Kind == kind {
			return n.Constraint
		}
	}
	return nil
}

func addNotNull(f *File, i int) []Hit {
	var hits []Hit
	for _, c := range f.commands(i, "AT_AddColumn") {
		if c.column == nil || !required(c.column) || filled(c.column) {
			continue
		}
		column := quote(c.column.Name)
		hits = append(hits, Hit{
			At:      f.at(i, c.column.At),
			Problem: fmt.Sprintf("%s.%s is added NOT NULL without a default: it fails if %s has a row, and code that does not write it fails after", c.table, column, c.table),
			Safe:    fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s %s;\n-- back-fill, then\n%s", c.table, column, sqlType(c.column.Type), notNull(c.table, column, c.column.Name)),
		})
	}
	return hits
}

func required(c *tree.Column) bool {
	return columnOf(c, "CONSTR_NOTNULL") != nil || columnOf(c, "CONSTR_PRIMARY") != nil
}

// filled tells whether the rows that are there get a value.
func filled(c *tree.Column) bool {
	value := columnOf(c, "CONSTR_DEFAULT")
	return value != nil && !isNull(value) || serial(c.Type) ||
		columnOf(c, "CONSTR_IDENTITY") != nil || columnOf(c, "CONSTR_GENERATED") != nil
}

func isNull(c *tree.Constraint) bool {
	null := false
	other := false
	tree.Walk(c.Expr, func(kind string, fields map[string]any) {
		if is, _ := fields["isnull"].(bool); kind == "A_Const" && is {
			null = true
		}
		other = other || kind == "FuncCall" || kind == "A_Expr"
	})
	return null && !other
}

// notNull is the way to NOT NULL that reads the table under a weak lock.
func notNull(table, column, plain string) string {
	check := quote(plain + "_not_null")
	return fmt.Sprintf("ALTER TABLE %[1]s ADD CONSTRAINT %[3]s CHECK (%[2]s IS NOT NULL) NOT VALID;\n"+
		"ALTER TABLE %[1]s VALIDATE CONSTRAINT %[3]s;\n"+
		"ALTER TABLE %[1]s ALTER COLUMN %[2]s SET NOT NULL;\n"+
		"ALTER TABLE %[1]s DROP CONSTRAINT %[3]s;", table, column, check)
}

// stable are functions that give one value for all rows of a statement, so that
// PostgreSQL stores it once and rewrites nothing. What is not here may be volatile.
func stable(function string) bool {
	switch function {
	case "now", "transaction_timestamp", "statement_timestamp", "current_setting", "lower", "upper", "md5",
		"to_jsonb", "jsonb_build_object", "jsonb_build_array", "json_build_object", "json_build_array",
		"make_interval", "make_date", "date_trunc", "timezone", "array_fill", "coalesce", "concat", "length":
		return true
	}
	return false
}

func addVolatile(f *File, i int) []Hit {
	var hits []Hit
	for _, a := range f.added(i, "CONSTR_DEFAULT") {
		calls := slices.DeleteFunc(tree.Functions(a.Expr), stable)
		if !a.inline || len(calls) == 0 || serial(a.column.Type) {
			continue
		}
		column := quote(a.column.Name)
		hits = append(hits, Hit{
			At:      f.at(i, a.column.At),
			Problem: fmt.Sprintf("the default of %s.%s calls %s(), which is not known to be stable: a volatile one rewrites the table under ACCESS EXCLUSIVE", a.table, column, calls[0]),
			Safe:    fmt.Sprintf("ALTER TABLE %[1]s ADD COLUMN %[2]s %[3]s;\nALTER TABLE %[1]s ALTER COLUMN %[2]s SET DEFAULT …;\n-- back-fill", a.table, column, sqlType(a.column.Type)),
		})
	}
	return hits
}

func serial(t *tree.Type) bool {
	switch t.String() {
	case "serial", "serial2", "serial4", "serial8", "bigserial", "smallserial":
		return true
	}
	return false
}

func addSerial(f *File, i int) []Hit {
	var hits []Hit
	for _, c := range f.commands(i, "AT_AddColumn") {
		if c.column != nil && (serial(c.column.Type) || columnOf(c.column, "CONSTR_IDENTITY") != nil) {
			hits = append(hits, Hit{At: f.at(i, c.column.At), Problem: fmt.Sprintf(
				"%s.%s takes a number for each row there is: the table is rewritten under ACCESS EXCLUSIVE", c.table, quote(c.column.Name))})
		}
	}
	return hits
}

func addStored(f *File, i int) []Hit {
	var hits []Hit
	for _, a := range f.added(i, "CONSTR_GENERATED") {
		if a.inline {
			hits = append(hits, Hit{At: f.at(i, a.column.At), Problem: fmt.Sprintf(
				"%s.%s is computed for each row there is: the table is rewritten under ACCESS EXCLUSIVE", a.table, quote(a.column.Name))})
		}
	}
	return hits
}

func changeType(f *File, i int) []Hit {
	var hits []Hit
	for _, c := range f.commands(i, "AT_AlterColumnType") {
		if c.column == nil {
			continue
		}
		what := "the table, and its indexes, are rewritten under ACCESS EXCLUSIVE unless the types are alike"
		if c.object == "OBJECT_TYPE" {
			what = "every table that uses the type is rewritten"
		}
		twin := quote(c.Name + "_v2")
		hits = append(hits, Hit{
			At:      f.at(i, c.column.At),
			Problem: fmt.Sprintf("%s.%s becomes %s: %s, and running code reads another type", c.table, quote(c.Name), c.column.Type, what),
			Safe:    fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s %s;\n-- write both, back-fill, verify, read the new one, then drop the old one", c.table, twin, sqlType(c.column.Type)),
		})
	}
	return hits
}

// setNotNull leaves alone what follows a CHECK of the same file that has been
// validated: then PostgreSQL knows.
func setNotNull(f *File, i int) []Hit {
	var hits []Hit
	for _, c := range f.commands(i, "AT_SetNotNull") {
		if f.Server >= 120000 && f.proved(c.relation, c.Name, i) {
			continue
		}
		hits = append(hits, Hit{
			Problem: fmt.Sprintf("%s.%s SET NOT NULL reads the whole table under ACCESS EXCLUSIVE", c.table, quote(c.Name)),
			Safe:    notNull(c.table, quote(c.Name), c.Name),
		})
	}
	return hits
}

// proved tells whether a CHECK that the column is not null was validated before.
// A file may do it in one after the other; a name with the column and "null"
// in it is believed if the CHECK is from an earlier file.
func (f *File) proved(relation *tree.Relation, column string, i int) bool {
	for j := range i {
		alter := f.Statements[j].AlterTableStmt
		if alter == nil || !same(alter.Relation, relation) {
			continue
		}
		for _, c := range f.commands(j, "AT_ValidateConstraint") {
			if strings.Contains(c.Name, column) && strings.Contains(c.Name, "null") || f.checks(relation, c.Name, column, j) {
				return true
			}
		}
	}
	return false
}

// checks tells whether constraint says column IS NOT NULL.
func (f *File) checks(relation *tree.Relation, constraint, column string, before int) bool {
	for j := range before {
		for _, a := range f.added(j, "CONSTR_CHECK") {
			if !same(a.relation, relation) || a.Name != constraint {
				continue
			}
			text := string(a.Expr)
			if strings.HasPrefix(text, `{"NullTest"`) && strings.Contains(text, `"IS_NOT_NULL"`) && strings.Contains(text, `"sval":"`+column+`"`) {
				return true
			}
		}
	}
	return false
}
