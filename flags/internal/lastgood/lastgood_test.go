package lastgood_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags/internal/lastgood"
)

var eight = time.Date(2025, 11, 26, 8, 0, 0, 0, time.UTC)

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var all []string
	for _, entry := range entries {
		all = append(all, entry.Name())
	}
	return all
}

func TestWhatIsStoredIsLoaded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flags")
	for name, doc := range map[string]lastgood.Doc{
		"a document":              {JSON: []byte(`{"flags":{}}`), Revision: 42, Saved: eight},
		"one that is not counted": {JSON: []byte("{}"), Saved: eight.Add(1)},
		"one that is no JSON":     {JSON: []byte("\n\x00handover-flags 1\n"), Revision: 1, Saved: eight},
		"a large one":             {JSON: bytes.Repeat([]byte(" "), 1<<20), Revision: 1<<63 - 1, Saved: eight},
		"one of the last second":  {JSON: []byte("{}"), Saved: time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC)},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, lastgood.Store(path, doc))
			loaded, err := lastgood.Load(path)
			require.NoError(t, err)
			require.True(t, bytes.Equal(doc.JSON, loaded.JSON))
			require.Equal(t, doc.Revision, loaded.Revision)
			require.Equal(t, doc.Saved, loaded.Saved)
			require.Equal(t, []string{"flags"}, names(t, filepath.Dir(path)))
			info, err := os.Stat(path)
			require.NoError(t, err)
			require.Equal(t, fs.FileMode(0o600), info.Mode())
		})
	}
}

// A format that changes without a new version loses everybody's last good set.
func TestTheFormatStaysAsItIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flags")
	zone := time.FixedZone("", 3600)
	require.NoError(t, lastgood.Store(path, lastgood.Doc{JSON: []byte("{}"), Revision: 7, Saved: eight.In(zone)}))
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "handover-flags 1 7 2025-11-26T08:00:00Z 2 "+
		"1b9c7ffc4be69815e3cc1767775750906e8c7b919127454622e0f0e80af0bade\n{}", string(content))
}

func TestStoreRefuses(t *testing.T) {
	tests := map[string]struct {
		doc  lastgood.Doc
		want string
	}{
		"nothing at all": {
			want: "the document is empty\nsaved in the year 1: set Saved to the present",
		},
		"too much": {
			doc:  lastgood.Doc{JSON: make([]byte, 64<<20+1), Saved: eight},
			want: "the document is larger than 64 MiB",
		},
		"a revision below none": {
			doc:  lastgood.Doc{JSON: []byte("{}"), Revision: -1, Saved: eight},
			want: "revision -1: they count from 1, and 0 is none",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "flags")
			require.EqualError(t, lastgood.Store(path, tt.doc), "lastgood: store "+path+": "+tt.want)
			require.Empty(t, names(t, filepath.Dir(path)))
		})
	}
}

func TestStoreWhereItCannot(t *testing.T) {
	dir := t.TempDir()
	doc := lastgood.Doc{JSON: []byte("{}"), Saved: eight}

	path := filepath.Join(dir, "missing", "flags")
	err := lastgood.Store(path, doc)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, "lastgood: store "+path+": ")

	path = filepath.Join(dir, "directory")
	require.NoError(t, os.MkdirAll(filepath.Join(path, "full"), 0o700))
	require.ErrorContains(t, lastgood.Store(path, doc), "lastgood: store "+path+": rename ")
	require.Equal(t, []string{"directory"}, names(t, dir))

	err = lastgood.Store("/proc/flags", doc) // where root may not write either
	require.ErrorContains(t, err, "lastgood: store /proc/flags: open ")
}

func TestStoreKeepsALink(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	require.NoError(t, os.WriteFile(target, nil, 0o600))
	require.NoError(t, os.Symlink("target", link))
	require.NoError(t, lastgood.Store(link, lastgood.Doc{JSON: []byte("{}"), Saved: eight}))
	for _, path := range []string{target, link} {
		doc, err := lastgood.Load(path)
		require.NoError(t, err)
		require.Equal(t, "{}", string(doc.JSON))
	}
	require.Equal(t, []string{"link", "target"}, names(t, dir))
}

func TestStoreRemovesWhatOthersLeft(t *testing.T) {
	dir := t.TempDir()
	stays := []string{
		".flags.123.tmp.bak", ".flags.json.123.tmp", ".flags.x.tmp", ".other.123.tmp", "flags.123.tmp",
	}
	for _, name := range append([]string{".flags.1.tmp", ".flags.4294967295.tmp", ".flags.2.tmp"}, stays...) {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte("half"), 0o600))
		old := time.Now().Add(-11 * time.Minute)
		require.NoError(t, os.Chtimes(path, old, old))
	}
	now := time.Now()
	require.NoError(t, os.Chtimes(filepath.Join(dir, ".flags.2.tmp"), now, now)) // somebody is writing it
	require.NoError(t, lastgood.Store(filepath.Join(dir, "flags"), lastgood.Doc{JSON: []byte("{}"), Saved: eight}))
	require.ElementsMatch(t, append([]string{".flags.2.tmp", "flags"}, stays...), names(t, dir))
}

func TestManyStoreAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flags")
	var storing sync.WaitGroup
	for n := range 8 {
		storing.Go(func() {
			for range 10 {
				doc := lastgood.Doc{JSON: bytes.Repeat([]byte{'a' + byte(n)}, 1000*(n+1)), Revision: int64(n), Saved: eight}
				if err := lastgood.Store(path, doc); err != nil {
					t.Error(err)
				}
				if _, err := lastgood.Load(path); err != nil {
					t.Error(err)
				}
			}
		})
	}
	storing.Wait()
	require.Equal(t, []string{"flags"}, names(t, filepath.Dir(path)))
}

// stored returns the bytes of a document's file.
func stored(t testing.TB, doc lastgood.Doc) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "flags")
	require.NoError(t, lastgood.Store(path, doc))
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return content
}

func TestLoadRefusesEachByteThatIsMissingChangedOrTooMany(t *testing.T) {
	content := stored(t, lastgood.Doc{JSON: []byte(`{"flags":{"a":1}}`), Revision: 42, Saved: eight})
	for n := range content {
		_, err := lastgood.Decode(content[:n])
		require.Error(t, err, "%d bytes", n)
		for bit := range 8 {
			changed := bytes.Clone(content)
			changed[n] ^= 1 << bit
			_, err := lastgood.Decode(changed)
			require.Error(t, err, "bit %d of byte %d", bit, n)
		}
	}
	_, err := lastgood.Decode(append(content, '\n'))
	require.EqualError(t, err, "its checksum is wrong: it is damaged, or was changed")
}

func TestLoadRefuses(t *testing.T) {
	content := string(stored(t, lastgood.Doc{JSON: []byte(`{"flags":{}}`), Revision: 42, Saved: eight}))
	tests := map[string]struct{ content, want string }{
		"an empty file":           {"", "it is empty"},
		"something else":          {`{"flags":{}}`, `it does not begin with "handover-flags": it is something else, or cut short`},
		"a few bytes":             {content[:5], `it does not begin with "handover-flags": it is something else, or cut short`},
		"half a header":           {content[:30], "its header is cut short, or damaged"},
		"a header alone":          {content[:strings.Index(content, "\n")+1], "it is cut short: its document has 0 bytes of 12"},
		"half a document":         {content[:len(content)-3], "it is cut short: its document has 9 bytes of 12"},
		"a document that goes on": {content + "x", "its checksum is wrong: it is damaged, or was changed"},
		"a document that a person changed": {
			strings.Replace(content, "{}", "[]", 1), "its checksum is wrong: it is damaged, or was changed",
		},
		"a revision that a person changed": {
			strings.Replace(content, " 42 ", " 43 ", 1), "its checksum is wrong: it is damaged, or was changed",
		},
		"the format of the future": {
			strings.Replace(content, " 1 ", " 2 ", 1), `its format is "2", and this program reads "1"`,
		},
		"a header of no end": {"handover-flags 1 " + strings.Repeat("1", 1<<20), "its header is cut short, or damaged"},
		"a header of no numbers": {
			"handover-flags 1 x 2025-11-26T08:00:00Z 2 0\n{}",
			`its header is damaged: strconv.ParseInt: parsing "x": invalid syntax`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "flags")
			require.NoError(t, os.WriteFile(path, []byte(tt.content), 0o600))
			doc, err := lastgood.Load(path)
			require.EqualError(t, err, "lastgood: load "+path+": "+tt.want)
			require.Zero(t, doc)
		})
	}
}

func TestLoadOfWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "flags")
	_, err := lastgood.Load(path)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.EqualError(t, err, "lastgood: load "+path+": no such file or directory")

	_, err = lastgood.Load(dir)
	require.ErrorContains(t, err, "lastgood: load "+dir+": it is no regular file (d")

	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, os.Truncate(path, 65<<20))
	_, err = lastgood.Load(path)
	require.EqualError(t, err, "lastgood: load "+path+": it is larger than 64 MiB")

	_, err = lastgood.Load("")
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.Error(t, lastgood.Store("", lastgood.Doc{JSON: []byte("{}"), Saved: eight}))
}

// What Decode takes is what Store writes, to the byte, and nothing makes it panic.
func FuzzDecode(f *testing.F) {
	content := stored(f, lastgood.Doc{JSON: []byte(`{"flags":{}}`), Revision: 42, Saved: eight})
	f.Add(content)
	f.Add(content[:40])
	f.Add([]byte(nil))
	f.Add([]byte("handover-flags 1 -1 0000-01-01T00:00:00Z -1 0\n"))
	f.Add(fmt.Appendf(nil, "handover-flags 1 %d 2025-11-26T08:00:00+01:00 2 x\n{}", uint64(1)<<63))
	path := filepath.Join(f.TempDir(), "flags")
	f.Fuzz(func(t *testing.T, content []byte) {
		doc, err := lastgood.Decode(content)
		if err != nil {
			require.Zero(t, doc)
			return
		}
		require.NoError(t, lastgood.Store(path, doc))
		again, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, content, again)
	})
}
