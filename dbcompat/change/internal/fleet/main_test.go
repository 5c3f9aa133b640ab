//go:build unix

package fleet_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/handover-go/handover/dbcompat/internal/ledger"
)

// healthCheck sleeps for half a second after a pool has closed a connection.
const healthCheck = "github.com/jackc/pgx/v5/pgxpool.(*Pool).triggerHealthCheck.func1"

func TestMain(m *testing.M) {
	ledger.Child(work)
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction(healthCheck))
}

// spec is what a worker is told at its beginning.
type spec struct {
	Name   string // it is also the application_name of its sessions
	URL    string
	Worker int
	Seed   uint64
}

var kind = ledger.Kinds()["an int becomes a bigint"]

const (
	amounts = "orders-amount" // the change
	workers = 3
	lanes   = 2 // transactions that a worker has at the same time, one by InTx and one by Pin
	rows    = 120

	patience = 3 * time.Minute // with a machine that is busy with other things

	// diary has what has been committed, of transactions of a stage.
	diary = "CREATE TABLE diary (worker text, stage int, epoch bigint)"
)
