// Package pgpages has the consoles whose data are in PostgreSQL, with such data: handlers
// for the browser to look at. It is apart, as pgx is imported in packages of that name only.
package pgpages
