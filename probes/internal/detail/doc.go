// Package detail shows what a set knows to a person: as JSON and as a page. It has
// the texts of errors, which no prober may read.
package detail
