//go:build !linux

package systemd

// Where there is no systemd nothing is read from the environment.
const supported = false

func closeOnExec(int) {}

func listening(int) error { return nil }
