package hosts_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// program finds what Debian keeps where only root looks. What make installs has to be
// there in continuous integration.
func program(t *testing.T, name string, installed bool) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/" + name)
	}
	if err != nil && (!installed || os.Getenv("CI") != "true") {
		t.Skipf("%s is not installed", name)
	}
	require.NoError(t, err)
	return path
}

// run returns what a program says, and whether it is content.
func run(t *testing.T, name string, args ...string) (said string, ok bool) {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	return strings.TrimSpace(string(output)), err == nil
}
