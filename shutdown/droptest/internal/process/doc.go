// Package process runs real processes, none of which is left.
//
//	Start ──► runs ──► Terminate: SIGTERM ──► exits ──► Exits, Exited
//	                        └─ too late ──► SIGKILL ─┘
//	End: SIGKILL to what still runs
//
// On Linux what a process has started dies with it, and all die when the program
// that started them is killed itself. Elsewhere such children live on.
package process
