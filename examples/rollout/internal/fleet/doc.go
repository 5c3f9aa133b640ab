// Package fleet runs processes of releases of one program.
//
//	Start ──► Ready: /readyz answers 200 ──► Terminate: SIGTERM ──► Exited
//	                                    └──► Kill: SIGKILL
//
// The program is told by flags where to listen (-listen, -admin) and what it is
// (-version), and by its environment whatever else makes a release.
//
// A Tool is a program of somebody else that is run beside them, such as a balancer.
//
// The invariant: after End none is left; on Linux, neither when the process that has
// started them is killed.
package fleet
