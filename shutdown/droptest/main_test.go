package droptest_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain is the service when it is started by the tests, which run it as a
// real process.
func TestMain(m *testing.M) {
	if f := os.Getenv(envFault); f != "" {
		os.Exit(runService(fault(f)))
	}
	goleak.VerifyTestMain(m)
}
