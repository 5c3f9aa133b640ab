package flags_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	// For their documents and cases, which go list finds.
	_ "github.com/diegoholiveira/jsonlogic/v3"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// in is a path in the sources of a module.
func in(t *testing.T, module, path string) string {
	t.Helper()
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	require.NoError(t, err)
	return filepath.Join(strings.TrimSpace(string(dir)), filepath.FromSlash(path))
}

// documents are the files in a directory, by name.
func documents(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files, dir)
	all := map[string][]byte{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		require.NoError(t, err)
		all[filepath.Base(f)] = text
	}
	return all
}
