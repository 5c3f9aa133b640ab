package ddl

import (
	"errors"
	"fmt"
	"reflect"
)

// Operation is one of those in this package, by value. Its String is what plans and errors
// call it: set not null users.name.
//
// A Table is users, shop.users, or shop."my.users" if there is a dot in a name. All other
// names are as they are in the database, without quotes, of at most 63 bytes; they are
// quoted where they are used. What is called SQL is put into statements as it is: never
// build it from input.
type Operation interface {
	fmt.Stringer

	check() mistakes // what can be said without a database
	in() string      // the table, as it was given
	needs(*table)    // what has to be there, and will be after it
	steps(version int, r relation) []Step
}

// Step is one statement, and what there is to know before it is run.
type Step struct {
	Operation string   // of which it is a part: set not null users.name
	SQL       string   // without parameters, and without a semicolon at its end
	Lock      Lock     // taken on all of On
	On        []string // what is locked, quoted
	Cost      Cost     // while it has the lock
	Undo      string   // the SQL for it; empty if there is nothing to undo

	// Concurrently says that it is run outside of a transaction, so that it can be left
	// half done. It is looked after when it is tried again.
	Concurrently bool

	// These are of the moment, and filled in by Runner.Plan.
	Done       bool        // already, by whomever
	Problem    string      // why it would not be run
	Blockers   []Blocker   // who would have it wait
	References []Reference // what DropColumn has found

	probe  string // returns a state, and the SQL for undo if that depends on what is there
	args   []any
	drops  string   // the column
	accept []string // of the references to it
	clean  string   // what drops an INVALID leftover
	like   *likeness
}

// Lock is a lock on a table, as PostgreSQL's manual calls it.
type Lock string

// The locks that steps take.
const (
	AccessExclusive      Lock = "ACCESS EXCLUSIVE"       // waits for everybody, and has everybody wait
	ShareRowExclusive    Lock = "SHARE ROW EXCLUSIVE"    // waits for writers, and has writers wait
	ShareUpdateExclusive Lock = "SHARE UPDATE EXCLUSIVE" // nobody who reads or writes waits; another ALTER and VACUUM do
)

// conflicts are the modes in pg_locks that a step has to wait for. CONCURRENTLY waits for
// more than its own lock does, though without a queue behind it: for writers, and when an
// index is dropped for readers too.
func (s Step) conflicts() []string {
	all := []string{"AccessExclusiveLock", "ExclusiveLock", "ShareRowExclusiveLock", "ShareLock", "ShareUpdateExclusiveLock"}
	if s.Lock != ShareUpdateExclusive || s.Concurrently {
		all = append(all, "RowExclusiveLock")
	}
	if s.Lock == AccessExclusive || s.Cost == Wait {
		all = append(all, "RowShareLock", "AccessShareLock")
	}
	return all
}

// Cost is what a step does while it has its lock.
type Cost string

// What steps cost. There is none that rewrites the table.
const (
	Instant Cost = "instant"                                        // the catalog only
	Scan    Cost = "scan"                                           // reads the table once
	Build   Cost = "two scans, and a wait for older transactions"   // of an index, CONCURRENTLY
	Wait    Cost = "a wait for transactions that may use the index" // of DROP INDEX CONCURRENTLY
)

// The states that a probe tells; anything else is what is wrong.
const (
	todo    = "todo"
	done    = "done"
	busy    = "busy"    // somebody else is at it
	invalid = "invalid" // somebody has left it half done
)

// oldest and newest are the versions of PostgreSQL that are known; a newer one is taken
// for the newest.
const (
	oldest = 14
	newest = 18
)

// Steps is the plan for a table of which nothing is known, on a server of that version: 14
// to 18, and a newer one is taken for 18. It asks no database, so CopyTwin, which depends
// on what is there, is refused.
func Steps(version int, ops ...Operation) (Plan, error) {
	if err := check(ops); err != nil {
		return nil, fmt.Errorf("ddl: steps: %w", err)
	}
	if version >= 1000 {
		return nil, fmt.Errorf("ddl: steps: version %d of PostgreSQL: give the first number of it, 15 of 15.4", version)
	}
	if version < oldest {
		return nil, fmt.Errorf("ddl: steps: version %d of PostgreSQL: %d is the oldest that is known", version, oldest)
	}
	var plan Plan
	for _, op := range ops {
		if _, ok := op.(CopyTwin); ok {
			return nil, fmt.Errorf("ddl: steps: %s: its steps depend on what the table has: use Runner.Plan", op)
		}
		plan = append(plan, stepsOf(op, version, relationOf(op.in()))...)
	}
	return plan, nil
}

func stepsOf(op Operation, version int, r relation) []Step {
	steps := op.steps(version, r)
	for i := range steps {
		steps[i].Operation = op.String()
		if steps[i].On == nil {
			steps[i].On = []string{r.String()}
		}
	}
	return steps
}

// check tells all mistakes of all operations.
func check(ops []Operation) error {
	var all []error
	for i, op := range ops {
		if op == nil {
			all = append(all, fmt.Errorf("operation %d is nil: give one of this package", i))
			continue
		}
		if reflect.TypeOf(op).Kind() == reflect.Pointer { // which may be nil, too
			all = append(all, fmt.Errorf("operation %d is a pointer, %T: give the value", i, op))
			continue
		}
		for _, err := range op.check() {
			all = append(all, fmt.Errorf("%s: %w", op, err))
		}
	}
	return errors.Join(all...)
}
