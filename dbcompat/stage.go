package dbcompat

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
)

// Stage is how far the replacement of a column has come. The zero is none: whoever
// forgets to say the stage gets an error and not a guess.
type Stage uint8

// The stages, in their order.
const (
	Old Stage = iota + 1
	DualWrite
	ReadNew
	New
)

// stages are the names, as they stand in environment variables and flags.
func stages() []string { return []string{"old", "dual-write", "read-new", "new"} }

// String is old, dual-write, read-new or new.
func (s Stage) String() string {
	if s.Valid() {
		return stages()[s-1]
	}
	return fmt.Sprintf("Stage(%d)", uint8(s))
}

// Valid reports whether it is one of the four.
func (s Stage) Valid() bool { return s >= Old && s <= New }

// Neighbours reports whether instances at the two stages may run side by side: they are
// the same, or one step apart.
func (s Stage) Neighbours(other Stage) bool {
	return s.Valid() && other.Valid() && max(s, other)-min(s, other) <= 1
}

// WritesOld reports whether a write sets the old column.
func (s Stage) WritesOld() bool { return s >= Old && s <= ReadNew }

// WritesNew reports whether a write sets the new column.
func (s Stage) WritesNew() bool { return s >= DualWrite && s <= New }

// BelievesNew reports whether a read takes the new column's value.
func (s Stage) BelievesNew() bool { return s == ReadNew || s == New }

// ParseStage is the stage with this name. Upper case and _ for - will do, as in
// environment variables: DUAL_WRITE.
func ParseStage(name string) (Stage, error) {
	given := strings.ReplaceAll(strings.ToLower(strings.TrimSpace(name)), "_", "-")
	for i, s := range stages() {
		if s == given {
			return Stage(i + 1), nil
		}
	}
	return 0, fmt.Errorf("dbcompat: parse stage: %q is none: give %s", name, strings.Join(stages(), ", "))
}

// MarshalText is String, and an error for what is no stage.
func (s Stage) MarshalText() ([]byte, error) {
	if !s.Valid() {
		return nil, fmt.Errorf("dbcompat: %v is no stage", s)
	}
	return []byte(s.String()), nil
}

// UnmarshalText is ParseStage. After an error the stage is what it was.
func (s *Stage) UnmarshalText(text []byte) error {
	stage, err := ParseStage(string(text))
	if err == nil {
		*s = stage
	}
	return err
}

// Source is where the stage comes from: the environment, a flag, the fleet. It is asked
// once per transaction, and the answer holds for all of it. One that a person can change
// while the program runs goes through [StepByStep].
type Source func(context.Context) (Stage, error)

// Fixed is a Source that always says the same.
func Fixed(s Stage) Source { return func(context.Context) (Stage, error) { return s, nil } }

// StepByStep is a Source that refuses to jump: if the one in it says ReadNew after Old, it
// is an error, and stays one until that is back at a neighbour of what was said before.
// Make one at the start and have the whole process ask it, from any goroutine; it knows
// nothing of other processes, nor of transactions that have not ended yet. The first
// answer may be any stage.
func StepByStep(source Source) Source {
	if source == nil {
		return nil // whoever needs one says so
	}
	var last atomic.Uint32
	return func(ctx context.Context) (Stage, error) {
		for {
			before := last.Load()
			stage, err := source(ctx)
			if err != nil {
				return stage, err
			}
			now := last.Load()
			switch was := Stage(now); {
			case !stage.Valid():
				return 0, fmt.Errorf("dbcompat: stage: %v is none", stage)
			case stage == was:
				return stage, nil
			case now != before: // this answer may be older than that of somebody else: ask again
			case was.Valid() && !stage.Neighbours(was):
				return 0, fmt.Errorf("dbcompat: stage: from %s to %s, which are no neighbours: go to %s first, until nobody is at %s any more", was, stage, was.towards(stage), was)
			case last.CompareAndSwap(now, uint32(stage)):
				return stage, nil
			}
		}
	}
}

// towards is the next step on the way to another stage.
func (s Stage) towards(other Stage) Stage {
	if other > s {
		return s + 1
	}
	return s - 1
}
