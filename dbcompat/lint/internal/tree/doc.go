// Package tree turns SQL into the parse tree of PostgreSQL's own grammar (17).
//
//	source -> Scan  -> where comments, strings and statements are
//	       -> Parse -> statements, each with its tree, or with why it has none
//
// The parser is C, compiled to WebAssembly: no C compiler is needed, and the
// price is about two seconds at the first call of a process. The tree is read from
// the parser's JSON, since the Go types that exist for it compile the C when
// there is a compiler, which takes minutes.
//
// The invariant: no byte is passed over. One statement that the grammar does not
// know spoils neither its neighbours nor the report; it is a Statement with Err.
package tree
