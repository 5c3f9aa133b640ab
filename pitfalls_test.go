package handover_test

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A page that names a test which is gone promises what nobody holds.
func TestThePitfallsHaveTheTestsThatThePagesName(t *testing.T) {
	for page, least := range map[string]int{
		"docs/design/006-what-went-wrong-elsewhere.md":    30,
		"docs/design/011-what-went-wrong-with-probes.md":  30,
		"docs/design/014-what-went-wrong-with-flags.md":   24,
		"docs/design/016-what-went-wrong-with-columns.md": 20,
	} {
		text, err := fs.ReadFile(repository(), page)
		require.NoError(t, err)
		named := regexp.MustCompile("`([a-z0-9/]+)\\.(Test[A-Za-z0-9]+)`").FindAllStringSubmatch(string(text), -1)
		require.Greater(t, len(named), least, page)
		for _, test := range named {
			if !hasTest(t, repository(), test[1], test[2]) {
				t.Errorf("%s names %s, which %s does not have", page, test[2], test[1])
			}
		}
	}
}

func TestATestThatIsNotThereIsMissed(t *testing.T) {
	root := tree(map[string]string{"go.mod": "module m", "a/a_test.go": "package a_test\n\nfunc TestThere(t *testing.T) {}\n"})
	require.True(t, hasTest(t, root, "a", "TestThere"))
	require.False(t, hasTest(t, root, "a", "TestThe"))
	require.False(t, hasTest(t, root, "b", "TestThere"))
}

// hasTest looks in the directory of a package; that of the root is called handover.
func hasTest(t *testing.T, root fs.FS, dir, name string) bool {
	t.Helper()
	if dir == "handover" {
		dir = "."
	}
	found, err := fs.Glob(root, dir+"/*_test.go")
	require.NoError(t, err)
	for _, file := range found {
		text, err := fs.ReadFile(root, file)
		require.NoError(t, err)
		if strings.Contains(string(text), "\nfunc "+name+"(") {
			return true
		}
	}
	return false
}
