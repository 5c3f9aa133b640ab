// Package fleet runs the processes: the service's, and the balancers'. Each has a
// process group of its own, and none is left, whatever happens: what is running
// is killed by Kill, and on Linux dies with the program that has started it.
package fleet
