package fileflags_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/handover-go/handover/flags/fileflags"
	"github.com/handover-go/handover/flags/flagstest"
)

// There is no Stall: what would hang is a file system, and not its file.
func TestAFileIsASource(t *testing.T) {
	tests := map[string]fileflags.Config{
		"that waits for the writer to rest": {},
		"that is only ever renamed over":    {Settle: -1},
	}
	for name, config := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			flagstest.TestSource(t, func(t *testing.T) flagstest.Store {
				path := filepath.Join(t.TempDir(), "flags.json")
				var last []byte
				set := func(definitions []byte) error {
					last = definitions
					if err := os.WriteFile(path+".tmp", definitions, 0o600); err != nil {
						return err
					}
					return os.Rename(path+".tmp", path)
				}
				return flagstest.Store{
					Source: fileflags.New(path, config),
					Set:    set,
					Break:  func() error { return os.Remove(path) },
					Repair: func() error { return set(last) },
				}
			})
		})
	}
}
