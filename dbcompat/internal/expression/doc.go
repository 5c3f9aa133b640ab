// Package expression reads SQL expressions just so far that a column's name can be told
// from a text, a type, a comment or a part of another name, and that one expression
// cannot be more than one. What it means is for PostgreSQL to say.
//
// The invariant: what Check lets pass and brackets enclose is closed by that bracket and
// by nothing before it; so the pieces are cut as in PostgreSQL's scan.l.
package expression
