package lastgood_test

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags/internal/lastgood"
)

// memory is a directory that is synced in no time, if there is one. What a process has
// written before it is killed the kernel has, so that a disk would show nothing more.
func memory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "lastgood") //nolint:usetesting // which is on a disk
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}

// generation is a document of which each byte says which one it is. Their sizes differ,
// from a few bytes to 100 kB, so that a shorter one follows a longer.
func generation(n int) lastgood.Doc {
	word := strconv.Itoa(n) + " "
	size := 1 + n*7919%(100_000/len(word))
	return lastgood.Doc{JSON: []byte(strings.Repeat(word, size)), Revision: int64(n), Saved: eight.Add(time.Duration(n))}
}

// writers is how many files are written at once when a child is killed: a start takes
// longer than all the rest.
const writers = 8

// killedChild stores one generation after the other in each file, from the one that it
// finds, and prints what has been stored, until it is killed.
func killedChild(dir string) {
	var writing sync.WaitGroup
	for file := range writers {
		writing.Go(func() {
			path := filepath.Join(dir, strconv.Itoa(file))
			doc, err := lastgood.Load(path)
			for n := int(doc.Revision) + 1; err == nil; n++ {
				if err = lastgood.Store(path, generation(n)); err == nil {
					fmt.Println(file, n)
				}
			}
			fmt.Println(err)
		})
	}
	writing.Wait()
}

// kill starts a child, kills it after it has stored something, and returns the last
// generation of each file of which it had said that it was stored.
func kill(t *testing.T, dir string) map[int]int {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), "HANDOVER_TEST_KILLED="+dir)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())

	stored := map[int]int{}
	for said := bufio.NewScanner(out); said.Scan(); {
		if len(stored) == 0 {
			time.AfterFunc(rand.N(20*time.Millisecond), func() { _ = cmd.Process.Kill() })
		}
		var file, n int
		_, err := fmt.Sscanf(said.Text(), "%d %d", &file, &n)
		require.NoError(t, err, said.Text())
		stored[file] = n
	}
	require.EqualError(t, cmd.Wait(), "signal: killed")
	return stored
}

func TestKill(t *testing.T) {
	const kills = 50
	dir := memory(t)
	seen := [writers]int{}
	for file := range writers {
		require.NoError(t, lastgood.Store(filepath.Join(dir, strconv.Itoa(file)), generation(0)))
	}
	amid := 0
	for range kills {
		stored := kill(t, dir)
		for file := range writers {
			doc, err := lastgood.Load(filepath.Join(dir, strconv.Itoa(file)))
			require.NoError(t, err)
			n := int(doc.Revision)
			require.Equal(t, generation(n), doc)
			require.GreaterOrEqual(t, n, max(stored[file], seen[file]))
			seen[file] = n
		}
		for _, name := range names(t, dir) {
			if strings.HasSuffix(name, ".tmp") {
				amid++
				require.NoError(t, os.Remove(filepath.Join(dir, name)))
			}
		}
	}
	t.Logf("%d kills of %d writers, %d of them amid a write; generations %v", kills, writers, amid, seen)
	require.NotZero(t, amid, "no kill has met a write")
}

func short(revision int64) lastgood.Doc {
	return lastgood.Doc{JSON: []byte(strings.Repeat("{}", 100)), Revision: revision, Saved: eight}
}

// fullChild stores a document on a disk that is full after so many bytes, for each
// number of bytes that is too few.
func fullChild(path string) {
	signal.Ignore(syscall.SIGXFSZ) // what is left is EFBIG
	file, err := os.Stat(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		fmt.Println(err)
		return
	}
	for n := range file.Size() + 1 { // the next one is as long
		limit.Cur = uint64(n)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			fmt.Println(err)
			return
		}
		err := lastgood.Store(path, short(8))
		there, errLoad := lastgood.Load(path)
		entries, errRead := os.ReadDir(filepath.Dir(path))
		fmt.Println(n, errors.Is(err, syscall.EFBIG), there.Revision, len(entries), errLoad, errRead)
	}
}

func TestADiskThatIsFullAtAnyByte(t *testing.T) {
	path := filepath.Join(memory(t), "flags")
	require.NoError(t, lastgood.Store(path, short(7)))
	info, err := os.Stat(path)
	require.NoError(t, err)
	var want strings.Builder
	for n := range info.Size() {
		fmt.Fprintln(&want, n, true, 7, 1, nil, nil)
	}
	fmt.Fprintln(&want, info.Size(), false, 8, 1, nil, nil)

	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), "HANDOVER_TEST_FULL="+path, "GORACE=atexit_sleep_ms=0")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err)
	require.Equal(t, want.String(), string(out))
}
