package snippettest_test

import (
	"path"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/interop/deploy/snippettest"
)

// The table has each file, once, and none that is gone.
func TestTheTableHasEachFile(t *testing.T) {
	var linked, there []string
	for _, match := range regexp.MustCompile(`\[([^\]]+)\]\(([^)]+)\)`).FindAllStringSubmatch(snippettest.Read(t, "README.md"), -1) {
		if match[2] == "../minimal" {
			continue
		}
		require.Equal(t, path.Base(match[2]), match[1])
		linked = append(linked, match[2])
	}
	for _, name := range snippettest.Names(t, "*/*") {
		if path.Ext(name) != ".go" {
			there = append(there, name)
		}
	}
	require.ElementsMatch(t, there, linked)
}
