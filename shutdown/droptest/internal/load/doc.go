// Package load sends requests at random times (a Poisson process), which do not
// depend on when earlier ones were answered: users do not wait for each other,
// and a load that does hides the very time in which nothing is answered.
//
// What became of each request it hands on, and judges nothing itself.
package load
