// Package wire gives a connection a length.
//
//	sent ── delay ──► arrives      bytes, half-closes, closes and resets alike
//
// A close that is still on its way is what a request in the other direction
// collides with: on a machine's own loopback device that hardly ever happens.
//
// A [Set] has opened its wires, runs them and ends them; a [Wire] is read and
// written. Nothing here knows what the bytes mean.
package wire
