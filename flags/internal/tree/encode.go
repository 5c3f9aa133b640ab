package tree

import (
	"encoding/json"
	"unicode/utf8"
)

// JSON is the node as JSON without spaces; numbers and the order of members are as
// they were written. A nil Node is null.
func (n *Node) JSON() json.RawMessage { return n.Append(nil) }

// Append is JSON at the end of b.
func (n *Node) Append(b []byte) []byte {
	if n == nil {
		return append(b, "null"...)
	}
	switch n.Kind {
	case Bool:
		if n.Bool {
			return append(b, "true"...)
		}
		return append(b, "false"...)
	case Number:
		return append(b, n.Text...)
	case String:
		return appendString(b, n.Text)
	case Array:
		b = append(b, '[')
		for i, item := range n.Items {
			if i > 0 {
				b = append(b, ',')
			}
			b = item.Append(b)
		}
		return append(b, ']')
	case Object:
		return n.appendObject(b)
	}
	return append(b, "null"...)
}

func (n *Node) appendObject(b []byte) []byte {
	b = append(b, '{')
	for i, member := range n.Members {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, member.Name), ':')
		b = member.Value.Append(b)
	}
	return append(b, '}')
}

// appendString escapes what JSON demands and nothing else: < and & are for HTML.
func appendString(b []byte, text string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < ' ':
			b = append(b, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}
