//go:build unix

package migrate_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

// programs is where before/… and after/… have been built, as a user builds them: without
// the race detector, with which Kubernetes takes minutes.
var programs string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "migrate")
	if err != nil {
		panic(err)
	}
	for _, side := range []string{"before", "after"} {
		target := filepath.Join(dir, side) + string(filepath.Separator)
		if err := os.Mkdir(target, 0o755); err != nil {
			panic(err)
		}
		build := exec.Command("go", "build", "-o", target, "./"+side+"/...")
		build.Env = append(os.Environ(), "GOWORK=off")
		if out, err := build.CombinedOutput(); err != nil {
			panic(fmt.Sprintf("%v: %s", err, out))
		}
	}
	programs = dir
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(dir)
		os.Exit(code)
	}))
}
