package systemd

// Read is what New sees of an environment: whom to tell, within what time, and the
// names of the sockets, or the mistakes.
func Read(getenv func(string) string, pid int) (notify, watchdog string, sockets []string, mistakes []error) {
	e := read(getenv, pid)
	for _, err := range []error{e.notifyErr, e.watchdogErr, e.socketsErr} {
		if err != nil {
			mistakes = append(mistakes, err)
		}
	}
	return e.notify, e.watchdog.String(), e.sockets, mistakes
}
