// Package lint reads schema changes and says which of them lock, rewrite or break
// something, and what to write instead.
//
//	findings, err := lint.SQL(src, lint.Config{Name: "0042_users.up.sql"})
//
//	source   -> Up part -> statements -> rules -> allowed? -> findings
//	goose and     the Down part    PostgreSQL's     -- handover:allow
//	golang-migrate  is not looked at   own grammar (17)   RULE reason
//
// The parser is PostgreSQL's, so a spelling makes no difference: what ALTER TABLE IF
// EXISTS ONLY does in the third of its parts is found as the plain form is. What it
// does not know, such as what only PostgreSQL 18 has, is the finding not-parsed; a
// DO block is not-looked-into. The invariant: nothing is passed over in silence.
//
// A table that the same file has created is exempt: nobody uses it yet. Which
// statements share a transaction is known from goose's annotations, from BEGIN and
// COMMIT, and else from Config.Transaction.
//
// A finding that is meant is allowed for one statement, with a reason:
//
//	-- handover:allow drop-column nobody has read it since release 41
//	ALTER TABLE users DROP COLUMN name;
//
// The package asks no database: it knows neither how large a table is nor which
// type a column has now. The first call of a process takes two to three seconds, in
// which the parser, WebAssembly, is compiled; a file takes a millisecond after that.
package lint
