package chaos_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/internal/ledger"
	"github.com/handover-go/handover/internal/pgtest"
)

// healthCheck sleeps for half a second after a pool has closed a connection.
const healthCheck = "github.com/jackc/pgx/v5/pgxpool.(*Pool).triggerHealthCheck.func1"

func TestMain(m *testing.M) {
	ledger.Child(child)
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction(healthCheck))
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

func child(s spec) error {
	if s.Worker < 0 {
		return fill(s)
	}
	return work(s)
}
