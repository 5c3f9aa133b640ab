// Package lint reads a set of definitions as a careful colleague does.
//
// What a Client refuses are mistakes, found by package definition. What it takes, and
// somebody will be sorry for, are warnings: each is a [Rule] with a name.
//
// The invariant: a document with a mistake is looked at to its end. A warning is never
// about a document that is not JSON, and there is no opinion about style.
package lint
