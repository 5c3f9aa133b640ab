// Package roll replaces the processes of a service under load, one after the
// other, and counts what the clients saw:
//
//	start a new process, wait for /readyz, tell the balancer
//	SIGTERM to the oldest one
//	the lag later: tell the balancer that it has gone
//	it has exited, or has been draining for a while: the next one
//	the grace period later: SIGKILL
package roll
