package lastgood

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// abandoned is the age at which a temporary file belongs to nobody. A process that was
// held up for so long, between writing and renaming, finds its file gone: an error, and
// no loss.
const abandoned = 10 * time.Minute

// Store puts a document in the place of the one at path, with mode 0600, and returns
// when it would survive a loss of power. If it returns an error, the one that was there
// still is, or this one if it is the last step that failed. The directory must exist and
// be writable. Several may store at once, from any process.
func Store(path string, doc Doc) error {
	err := doc.check()
	if err == nil {
		err = replace(path, doc)
	}
	if err != nil {
		return failed("store", path, err)
	}
	return nil
}

func replace(path string, doc Doc) error {
	// The file that a link points to is replaced, not the link.
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	sweep(path) // first, as they may be what the disk is full of
	temporary, err := write(path, doc)
	if err != nil {
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	return syncDir(filepath.Dir(path))
}

// write leaves a whole file of its own beside path, or none.
func write(path string, doc Doc) (name string, err error) {
	// Its mode is 0600. In another directory it could be on another disk.
	file, err := os.CreateTemp(filepath.Dir(path), prefix(path)+"*"+suffix)
	if err != nil {
		return "", err
	}
	_, err = file.Write(doc.head())
	if err == nil {
		_, err = file.Write(doc.JSON)
	}
	if err == nil {
		// Before the rename, or after a loss of power the name may be that of an
		// empty file.
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return "", errors.Join(err, os.Remove(file.Name()))
	}
	return file.Name(), nil
}

func prefix(path string) string { return "." + filepath.Base(path) + "." }

const suffix = ".tmp"

// sweep removes what processes have left that were killed while they wrote. What
// cannot be removed does no harm.
func sweep(path string) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return
	}
	for _, entry := range entries {
		random, ours := strings.CutPrefix(entry.Name(), prefix(path))
		random, temporary := strings.CutSuffix(random, suffix)
		// Digits: "flags" does not take the files of its neighbour "flags.json".
		if !ours || !temporary || strings.Trim(random, "0123456789") != "" {
			continue
		}
		if info, err := entry.Info(); err == nil && time.Since(info.ModTime()) > abandoned {
			_ = os.Remove(filepath.Join(filepath.Dir(path), entry.Name()))
		}
	}
}

// syncDir makes a rename last.
func syncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil // it has no such thing
	}
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	err = dir.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil // nor have some file systems of networks
	}
	return errors.Join(err, dir.Close())
}

// failed names the path, once: errors of package os that are about it name it as well.
func failed(verb, path string, err error) error {
	if named, ok := errors.AsType[*fs.PathError](err); ok && named.Path == path {
		err = named.Err
	}
	return fmt.Errorf("lastgood: %s %s: %w", verb, path, err)
}
