package fileflags_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/fileflags"
)

var _ flags.Watcher = (*fileflags.File)(nil)

func TestWatch(t *testing.T) {
	const one, two = `{"flags":1}`, `{"flags":2}`
	// Each prepares a directory, and returns the path and what happens to it. After
	// that the content is two.
	tests := map[string]func(t *testing.T, dir string) (path string, happens func()){
		"another file is renamed over it": func(t *testing.T, dir string) (string, func()) {
			path := filepath.Join(dir, "flags.json")
			write(t, path, one)
			return path, func() {
				write(t, path+".tmp", two)
				rename(t, path+".tmp", path)
			}
		},
		"it is written in place": func(t *testing.T, dir string) (string, func()) {
			path := filepath.Join(dir, "flags.json")
			write(t, path, one)
			return path, func() { write(t, path, two) }
		},
		"it is written under another name, which is a hard link": func(t *testing.T, dir string) (string, func()) {
			path := filepath.Join(dir, "a", "flags.json")
			mkdir(t, filepath.Dir(path))
			write(t, path, one)
			require.NoError(t, os.Link(path, filepath.Join(dir, "other")))
			return path, func() { write(t, filepath.Join(dir, "other"), two) }
		},
		"it is removed and made again": func(t *testing.T, dir string) (string, func()) {
			path := filepath.Join(dir, "flags.json")
			write(t, path, one)
			return path, func() {
				remove(t, path)
				write(t, path, two)
			}
		},
		"it was not there": func(t *testing.T, dir string) (string, func()) {
			path := filepath.Join(dir, "flags.json")
			return path, func() { write(t, path, two) }
		},
		"its directory was not there, nor the one above": func(t *testing.T, dir string) (string, func()) {
			path := filepath.Join(dir, "a", "b", "flags.json")
			return path, func() {
				mkdir(t, filepath.Dir(path))
				write(t, path, two)
			}
		},
		"its directory is removed and made again": func(t *testing.T, dir string) (string, func()) {
			path := filepath.Join(dir, "a", "flags.json")
			mkdir(t, filepath.Dir(path))
			write(t, path, one)
			return path, func() {
				remove(t, filepath.Dir(path))
				mkdir(t, filepath.Dir(path))
				write(t, path, two)
			}
		},
		"a directory far above changes places with another": func(t *testing.T, dir string) (string, func()) {
			path := filepath.Join(dir, "a", "b", "c", "flags.json")
			mkdir(t, filepath.Dir(path))
			write(t, path, one)
			mkdir(t, filepath.Join(dir, "new", "b", "c"))
			write(t, filepath.Join(dir, "new", "b", "c", "flags.json"), two)
			return path, func() {
				rename(t, filepath.Join(dir, "a"), filepath.Join(dir, "old"))
				rename(t, filepath.Join(dir, "new"), filepath.Join(dir, "a"))
			}
		},
		"a ConfigMap is updated": func(t *testing.T, dir string) (string, func()) {
			v := &volume{dir: dir}
			v.publish(t, one)
			return filepath.Join(dir, "flags.json"), func() { v.publish(t, two) }
		},
		"a ConfigMap is mounted after the start": func(t *testing.T, dir string) (string, func()) {
			v := &volume{dir: dir}
			return filepath.Join(dir, "flags.json"), func() { v.publish(t, two) }
		},
		"a link to it points elsewhere": func(t *testing.T, dir string) (string, func()) {
			path := filepath.Join(dir, "flags.json")
			write(t, filepath.Join(dir, "one"), one)
			write(t, filepath.Join(dir, "two"), two)
			link(t, "one", path)
			return path, func() {
				remove(t, path)
				link(t, "two", path)
			}
		},
		"what an absolute link points to is written": func(t *testing.T, dir string) (string, func()) {
			path, target := filepath.Join(dir, "flags.json"), filepath.Join(t.TempDir(), "target")
			write(t, target, one)
			link(t, target, path)
			return path, func() { write(t, target, two) }
		},
		"what a dangling link points to is made": func(t *testing.T, dir string) (string, func()) {
			path := filepath.Join(dir, "flags.json")
			link(t, "a/b/target", path)
			return path, func() {
				mkdir(t, filepath.Join(dir, "a", "b"))
				write(t, filepath.Join(dir, "a", "b", "target"), two)
			}
		},
		"a link to its directory points elsewhere, with .. behind it": func(t *testing.T, dir string) (string, func()) {
			for name, content := range map[string]string{"one": one, "two": two} {
				mkdir(t, filepath.Join(dir, name, "sub"))
				write(t, filepath.Join(dir, name, "flags.json"), content)
			}
			link(t, "one/sub", filepath.Join(dir, "current"))
			return dir + "/current/../flags.json", func() {
				link(t, "two/sub", filepath.Join(dir, "next"))
				rename(t, filepath.Join(dir, "next"), filepath.Join(dir, "current"))
			}
		},
		"the path is relative, and leads through a link and ..": func(t *testing.T, dir string) (string, func()) {
			t.Chdir(dir)
			mkdir(t, "a/sub")
			write(t, "a/flags.json", one)
			link(t, "a/sub", "current")
			return "current/../flags.json", func() { write(t, "a/flags.json", two) }
		},
		"a loop of links is mended": func(t *testing.T, dir string) (string, func()) {
			path := filepath.Join(dir, "flags.json")
			link(t, "b", filepath.Join(dir, "a"))
			link(t, "a", filepath.Join(dir, "b"))
			link(t, "a", path)
			return path, func() {
				remove(t, filepath.Join(dir, "b"))
				write(t, filepath.Join(dir, "b"), two)
			}
		},
		"what was a directory is a file": func(t *testing.T, dir string) (string, func()) {
			path := filepath.Join(dir, "flags.json")
			mkdir(t, path)
			return path, func() {
				remove(t, path)
				write(t, path, two)
			}
		},
		"what was a file is a directory": func(t *testing.T, dir string) (string, func()) {
			write(t, filepath.Join(dir, "a"), one)
			path := filepath.Join(dir, "a", "flags.json")
			return path, func() {
				remove(t, filepath.Join(dir, "a"))
				mkdir(t, filepath.Join(dir, "a"))
				write(t, path, two)
			}
		},
		"the path is relative": func(t *testing.T, dir string) (string, func()) {
			t.Chdir(dir)
			write(t, "flags.json", one)
			return "flags.json", func() { write(t, "flags.json", two) }
		},
	}
	for name, prepare := range tests {
		t.Run(name, func(t *testing.T) {
			path, happens := prepare(t, t.TempDir())
			w := watch(t, path, fileflags.Config{Settle: 10 * time.Millisecond})
			happens()
			w.await(t, two)
			// The watch goes on, with whatever the path has become.
			write(t, path, one+"\n")
			w.await(t, one+"\n")
		})
	}
}

func TestWatchFollowsAConfigMapFromUpdateToUpdate(t *testing.T) {
	v := &volume{dir: t.TempDir()}
	v.publish(t, "0")
	w := watch(t, filepath.Join(v.dir, "flags.json"), fileflags.Config{Settle: -1})
	for n := range 200 {
		content := strconv.Itoa(n + 1)
		v.publish(t, content)
		w.await(t, content)
	}
}

// Whatever comes between two watches, that is placed or taken away at that moment, the
// last of the changes is heard of.
func TestWatchHearsOfTheLastOfManyChanges(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "flags.json")
	w := watch(t, path, fileflags.Config{Settle: -1})
	for n := range 100 {
		for range n % 7 {
			mkdir(t, filepath.Dir(path))
			write(t, path, "passing")
			remove(t, filepath.Dir(path))
		}
		mkdir(t, filepath.Dir(path))
		content := strconv.Itoa(n + 1)
		write(t, path, content)
		w.await(t, content)
	}
}

func TestWatchDoesNotCareForNeighbours(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "flags.json")
	write(t, path, "{}")
	w := watch(t, path, fileflags.Config{Settle: -1})
	write(t, path+".tmp", "{}")
	write(t, filepath.Join(dir, "flags"), "{}")
	remove(t, path+".tmp")
	select {
	case <-w.news:
		require.FailNow(t, "news of a neighbour")
	case <-time.After(100 * time.Millisecond): // it would have been there at once
	}
}

func TestChangedIsCalledWhenTheWriterRests(t *testing.T) {
	t.Parallel()
	const settle = 500 * time.Millisecond
	path := filepath.Join(t.TempDir(), "flags.json")
	w := watch(t, path, fileflags.Config{Settle: settle})
	file, err := os.Create(path)
	require.NoError(t, err)
	var writes []time.Time
	for range 100 {
		writes = append(writes, time.Now())
		_, err := file.WriteString("piece")
		require.NoError(t, err)
	}
	require.NoError(t, file.Close())
	news := w.hear(t)
	writes = slices.DeleteFunc(writes, func(at time.Time) bool { return at.After(news) }) // the test was held up
	require.GreaterOrEqual(t, news.Sub(writes[len(writes)-1]), settle)
}

func TestAWriterThatNeverRestsDoesNotHoldTheNews(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "flags.json")
	w := watch(t, path, fileflags.Config{Settle: 200 * time.Millisecond})
	done := make(chan struct{})
	rested := make(chan error, 1)
	go func() {
		for {
			select {
			case <-done:
				rested <- nil
				return
			default:
				if err := os.WriteFile(path, []byte("{}"), 0o600); err != nil {
					rested <- err
					return
				}
			}
		}
	}()
	w.hear(t)
	close(done)
	require.NoError(t, <-rested)
}

func TestWatchReturnsWhenTheContextEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flags.json")
	ctx, cancel := context.WithCancel(t.Context())
	err := fileflags.New(path, fileflags.Config{}).Watch(ctx, cancel) // with the first news
	require.ErrorIs(t, err, context.Canceled)
	require.EqualError(t, err, "fileflags: watch "+path+": context canceled")

	err = fileflags.New(path, fileflags.Config{}).Watch(ctx, func() { require.FailNow(t, "news after the end") })
	require.ErrorIs(t, err, context.Canceled)
}

func TestWatchOfAnEmptyPath(t *testing.T) {
	err := fileflags.New("", fileflags.Config{}).Watch(t.Context(), func() {})
	require.EqualError(t, err, `fileflags: watch "": the path is empty: name the file`)
}

func TestTheLimitsOfInotifyAreNamed(t *testing.T) {
	tests := map[string]struct {
		err  error
		want string
	}{
		"watches": {
			err:  syscall.ENOSPC,
			want: "no more watches for this user: raise fs.inotify.max_user_watches: no space left on device",
		},
		"instances": {
			err: syscall.EMFILE,
			want: "no more inotify instances for this user: raise fs.inotify.max_user_instances, " +
				"or the process's limit of open files: too many open files",
		},
		"something else": {err: fs.ErrClosed, want: "file already closed"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := fileflags.Advise(tt.err)
			require.EqualError(t, err, tt.want)
			require.True(t, errors.Is(err, tt.err))
		})
	}
}
