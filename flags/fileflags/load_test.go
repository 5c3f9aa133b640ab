package fileflags_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/fileflags"
)

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flags.json")
	write(t, path, `{"flags":{}}`)
	doc, err := fileflags.New(path, fileflags.Config{}).Load(t.Context())
	require.NoError(t, err)
	require.Equal(t, flags.Document{JSON: []byte(`{"flags":{}}`)}, doc)
}

func TestLoadRefuses(t *testing.T) {
	tests := map[string]struct {
		prepare func(t *testing.T, path string)
		want    string
		is      error
	}{
		"no file": {
			prepare: func(*testing.T, string) {},
			want:    "no such file or directory", is: fs.ErrNotExist,
		},
		"a link to no file": {
			prepare: func(t *testing.T, path string) { link(t, "nothing", path) },
			want:    "no such file or directory", is: fs.ErrNotExist,
		},
		"an empty file": {
			prepare: func(t *testing.T, path string) { write(t, path, "") },
			want:    "it is empty (half-written?)",
		},
		"a directory": {
			prepare: mkdir,
			want:    "it is a directory: name a file in it",
		},
		"a loop of links": {
			prepare: func(t *testing.T, path string) { link(t, "flags.json", path) },
			want:    "too many levels of symbolic links",
		},
		"a device": {
			prepare: func(t *testing.T, path string) { link(t, "/dev/zero", path) },
			want:    "it is no regular file (Dcrw-rw-rw-)",
		},
		"a file that is too large": {
			prepare: func(t *testing.T, path string) {
				write(t, path, "{}")
				require.NoError(t, os.Truncate(path, 16<<20+1))
			},
			want: "it is larger than 16 MiB",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "flags.json")
			tt.prepare(t, path)
			doc, err := fileflags.New(path, fileflags.Config{}).Load(t.Context())
			require.EqualError(t, err, "fileflags: load "+path+": "+tt.want)
			require.Zero(t, doc)
			if tt.is != nil {
				require.ErrorIs(t, err, tt.is)
			}
		})
	}
}

func TestLoadTakesAFileOfTheLargestSize(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flags.json")
	write(t, path, strings.Repeat(" ", 16<<20))
	doc, err := fileflags.New(path, fileflags.Config{Settle: -1}).Load(t.Context())
	require.NoError(t, err)
	require.Len(t, doc.JSON, 16<<20)
}

func TestLoadOfAnEmptyPath(t *testing.T) {
	_, err := fileflags.New("", fileflags.Config{}).Load(t.Context())
	require.EqualError(t, err, `fileflags: load "": the path is empty: name the file`)
}

// acting does something each time Load asks whether it may go on, which it does before
// each look. So a writer is there at the right moment, on a busy machine as well.
type acting struct {
	context.Context
	act func(look int)
	n   *int
}

func (a acting) Err() error {
	*a.n++
	a.act(*a.n)
	return a.Context.Err()
}

// writeNow is by the clock of the bubble.
func writeNow(t *testing.T, path, content string) {
	t.Helper()
	write(t, path, content)
	require.NoError(t, os.Chtimes(path, time.Time{}, time.Now()))
}

func TestLoadWaitsForTheOtherHalf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "flags.json")
		looks, began := 0, time.Now()
		ctx := acting{t.Context(), func(look int) {
			switch look {
			case 1:
				writeNow(t, path, `{"flags":`)
			case 2:
				writeNow(t, path, `{"flags":{}}`)
			}
		}, &looks}
		doc, err := fileflags.New(path, fileflags.Config{}).Load(ctx)
		require.NoError(t, err)
		require.Equal(t, `{"flags":{}}`, string(doc.JSON))
		require.Equal(t, 200*time.Millisecond, time.Since(began))
	})
}

func TestLoadWaitsNoLongerThanItMust(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "flags.json")
		writeNow(t, path, "{}")
		time.Sleep(70 * time.Millisecond)
		for _, want := range []time.Duration{30 * time.Millisecond, 0} {
			began := time.Now()
			_, err := fileflags.New(path, fileflags.Config{}).Load(t.Context())
			require.NoError(t, err)
			require.Equal(t, want, time.Since(began))
		}
	})
}

func TestLoadGivesUpOnAWriterThatNeverRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "flags.json")
		looks, began := 0, time.Now()
		ctx := acting{t.Context(), func(int) { writeNow(t, path, "{}") }, &looks}
		_, err := fileflags.New(path, fileflags.Config{}).Load(ctx)
		require.EqualError(t, err, "fileflags: load "+path+
			": it is still being written, after 10 looks: write a temporary file and rename it")
		require.Equal(t, time.Second, time.Since(began))
	})
}

func TestLoadEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "flags.json")
		writeNow(t, path, "{}")
		began := time.Now()
		file := fileflags.New(path, fileflags.Config{Settle: time.Hour})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := file.Load(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		_, err = file.Load(ctx)
		require.EqualError(t, err, "fileflags: load "+path+": context deadline exceeded")
		require.Equal(t, time.Minute, time.Since(began))
	})
}

func TestAFileThatChangesWhileItIsReadIsReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flags.json")
	old := time.Now().Add(-time.Hour)
	tests := map[string]func(){
		"it grows within a tick of the clock": func() {
			write(t, path, "a longer one")
			require.NoError(t, os.Chtimes(path, time.Time{}, old))
		},
		"it grows":            func() { write(t, path, "a longer one") },
		"it shrinks":          func() { write(t, path, "") },
		"it is of equal size": func() { require.NoError(t, os.Chtimes(path, time.Time{}, time.Now())) },
	}
	for name, happens := range tests {
		t.Run(name, func(t *testing.T) {
			write(t, path, "a file")
			require.NoError(t, os.Chtimes(path, time.Time{}, old))
			file, err := os.Open(path)
			require.NoError(t, err)
			defer func() { require.NoError(t, file.Close()) }()
			before, err := file.Stat()
			require.NoError(t, err)
			happens()
			_, err = fileflags.Whole(file, before)
			require.EqualError(t, err, "it is being written")
		})
	}
}

func TestAFileFromTheFutureIsNotWaitedFor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flags.json")
	write(t, path, "{}")
	require.NoError(t, os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour)))
	_, err := fileflags.New(path, fileflags.Config{Settle: time.Hour}).Load(t.Context())
	require.NoError(t, err)
}
