// Package store has the tables of changes, which the instances and those who move a
// change share, and what a fence is called.
package store

import (
	"embed"
	"fmt"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/internal/pgmigrate"
)

//go:embed sql/*.sql
var files embed.FS

// In is the tables in a schema, by its name.
func In(schema string) pgmigrate.Set {
	return pgmigrate.Set{Files: files, Schema: dbcompat.Quote(schema), Table: "change_migrations"}
}

// A Fence stands between a change and the writers of epochs that are gone: a sequence
// with the lowest epoch that may write, and a function that asks it. A sequence is
// read outside of snapshots, so that it holds at each isolation level; and setval is at
// once and for good, so that a move that fails leaves writers fenced, and not wrong.
type Fence struct {
	Schema string // quoted
	ID     int    // of the change
}

func (f Fence) sequence() string { return fmt.Sprintf("%s.change_%d_floor", f.Schema, f.ID) }
func (f Fence) function() string { return fmt.Sprintf("%s.change_%d_fence", f.Schema, f.ID) }

// Key is that of the advisory lock, as SQL.
func (f Fence) Key() string { return fmt.Sprintf("hashtextextended('handover change %d', 0)", f.ID) }

// Create makes it, for a change that is at an epoch.
//
// The function is VOLATILE, and takes the lock before it looks: a writer that has passed
// holds the lock to its transaction's end, and who raises the floor waits for it. In one
// statement, without a function, the look would come before the wait.
func (f Fence) Create(epoch int64) string {
	return fmt.Sprintf(`CREATE SEQUENCE IF NOT EXISTS %[1]s MINVALUE 0;
SELECT setval('%[1]s', %[4]d);
CREATE OR REPLACE FUNCTION %[2]s(epoch bigint) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	PERFORM pg_advisory_xact_lock_shared(%[3]s);
	IF epoch < pg_sequence_last_value('%[1]s') THEN
		RAISE EXCEPTION 'the stage of epoch %% is gone', epoch USING ERRCODE = '55000', HINT = 'handover: fenced';
	END IF;
	RETURN true;
END $$;`, f.sequence(), f.function(), f.Key(), epoch)
}

// Drop removes it.
func (f Fence) Drop() string {
	return fmt.Sprintf("DROP FUNCTION IF EXISTS %s(bigint); DROP SEQUENCE IF EXISTS %s;", f.function(), f.sequence())
}

// Pass is a condition for a statement, or an expression to SELECT, that is true or an
// error: a writer of this epoch may write, until its transaction ends.
func (f Fence) Pass(epoch int64) string { return fmt.Sprintf("%s(%d)", f.function(), epoch) }

// Close takes the lock against all writers, waiting for those that have passed; give the
// transaction a lock_timeout. Raise is after it.
func (f Fence) Close() string { return "SELECT pg_advisory_xact_lock(" + f.Key() + ")" }

// Raise lets nobody of an epoch before this one write any more.
func (f Fence) Raise(epoch int64) string {
	return fmt.Sprintf("SELECT setval('%s', %d)", f.sequence(), epoch)
}
