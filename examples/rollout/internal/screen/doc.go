// Package screen shows how it goes: a line for each event, and one a second.
//
// For a human the latter say how long there is to wait. That is what the pauses of the
// strategies add up to, and no more exact than a machine is busy.
package screen
