package droptest_test

import (
	"context"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/handover-go/handover/shutdown/droptest"
)

// envHarness makes the test binary a program that uses the package.
const envHarness = "DROPTEST_HARNESS"

// TestMain is the service when it is started by the tests, which run it as a
// real process.
func TestMain(m *testing.M) {
	if f := os.Getenv(envFault); f != "" {
		os.Exit(runService(fault(f)))
	}
	if os.Getenv(envHarness) != "" {
		os.Exit(runHarness())
	}
	goleak.VerifyTestMain(m)
}

// runHarness is a program that deploys until it is killed, for a test that kills it.
func runHarness() int {
	cfg := hurried(droptest.Layer4)
	cfg.Warmup = time.Hour
	cfg.OnEvent = func(e droptest.Event) {
		if e.What == "tick" {
			_, _ = os.Stdout.WriteString("under load\n")
		}
	}
	v := version("v1", release{output: os.Stdout})
	_, _ = droptest.New(cfg).Roll(context.Background(), v, v)
	return 0
}
