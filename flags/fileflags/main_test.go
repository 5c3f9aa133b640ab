package fileflags_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv("HANDOVER_TEST_LIMITS") != "" {
		limitsChild()
		return
	}
	goleak.VerifyTestMain(m)
}
