// Package snippettest reads the snippets of examples/deploy, observes the numbers that
// they take from the code, and finds numbers that nobody gives a reason for.
package snippettest
