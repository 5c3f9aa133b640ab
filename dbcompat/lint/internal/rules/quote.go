package rules

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/handover-go/handover/dbcompat/lint/internal/tree"
)

// name writes a relation as SQL.
func name(r *tree.Relation) string {
	if r == nil {
		return ""
	}
	if r.Schema != "" {
		return quote(r.Schema) + "." + quote(r.Name)
	}
	return quote(r.Name)
}

// quote quotes a name where it has to be: not for what is lower case and no
// reserved word, since that is how people write it.
func quote(s string) string {
	plain := s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_0123456789") == "" && (s[0] < '0' || s[0] > '9')
	if plain && !strings.Contains(reserved, " "+s+" ") {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

// reserved are the words of PostgreSQL that are no names of columns, and those
// that are no names of functions or types either.
const reserved = " all analyse analyze and any array as asc asymmetric authorization binary both case cast check " +
	"collate collation column concurrently constraint create cross current_catalog current_date current_role " +
	"current_schema current_time current_timestamp current_user default deferrable desc distinct do else end " +
	"except false fetch for foreign freeze from full grant group having ilike in initially inner intersect into " +
	"is isnull join lateral leading left like limit localtime localtimestamp natural not notnull null offset on " +
	"only or order outer overlaps placing primary references returning right select session_user similar some " +
	"symmetric system_user table tablesample then to trailing true union unique user using variadic verbose " +
	"when where window with "

// sqlType writes a type as SQL. What its parentheses mean is known for some; for
// others they are left to people.
func sqlType(t *tree.Type) string {
	if t == nil {
		return "…"
	}
	names := tree.Strings(t.Names)
	if len(names) > 1 && names[0] == "pg_catalog" {
		names = names[1:]
	}
	for i := range names {
		names[i] = quote(names[i])
	}
	text := strings.Join(names, ".")
	switch mods := numbers(t.Typmods); {
	case len(mods) == 0:
	case text == "interval":
		text += " …"
	case text == "bpchar":
		text = "char(" + mods + ")"
	default:
		text += "(" + mods + ")"
	}
	return text + strings.Repeat("[]", len(t.Array))
}

func numbers(typmods []json.RawMessage) string {
	var all []string
	for _, m := range typmods {
		var constant struct {
			Const *struct{ Ival *struct{ Ival int } } `json:"A_Const"`
		}
		if json.Unmarshal(m, &constant) != nil || constant.Const == nil || constant.Const.Ival == nil {
			return "…"
		}
		all = append(all, strconv.Itoa(constant.Const.Ival.Ival))
	}
	return strings.Join(all, ", ")
}
