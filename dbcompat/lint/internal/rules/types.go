package rules

import (
	"fmt"
	"strings"

	"github.com/handover-go/handover/dbcompat/lint/internal/tree"
)

func typeRules() []Rule {
	return []Rule{
		{Name: "prefer-bigint", Find: bigint, Remedy: "bigint: the change later is a migration of all four stages"},
		{Name: "prefer-timestamptz", Find: onType("timestamptz: a moment, whatever the time zone of the session", "timestamp"), Remedy: "timestamptz"},
		{Name: "prefer-jsonb", Find: onType("json has no equality, so that SELECT DISTINCT and GROUP BY fail", "json"), Remedy: "jsonb"},
		{Name: "ban-char", Find: onType("char(n) is padded with blanks, which comparisons ignore and clients do not", "bpchar"), Remedy: "text, with a CHECK of the length"},
		{Name: "mismatched-fk-type", Find: mismatched, Remedy: "the type of the column that it refers to"},
	}
}

// columns are what CREATE TABLE and ADD COLUMN bring.
func (f *File) columns(i int) []*tree.Column {
	var all []*tree.Column
	if made := f.Statements[i].CreateStmt; made != nil {
		for _, e := range made.Elements {
			if e.ColumnDef != nil {
				all = append(all, e.ColumnDef)
			}
		}
	}
	for _, c := range f.commands(i, "AT_AddColumn") {
		if c.column != nil {
			all = append(all, c.column)
		}
	}
	return all
}

func onType(why, kind string) func(*File, int) []Hit {
	return func(f *File, i int) []Hit {
		var hits []Hit
		for _, c := range f.columns(i) {
			if strings.TrimSuffix(c.Type.String(), "[]") == kind {
				hits = append(hits, Hit{At: f.at(i, c.At), Problem: quote(c.Name) + ": " + why})
			}
		}
		return hits
	}
}

// bigint looks at the keys: another number may well be small.
func bigint(f *File, i int) []Hit {
	keys := f.keys(i)
	var hits []Hit
	for _, c := range f.columns(i) {
		short := plain(c.Type) == "int4" || plain(c.Type) == "int2"
		key := keys[c.Name] || columnOf(c, "CONSTR_PRIMARY") != nil || columnOf(c, "CONSTR_FOREIGN") != nil || serial(c.Type)
		if short && key {
			hits = append(hits, Hit{At: f.at(i, c.At), Problem: fmt.Sprintf("the key %s is %s, which ends at two thousand million or before", quote(c.Name), c.Type)})
		}
	}
	return hits
}

// keys are the columns that a PRIMARY KEY or FOREIGN KEY of CREATE TABLE names.
func (f *File) keys(i int) map[string]bool {
	keys := map[string]bool{}
	made := f.Statements[i].CreateStmt
	if made == nil {
		return keys
	}
	for _, e := range made.Elements {
		if e.Constraint == nil || e.Constraint.Kind != "CONSTR_PRIMARY" && e.Constraint.Kind != "CONSTR_FOREIGN" {
			continue
		}
		for _, k := range append(tree.Strings(e.Constraint.Keys), tree.Strings(e.Constraint.FKColumns)...) {
			keys[k] = true
		}
	}
	return keys
}

// mismatched compares with a table of the same file, since others are not known.
func mismatched(f *File, i int) []Hit {
	var hits []Hit
	for _, c := range f.columns(i) {
		fk := columnOf(c, "CONSTR_FOREIGN")
		if fk == nil {
			continue
		}
		target := f.find(fk.Foreign, i)
		if target == nil || target.table == nil {
			continue
		}
		for _, e := range target.table.Elements {
			other := e.ColumnDef
			if other == nil || !refers(fk, other) {
				continue
			}
			if a, b := plain(c.Type), plain(other.Type); a != b {
				hits = append(hits, Hit{At: f.at(i, c.At), Problem: fmt.Sprintf("%s is %s and refers to %s.%s, which is %s", quote(c.Name), a, name(fk.Foreign), quote(other.Name), b)})
			}
		}
	}
	return hits
}

func refers(fk *tree.Constraint, to *tree.Column) bool {
	if names := tree.Strings(fk.PKColumns); len(names) > 0 {
		return names[0] == to.Name
	}
	return columnOf(to, "CONSTR_PRIMARY") != nil
}

// plain takes a serial for the integer it is.
func plain(t *tree.Type) string {
	switch t.String() {
	case "serial", "serial4":
		return "int4"
	case "bigserial", "serial8":
		return "int8"
	case "smallserial", "serial2":
		return "int2"
	}
	return t.String()
}
