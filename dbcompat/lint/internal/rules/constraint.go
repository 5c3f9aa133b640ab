package rules

import (
	"fmt"
	"strings"

	"github.com/handover-go/handover/dbcompat/lint/internal/tree"
)

func constraintRules() []Rule {
	return []Rule{
		{Name: "add-check-validated", Find: addCheck, Remedy: "add it NOT VALID, then VALIDATE CONSTRAINT in another transaction"},
		{Name: "add-fk-validated", Find: addForeignKey, Remedy: "add it NOT VALID, then VALIDATE CONSTRAINT in another transaction; a new column first, then its key"},
		{Name: "add-unique-constraint", Find: addUnique, Remedy: "CREATE UNIQUE INDEX CONCURRENTLY, then ADD CONSTRAINT … UNIQUE USING INDEX"},
		{Name: "add-primary-key", Find: addPrimaryKey, Remedy: "CREATE UNIQUE INDEX CONCURRENTLY, NOT NULL by way of a CHECK, then ADD CONSTRAINT … PRIMARY KEY USING INDEX"},
		{Name: "add-exclusion-constraint", Find: addExclusion, Remedy: "there is no way online: a new table, or a trigger and a check in the code"},
		{Name: "domain-with-constraint", Find: domainWithConstraint, Remedy: "a CHECK on the column: that can be NOT VALID, and replaced"},
		{Name: "alter-domain-add-constraint", Find: alterDomain, Remedy: "a CHECK on the column, NOT VALID, then VALIDATE"},
	}
}

func (a added) what() string {
	if a.inline {
		return a.table + "." + quote(a.column.Name)
	}
	return a.table
}

// notValid writes the statement in two. It must have one part, since the words
// belong to the constraint that is last.
func (a added) notValid(text string) string {
	if a.inline || !a.only || a.Name == "" {
		return ""
	}
	return fmt.Sprintf("%s%s NOT VALID;\nALTER TABLE %s VALIDATE CONSTRAINT %s;", text, gap(text), a.table, quote(a.Name))
}

func addCheck(f *File, i int) []Hit {
	var hits []Hit
	for _, a := range f.added(i, "CONSTR_CHECK") {
		if !a.NotValid {
			hits = append(hits, Hit{At: f.at(i, a.At), Safe: a.notValid(f.Statements[i].Text), Problem: fmt.Sprintf(
				"a CHECK on %s reads the whole table under ACCESS EXCLUSIVE", a.what())})
		}
	}
	return hits
}

func addForeignKey(f *File, i int) []Hit {
	var hits []Hit
	for _, a := range f.added(i, "CONSTR_FOREIGN") {
		if !a.NotValid {
			hits = append(hits, Hit{At: f.at(i, a.At), Safe: a.notValid(f.Statements[i].Text), Problem: fmt.Sprintf(
				"a foreign key of %s to %s locks both against writes while it reads the whole table", a.what(), name(a.Foreign))})
		}
	}
	return hits
}

func addUnique(f *File, i int) []Hit {
	return withIndex(f, i, "CONSTR_UNIQUE", "UNIQUE")
}

func addPrimaryKey(f *File, i int) []Hit {
	return withIndex(f, i, "CONSTR_PRIMARY", "PRIMARY KEY")
}

func withIndex(f *File, i int, kind, words string) []Hit {
	var hits []Hit
	for _, a := range f.added(i, kind) {
		if a.Index != "" {
			continue
		}
		keys := tree.Strings(a.Keys)
		if a.inline {
			keys = []string{a.column.Name}
		}
		index := a.Name
		if index == "" {
			index = a.relation.Name + "_" + strings.Join(keys, "_") + "_key"
		}
		hits = append(hits, Hit{
			At:      f.at(i, a.At),
			Problem: fmt.Sprintf("%s on %s builds its index under ACCESS EXCLUSIVE", words, a.what()),
			Safe: fmt.Sprintf("CREATE UNIQUE INDEX CONCURRENTLY %[2]s ON %[1]s (%[3]s);\nALTER TABLE %[1]s ADD CONSTRAINT %[2]s %[4]s USING INDEX %[2]s;",
				a.table, quote(index), quoteAll(keys), words),
		})
	}
	return hits
}

func quoteAll(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = quote(n)
	}
	return strings.Join(quoted, ", ")
}

func addExclusion(f *File, i int) []Hit {
	var hits []Hit
	for _, a := range f.added(i, "CONSTR_EXCLUSION") {
		hits = append(hits, Hit{At: f.at(i, a.At), Problem: "EXCLUDE on " + a.table + " builds its index under ACCESS EXCLUSIVE"})
	}
	return hits
}

func domainWithConstraint(f *File, i int) []Hit {
	domain := f.Statements[i].CreateDomainStmt
	if domain == nil {
		return nil
	}
	for _, n := range domain.Constraints {
		if n.Constraint != nil && (n.Constraint.Kind == "CONSTR_CHECK" || n.Constraint.Kind == "CONSTR_NOTNULL") {
			return hit("a domain with a constraint: to change it later, every table that uses it is read at once")
		}
	}
	return nil
}

func alterDomain(f *File, i int) []Hit {
	alter := f.Statements[i].AlterDomainStmt
	if alter == nil || alter.Kind != "C" && alter.Kind != "O" {
		return nil
	}
	if alter.Def != nil && alter.Def.Constraint != nil && alter.Def.Constraint.NotValid {
		return nil
	}
	return hit("a constraint of a domain is checked in every table that uses it, under a lock")
}
