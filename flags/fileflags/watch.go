package fileflags

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
)

// patience is how many times Settle a writer that never rests can delay the news.
const patience = 10

// watch is good for one change. After that it is placed anew, which is simpler than to
// find out what has become of each directory, and does not depend on what a Watcher
// remembers of names that mean something else now.
type watch struct {
	*fsnotify.Watcher
	names map[string]bool
}

// place watches directories, in which names come and go, and not only the file, whose
// watch would stay with what the name meant before (open-feature/flagd#42). The file is
// watched as well: one that is mounted by itself has its events, and its directory has
// none. Which event it is that a file system reports for a rename is not relied on
// (jimmidyson/configmap-reload#190).
func place(path string) (*watch, error) {
	if path == "" {
		return nil, fs.ErrNotExist
	}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, advise(err)
	}
	watching := &watch{Watcher: w}
	entered := map[string]bool{}
	watching.names, err = route(path, func(dir string) error {
		if entered[dir] {
			return nil
		}
		entered[dir] = true
		err := w.Add(dir)
		if errors.Is(err, fs.ErrPermission) {
			// It may be passed through, but not listed. If that is where the file is,
			// it is the Client's interval that finds the change.
			return nil
		}
		return advise(err)
	})
	if err != nil {
		watching.close()
		return nil, err
	}
	return watching, nil
}

// wait returns nil when one of the names has changed, and all have been quiet for
// settle since.
func (w *watch) wait(ctx context.Context, settle time.Duration) error {
	var (
		quiet <-chan time.Time // from the first event on
		until time.Time
	)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-quiet:
			return nil
		case event, ok := <-w.Events:
			if !ok {
				return errors.New("the watch has ended")
			}
			if !w.names[filepath.Clean(event.Name)] {
				continue // a neighbour's
			}
		case err := <-w.Errors:
			// Events that were dropped may have been ours.
			if !errors.Is(err, fsnotify.ErrEventOverflow) {
				return fmt.Errorf("the watch has failed: %w", err)
			}
		}
		if quiet == nil {
			until = time.Now().Add(patience * settle)
		}
		quiet = time.After(min(settle, time.Until(until)))
	}
}

// close waits for the watcher's goroutine, which closes Events last.
func (w *watch) close() {
	_ = w.Close() // there is nothing that could be done, and nothing that is lost
	for range w.Events {
	}
}

// advise says what to raise: "no space left on device" is not about the disk here.
func advise(err error) error {
	if runtime.GOOS != "linux" {
		return err
	}
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("no more watches for this user: raise fs.inotify.max_user_watches: %w", err)
	case errors.Is(err, syscall.EMFILE):
		return fmt.Errorf("no more inotify instances for this user: raise fs.inotify.max_user_instances, "+
			"or the process's limit of open files: %w", err)
	}
	return err
}
