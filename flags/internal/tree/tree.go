// Package tree is a JSON document that knows where it stands: each node has its line
// and column, members keep their order, and a name that is there twice is seen.
//
// encoding/json does neither, and a person who is told "line 214" has mended the
// document before one who is told "invalid" has found it.
package tree

// Kind is what a node is.
type Kind uint8

// The kinds of JSON.
const (
	Null Kind = iota
	Bool
	Number
	String
	Array
	Object
)

// String is the kind in a sentence: "a string".
func (k Kind) String() string {
	names := [...]string{"null", "a boolean", "a number", "a string", "an array", "an object"}
	if int(k) < len(names) {
		return names[k]
	}
	return "nothing"
}

// Node is one value of a document. A nil Node is one that is not there.
type Node struct {
	Kind    Kind
	Bool    bool
	Number  float64
	Text    string   // of a String: its value; of a Number: as it is written
	Items   []*Node  // of an Array
	Members []Member // of an Object, in their order; Parse gives no name twice

	Line, Column int // of its first byte, from 1; columns count bytes
}

// Member is a named value of an object.
type Member struct {
	Name  string
	Value *Node
}

// Get is the member with this name; nil if there is none, or no object.
func (n *Node) Get(name string) *Node {
	if n == nil {
		return nil
	}
	for i := range n.Members {
		if n.Members[i].Name == name {
			return n.Members[i].Value
		}
	}
	return nil
}
