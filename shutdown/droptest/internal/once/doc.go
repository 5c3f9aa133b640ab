// Package once sends each HTTP request once and names what went wrong.
//
// net/http's own Transport will not do: it silently sends a GET again when a
// kept connection turns out to be closed, which hides the very failure that is
// to be counted. A [Client] never does, and what became of a request is either
// a [Reply], complete, or a [Drop].
package once
