//go:build !unix

package shutdown

// dieByInterrupt returns: Windows has no signals that a process could send to
// itself.
func dieByInterrupt() {}
