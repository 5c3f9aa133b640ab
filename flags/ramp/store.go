package ramp

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/handover-go/handover/flags/guard"
)

// ErrMoved is what a Store's Move returns if it was decided on what is no longer so.
// Nothing has been done.
var ErrMoved = errors.New("it is no longer as it was")

// Store is where the members meet: pgramp. All times in it are by its own clock. Its
// methods are called by several members at once, and by one from several goroutines.
type Store interface {
	// Attend renews the lease of a member, has it lead if nobody does, and tells what
	// there is.
	Attend(ctx context.Context, c Call) (Fleet, error)

	// Move does one thing to a ramp, all of it or nothing. The error is ErrMoved if there
	// is no longer what it was decided on.
	Move(ctx context.Context, m Move) error

	// Leave takes the lease back, and the lead with it. Of who has none it is nothing.
	Leave(ctx context.Context, id string) error
}

// Call is what a member tells, and asks for.
type Call struct {
	Me      Instance      // without Joined, which the store says
	TTL     time.Duration // of its lease
	Keys    []string      // of flags, beside those with ramps that have begun, or with an x-ramp
	Samples []Sample      // by their numbers; the same ones again if there was no answer
	After   int64         // the number of the last sample that was told of, for who leads
}

// Sample is what one guard has counted in a while.
type Sample struct {
	Number int64        `json:"number"` // from 1; of those that a member sends, or of all that the store has
	Key    string       `json:"key"`    // of the flag
	Sample guard.Sample `json:"sample"`
}

// Instance is a member, as the others see it.
type Instance struct {
	ID      string             `json:"id"`      // Config.ID
	Version string             `json:"version"` // of its code
	Stale   bool               `json:"stale"`   // the source does not stand by its flags
	Flags   map[string]Seen    `json:"flags"`   // that it declares, by key
	Guards  map[string]Guarded `json:"guards"`  // what they say, by the flag's key
	Joined  time.Time          `json:"joined_at"`
}

// Seen is a flag that a member declares.
type Seen struct {
	Type   string `json:"type"`             // boolean, string, number, object, or something else than the set says
	Set    string `json:"set"`              // the version of the set in force that it is from
	Killed bool   `json:"killed,omitempty"` // in this process
}

// Fleet is what there is at one moment.
type Fleet struct {
	Now       time.Time  `json:"now"`
	Leader    string     `json:"leader"`    // its ID
	Since     time.Time  `json:"since"`     // it leads, without a gap
	Instances []Instance `json:"instances"` // whose leases have not ended, by ID
	Flags     []Flag     `json:"flags"`     // by key
	Samples   []Sample   `json:"samples"`   // for the leader: the next thousand, by their numbers
}

// Flag is a flag in the store, with its ramp.
type Flag struct {
	Key        string          `json:"key"`
	Revision   int64           `json:"revision"` // of its set
	Enabled    bool            `json:"enabled"`
	Killed     bool            `json:"killed"`     // for everybody
	Percentage *float64        `json:"percentage"` // of one without a definition; nil is 100
	Definition json.RawMessage `json:"definition"` // flagd's JSON of the flag; null if it has none
	Ramp       *Position       `json:"ramp"`       // nil if it has not begun
	History    []Entry         `json:"history"`    // of the ramp: the last 20, the newest first
}

// Position is where a ramp is. Shares are percent of the subjects, as everywhere in this
// package.
type Position struct {
	State    State           `json:"state"`
	Share    *float64        `json:"share"`    // where the leader has left the flag; nil: wherever it is
	Revision int64           `json:"revision"` // that the step has made
	Since    time.Time       `json:"since"`    // the step began
	Why      string          `json:"why"`      // of the last change
	Evidence json.RawMessage `json:"evidence"` // of the last change: Guarded, by instance
	Number   int64           `json:"number"`   // of its changes
}

// State is what a ramp does.
type State string

// The states. People change them.
const (
	Running State = "running"
	Paused  State = "paused"  // stays where it is until it is resumed
	Stopped State = "stopped" // its flag has been killed
	Done    State = "done"    // the last step has baked
)

// Entry is one change of a ramp.
type Entry struct {
	At    time.Time `json:"at"`
	Who   string    `json:"who"` // a member, or a person
	Why   string    `json:"why"`
	State State     `json:"state"` // afterwards
	Share *float64  `json:"share"` // as in Position
}

// Move is what is to be done to a ramp. Its zero fields do nothing.
type Move struct {
	Key string // of the flag
	By  string // the ID of the member
	Why string // for people, in the history

	// Trip is done whoever asks, and whatever there is: the flag is killed, and the ramp
	// stopped.
	Trip bool

	// Others are done by the leader, if the flag and the ramp are as they were.
	Was   Flag
	State State   // of the ramp, from now on
	Share float64 // the same

	// Widen is a step: the flag gets the share, if it is not killed, all members are
	// among Seen, the leader has led for TTL, and the step before is Bake old.
	Widen      bool
	Seen       []string
	TTL, Bake  time.Duration
	Definition json.RawMessage // of a flag that had one: that with the share

	Evidence json.RawMessage // what the guards say, for the audit
}
