package systemd

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
)

// Listener returns the socket that systemd holds under this name: FileDescriptorName=
// of the .socket unit, or the name of that unit ("api.socket") where it is not set.
// It is nil, without an error, if systemd has passed this process no socket at all,
// so that the program also runs by hand. To close it closes the descriptor of this
// process; the socket and its queue stay systemd's.
//
// A name that is not there, or belongs to several sockets, is an error, and so is to
// ask twice.
func (u *Unit) Listener(name string) (net.Listener, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	l, err := u.listener(name)
	if err != nil {
		return nil, fmt.Errorf("systemd: listener %s: %w", name, err)
	}
	return l, nil
}

func (u *Unit) listener(name string) (net.Listener, error) {
	if u.env.socketsErr != nil || len(u.env.sockets) == 0 {
		return nil, u.env.socketsErr
	}
	at := slices.Index(u.env.sockets, name)
	switch {
	case at < 0:
		return nil, fmt.Errorf("systemd has passed %s: ask for that, or set FileDescriptorName=%s in the .socket unit", quoted(u.env.sockets), name)
	case slices.Contains(u.env.sockets[at+1:], name):
		return nil, errors.New("systemd has passed several sockets of this name: give each a .socket unit with a FileDescriptorName= of its own")
	case u.taken[name]:
		return nil, errors.New("it was taken before")
	}
	if err := listening(firstSocket + at); err != nil {
		return nil, err
	}
	u.taken[name] = true
	f := os.NewFile(uintptr(firstSocket+at), name)
	defer func() { _ = f.Close() }() // FileListener has a descriptor of its own
	return net.FileListener(f)
}
