package rules

import (
	"fmt"
	"strings"

	"github.com/handover-go/handover/dbcompat/lint/internal/tree"
)

func writeRules() []Rule {
	return []Rule{
		{Name: "big-update-or-delete", Find: bigWrite, Remedy: "a back-fill in batches by key, outside the migration (dbcompat/backfill)"},
	}
}

// bigWrite looks at the statement and into its WITH. A range of keys is two
// bounds; a list of them, or one, is few rows.
func bigWrite(f *File, i int) []Hit {
	var hits []Hit
	tree.Walk(f.Statements[i].Raw, func(kind string, fields map[string]any) {
		target, _ := fields["relation"].(map[string]any)
		relation := &tree.Relation{}
		relation.Schema, _ = target["schemaname"].(string)
		relation.Name, _ = target["relname"].(string)
		switch kind {
		case "UpdateStmt", "DeleteStmt":
			if narrow(fields["whereClause"]) {
				return
			}
		case "MergeStmt":
		default:
			return
		}
		if f.old(relation, i) {
			verb := strings.ToUpper(strings.TrimSuffix(kind, "Stmt"))
			hits = append(hits, Hit{Problem: fmt.Sprintf(
				"%s %s without a range of keys: it locks every row it meets until it commits, and leaves each one twice", verb, name(relation))})
		}
	})
	return hits
}

// narrow tells whether a condition is bound to a few rows: equality with a
// constant, IN a list, BETWEEN, or bounds on both sides.
func narrow(where any) bool {
	node, _ := where.(map[string]any)
	for kind, item := range node {
		fields, _ := item.(map[string]any)
		switch kind {
		case "BoolExpr":
			return narrowBool(fields)
		case "A_Expr":
			return narrowExpr(fields)
		}
	}
	return false
}

// narrowBool: one part of an AND is enough, every part of an OR has to be; two
// bounds of an AND are a range.
func narrowBool(fields map[string]any) bool {
	args, _ := fields["args"].([]any)
	and := fields["boolop"] == "AND_EXPR"
	bounds, few := map[string]bool{}, 0
	for _, arg := range args {
		if narrow(arg) {
			few++
		}
		if side := bound(arg); side != "" {
			bounds[side] = true
		}
	}
	return and && (few > 0 || len(bounds) == 2) || fields["boolop"] == "OR_EXPR" && few == len(args)
}

func bound(arg any) string {
	node, _ := arg.(map[string]any)
	fields, _ := node["A_Expr"].(map[string]any)
	return strings.TrimSuffix(operator(fields), "=")
}

// operator is "<", "<=", ">", ">=" or "=" between a column and a constant.
func operator(fields map[string]any) string {
	parts, _ := fields["name"].([]any)
	left, _ := fields["lexpr"].(map[string]any)
	right, _ := fields["rexpr"].(map[string]any)
	if len(parts) != 1 || left["ColumnRef"] == nil || right["ColumnRef"] != nil {
		return ""
	}
	outer, _ := parts[0].(map[string]any)
	inner, _ := outer["String"].(map[string]any)
	op, _ := inner["sval"].(string)
	return op
}

func narrowExpr(fields map[string]any) bool {
	right, _ := fields["rexpr"].(map[string]any)
	switch fields["kind"] {
	case "AEXPR_BETWEEN":
		return true
	case "AEXPR_IN", "AEXPR_OP":
		column, _ := fields["lexpr"].(map[string]any)
		ref, _ := column["ColumnRef"].(map[string]any)
		return ref != nil && isKey(ref) && operator(fields) == "=" && right["SubLink"] == nil
	}
	return false
}

// isKey takes for a key what is called one: equality with a status may meet half
// of the table.
func isKey(ref map[string]any) bool {
	parts, _ := ref["fields"].([]any)
	if len(parts) == 0 {
		return false
	}
	outer, _ := parts[len(parts)-1].(map[string]any)
	inner, _ := outer["String"].(map[string]any)
	column, _ := inner["sval"].(string)
	return column == "id" || column == "key" || column == "uuid" || column == "name" || column == "code"
}
