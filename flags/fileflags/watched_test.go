package fileflags_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags/fileflags"
)

// tooLong is when a test gives up. Nothing waits for it otherwise.
const tooLong = 10 * time.Second

// watched is a file, and the news of it.
type watched struct {
	*fileflags.File
	news chan time.Time
	done chan error
	stop context.CancelFunc
}

// watch returns when the watch is placed.
func watch(t *testing.T, path string, config fileflags.Config) *watched {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := &watched{
		File: fileflags.New(path, config),
		news: make(chan time.Time, 1), done: make(chan error, 1), stop: cancel,
	}
	go func() {
		w.done <- w.Watch(ctx, func() {
			select {
			case w.news <- time.Now():
			default: // there is some to be heard already
			}
		})
	}()
	t.Cleanup(func() {
		cancel()
		require.ErrorIs(t, <-w.done, context.Canceled)
	})
	w.hear(t)
	return w
}

func (w *watched) hear(t *testing.T) time.Time {
	t.Helper()
	select {
	case at := <-w.news:
		return at
	case err := <-w.done:
		w.done <- err
		require.FailNow(t, "the watch has ended", err)
	case <-time.After(tooLong):
		require.FailNow(t, "no news")
	}
	return time.Time{}
}

// await follows the news until Load gives the content, as a Client does.
func (w *watched) await(t *testing.T, content string) {
	t.Helper()
	for {
		w.hear(t)
		doc, err := w.Load(t.Context())
		if err == nil && string(doc.JSON) == content {
			return
		}
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
}

func mkdir(t *testing.T, path string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(path, 0o700))
}

func link(t *testing.T, target, path string) {
	t.Helper()
	require.NoError(t, os.Symlink(target, path))
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	require.NoError(t, os.Rename(from, to))
}

func remove(t *testing.T, path string) {
	t.Helper()
	require.NoError(t, os.RemoveAll(path))
}

// volume is a ConfigMap as the kubelet mounts it: flags.json links to
// ..data/flags.json, and ..data to the directory of the time.
type volume struct {
	dir       string
	published int
}

// publish takes the steps of the kubelet's AtomicWriter, in their order.
func (v *volume) publish(t *testing.T, content string) {
	t.Helper()
	data := filepath.Join(v.dir, "..data")
	old, _ := os.Readlink(data) // there is none the first time
	v.published++
	stamped := fmt.Sprintf("..2025_11_26_02_01_59.%09d", v.published)
	mkdir(t, filepath.Join(v.dir, stamped))
	write(t, filepath.Join(v.dir, stamped, "flags.json"), content)
	require.NoError(t, os.Chmod(filepath.Join(v.dir, stamped, "flags.json"), 0o644))
	link(t, stamped, data+"_tmp")
	rename(t, data+"_tmp", data)
	if old == "" {
		link(t, "..data/flags.json", filepath.Join(v.dir, "flags.json"))
		return
	}
	remove(t, filepath.Join(v.dir, old))
}
