//go:build unix && !race

package bench_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if how := os.Getenv(serveIdle); how != "" {
		idleServer(how)
		return
	}
	goleak.VerifyTestMain(m)
}
