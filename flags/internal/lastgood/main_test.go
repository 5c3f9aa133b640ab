package lastgood_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if path := os.Getenv("HANDOVER_TEST_KILLED"); path != "" {
		killedChild(path)
		return
	}
	if path := os.Getenv("HANDOVER_TEST_FULL"); path != "" {
		fullChild(path)
		return
	}
	goleak.VerifyTestMain(m)
}
