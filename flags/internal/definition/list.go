package definition

import (
	"strings"

	"github.com/handover-go/handover/flags/internal/tree"
)

// isDaemons reports whether a document says that it is for flagd's daemon, whose
// schema allows flags in a list.
func isDaemons(root *tree.Node) bool {
	schema := root.Get("$schema")
	return schema != nil && schema.Kind == tree.String && strings.HasSuffix(schema.Text, "/flagd.json")
}

// keyed is a list of flags as an object: each goes by its key.
func (p place) keyed() *tree.Node {
	object := &tree.Node{Kind: tree.Object, Line: p.node.Line, Column: p.node.Column}
	seen := map[string]bool{}
	for i, item := range p.node.Items {
		at := p.inner(tree.Index(p.path, i), item)
		key := item.Get("key")
		switch {
		case key == nil || key.Kind != tree.String:
			at.wrong("is a flag without a key", `as in {"key": "new-checkout-flow", "state": …}`)
			continue
		case seen[key.Text]:
			at.wrong("is a second flag "+tree.Quote(key.Text), "one of each name")
			continue
		}
		seen[key.Text] = true
		flag := &tree.Node{Kind: tree.Object, Line: item.Line, Column: item.Column}
		for _, m := range item.Members {
			if m.Name != "key" {
				flag.Members = append(flag.Members, m)
			}
		}
		object.Members = append(object.Members, tree.Member{Name: key.Text, Value: flag})
	}
	return object
}
