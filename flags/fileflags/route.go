package fileflags

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// links is how many symbolic links a path may have; Linux follows 40.
const links = 40

// route returns the names that decide what the path is: its directories, the links
// among them and what those point to, to the file itself. Each is absolute, and of
// another directory only if that is no link, so that it is as a watch reports it.
//
// enter is called with a directory before a name in it is looked up, and with the file
// in the end. So a name that changes after it was looked up changes in a directory that
// was entered. The route ends where nothing is, yet, or at a loop.
func route(path string, enter func(dir string) error) (map[string]bool, error) {
	if !filepath.IsAbs(path) {
		here, err := os.Getwd()
		if err != nil {
			return nil, err
		}
		path = here + string(filepath.Separator) + path // not cleaned: a/link/.. is not a
	}
	at, rest := split(path)
	names := map[string]bool{}
	for followed := 0; followed <= links; {
		if err := enter(at); err != nil {
			return names, gone(err)
		}
		if len(rest) == 0 {
			break
		}
		next := filepath.Join(at, rest[0]) // which knows . and ..
		names[next] = true
		target, exists := follow(next)
		if !exists {
			break
		}
		rest = rest[1:]
		if target == "" {
			at = next
			continue
		}
		followed++
		more := parts(target)
		if filepath.IsAbs(target) {
			at, more = split(target)
		}
		rest = append(more, rest...)
	}
	return names, nil
}

// follow returns what a link points to, and "" for what is no link. What cannot be
// looked up does not exist as yet; Load says what is wrong with it.
func follow(name string) (target string, exists bool) {
	info, err := os.Lstat(name)
	if err != nil {
		return "", false
	}
	if info.Mode()&fs.ModeSymlink == 0 {
		return "", true
	}
	target, err = os.Readlink(name)
	return target, err == nil
}

// gone is nil if a directory was removed since its name was looked up, of which the
// directory above has a record.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// split returns the root of an absolute path, and the names below.
func split(path string) (root string, names []string) {
	volume := filepath.VolumeName(path)
	return volume + string(filepath.Separator), parts(path[len(volume):])
}

func parts(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r < 0x80 && os.IsPathSeparator(uint8(r)) })
}
