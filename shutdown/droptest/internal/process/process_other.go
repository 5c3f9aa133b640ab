//go:build !linux

package process

import "os/exec"

// isolate does nothing here: Ctrl-C at the terminal reaches the children too,
// and they outlive a test that is killed.
func isolate(*exec.Cmd) {}

func killTree(cmd *exec.Cmd) { _ = cmd.Process.Kill() }
