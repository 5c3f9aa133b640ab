package tree

import (
	"encoding/json"
	"strings"
)

// Strings are the names in a list of nodes.
func Strings(nodes []Node) []string {
	var names []string
	for _, n := range nodes {
		switch {
		case n.String != nil:
			names = append(names, n.String.Sval)
		case n.List != nil:
			names = append(names, strings.Join(Strings(n.List.Items), "."))
		case n.TypeName != nil:
			names = append(names, strings.Join(Strings(n.TypeName.Names), "."))
		}
	}
	return names
}

// String is the name without "pg_catalog", which the grammar puts before the
// names that are keywords.
func (t *Type) String() string {
	if t == nil {
		return ""
	}
	name := strings.TrimPrefix(strings.Join(Strings(t.Names), "."), "pg_catalog.")
	return name + strings.Repeat("[]", len(t.Array))
}

// Walk visits each node below raw with its kind, from the outside in. It is for
// expressions, which have no types here.
func Walk(raw json.RawMessage, visit func(kind string, fields map[string]any)) {
	var value any
	if len(raw) == 0 || json.Unmarshal(raw, &value) != nil {
		return
	}
	walk(value, visit)
}

func walk(value any, visit func(string, map[string]any)) {
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			walk(item, visit)
		}
	case map[string]any:
		for kind, item := range v {
			if fields, ok := item.(map[string]any); ok {
				visit(kind, fields)
			}
			walk(item, visit)
		}
	}
}

// Functions are the names, without schema, of what an expression calls.
func Functions(raw json.RawMessage) []string {
	var names []string
	Walk(raw, func(kind string, fields map[string]any) {
		if parts, ok := fields["funcname"].([]any); ok && kind == "FuncCall" && len(parts) > 0 {
			names = append(names, text(parts[len(parts)-1]))
		}
	})
	return names
}

// text is the string in {"String": {"sval": …}}.
func text(node any) string {
	outer, _ := node.(map[string]any)
	inner, _ := outer["String"].(map[string]any)
	s, _ := inner["sval"].(string)
	return s
}
