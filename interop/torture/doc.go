// Command torture restarts a service behind real balancers, under load, with every
// protocol that a Go service speaks, and prints what its clients lost; beside it,
// what they lose when the same service stops in the ways of the field.
//
//	go run ./torture                             # everything: several hours
//	go run ./torture -quick                      # a few minutes
//	go run ./torture -variants handover,naive -balancers haproxy -lag 3s -rate 600 -restarts 20
//
// The exit status is 1 if a variant that uses this library has lost something, 2 for wrong
// input, 130 after Ctrl-C.
package main
