package fileflags

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// limit is far above any set of flags that a person wrote, and far below what hurts.
const limit = 16 << 20

// busyError says that somebody is writing, and when to look again.
type busyError struct{ wait time.Duration }

func (e *busyError) Error() string { return "it is being written" }

// read returns the content if nothing was written to it for settle before, and nothing
// while it was read. The time of the last change alone would not do: its clock ticks
// every few milliseconds, and two writes within a tick look like one.
func read(path string, settle time.Duration) ([]byte, error) {
	if path == "" {
		return nil, fs.ErrNotExist
	}
	// Before it is opened, as opening a device may do something.
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if err := regular(info); err != nil {
		return nil, err
	}
	// Without waiting: it may have become a named pipe since, which nobody writes to.
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read

	before, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if err := regular(before); err != nil {
		return nil, err
	}
	// A time in the future is another machine's clock, which says nothing.
	if age := time.Since(before.ModTime()); age >= 0 && age < settle {
		return nil, &busyError{settle - age}
	}
	return whole(file, before, settle)
}

// whole reads the file, if it stays what it was before.
func whole(file *os.File, before fs.FileInfo, settle time.Duration) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, err
	}
	after, err := file.Stat()
	switch {
	case err != nil:
		return nil, err
	case after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime()):
		return nil, &busyError{settle}
	case len(content) == 0:
		return nil, errors.New("it is empty (half-written?)")
	case len(content) > limit:
		return nil, tooLarge()
	}
	return content, nil
}

func regular(info fs.FileInfo) error {
	switch mode := info.Mode(); {
	case mode.IsDir():
		return errors.New("it is a directory: name a file in it")
	case !mode.IsRegular():
		return fmt.Errorf("it is no regular file (%v)", mode)
	case info.Size() > limit:
		return tooLarge()
	}
	return nil
}

func tooLarge() error { return fmt.Errorf("it is larger than %d MiB", limit>>20) }
