package fileflags

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/handover-go/handover/flags"
)

// Config of a File. The zero value is valid.
type Config struct {
	// Settle is for how long nothing must have been written, before the file is taken
	// for complete. A writer that never rests delays Watch by ten times that at most,
	// and is an error of Load. Default 100 ms. Negative: none, for files that are only
	// ever renamed over.
	Settle time.Duration
}

// File is a flags.Source and a flags.Watcher. Its methods may be called at any time,
// from any goroutine.
type File struct {
	path   string
	settle time.Duration
}

// New returns the file at path, which need not exist yet. A relative path is resolved
// at each use.
func New(path string, config Config) *File {
	return &File{path: path, settle: max(0, cmp.Or(config.Settle, 100*time.Millisecond))}
}

// looks is how often Load looks whether the file rests, a Settle apart.
const looks = 10

// Load returns what is in the file, with Revision 0. If it has just been written, Load
// waits for Settle. It is an error, which names the path, if there is no file (errors.Is
// tells fs.ErrNotExist), if it is empty or larger than 16 MiB, if it is no regular file or
// if it is still being written.
func (f *File) Load(ctx context.Context) (flags.Document, error) {
	for range looks {
		if err := ctx.Err(); err != nil {
			return flags.Document{}, f.failed("load", err)
		}
		json, err := read(f.path, f.settle)
		busy, ok := errors.AsType[*busyError](err)
		if !ok {
			return flags.Document{JSON: json}, f.failed("load", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(busy.wait):
		}
	}
	return flags.Document{}, f.failed("load", fmt.Errorf(
		"it is still being written, after %d looks: write a temporary file and rename it", looks))
}

// Watch calls changed when the file, a link to it or a directory on its way has changed
// and come to rest, and once at the start: what happened before is not known. It
// returns when ctx ends, or when the system grants no watch, with an error that says
// which limit to raise.
func (f *File) Watch(ctx context.Context, changed func()) error {
	for ctx.Err() == nil {
		w, err := place(f.path)
		changed() // with an error as well: what made us place it anew is news
		if err != nil {
			return f.failed("watch", err)
		}
		err = w.wait(ctx, f.settle)
		w.close()
		if err != nil {
			return f.failed("watch", err)
		}
	}
	return f.failed("watch", ctx.Err())
}

// failed names the path, once: errors of package os name it as well.
func (f *File) failed(verb string, err error) error {
	if err == nil {
		return nil
	}
	if named, ok := errors.AsType[*fs.PathError](err); ok && named.Path == f.path {
		err = named.Err
	}
	if f.path == "" {
		err = errors.New("the path is empty: name the file")
	}
	return fmt.Errorf("fileflags: %s %s: %w", verb, cmp.Or(f.path, `""`), err)
}
