package chaos_test

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/internal/pgtest"
)

// envSpec makes the test binary one of the processes.
const envSpec = "CHAOS_PROCESS"

func TestMain(m *testing.M) {
	if text := os.Getenv(envSpec); text != "" {
		os.Exit(child(text))
	}
	goleak.VerifyTestMain(m)
}

var pg = pgtest.New(pgtest.Config{})

// spec is what a process is told at its beginning.
type spec struct {
	Name   string // it is also the application_name of its sessions
	URL    string
	Kind   string
	Worker int // -1 is the back-fill
	Stage  dbcompat.Stage
	Seed   uint64
}

func child(text string) int {
	var s spec
	err := json.Unmarshal([]byte(text), &s)
	if err == nil && s.Worker < 0 {
		err = fill(s)
	} else if err == nil {
		err = work(s)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
