package dbcompat

import (
	"database/sql"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Mismatches counts the rows in which old and new were seen to differ, and all that were
// compared, and keeps the last few of them. A mismatch at DualWrite before the back-fill
// is nothing but a row that is still to be done, and one at ReadNew when somebody is at
// New is what New has written; after the verification and before that, it is a writer
// who does not know of the other column. The zero value is ready. It may be used from
// any goroutine.
type Mismatches struct {
	compared, differ atomic.Uint64

	mu      sync.Mutex
	samples []Sample
}

// Sample is a row whose old and new were seen to differ.
type Sample struct {
	Stage Stage  // at which it was read
	Key   string // what Into was given to tell which it is
}

// keptSamples is enough to see what they have in common.
const keptSamples = 10

// Counts are the rows that were compared, and those of them that differed.
func (m *Mismatches) Counts() (compared, differ uint64) {
	return m.compared.Load(), m.differ.Load()
}

// Samples are the last ten rows that differed, of those whose key Into was given, the
// newest last.
func (m *Mismatches) Samples() []Sample {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.samples)
}

func (m *Mismatches) keep(s Sample) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.samples) == keptSamples {
		m.samples = slices.Delete(m.samples, 0, 1)
	}
	m.samples = append(m.samples, s)
}

// mismatch is what scans the boolean.
type mismatch struct {
	of    *Mismatches
	stage Stage
	key   []any
}

var _ sql.Scanner = (*mismatch)(nil)

// Scan notes the boolean of a row. It is never an error: a row of an outer join that is
// not there is NULL, and is not counted.
func (m *mismatch) Scan(src any) error {
	differs, ok := src.(bool)
	if !ok || m.of == nil {
		return nil
	}
	m.of.compared.Add(1)
	if differs {
		m.of.differ.Add(1)
		if len(m.key) > 0 {
			m.of.keep(Sample{m.stage, keyText(m.key)})
		}
	}
	return nil
}

// keyText is what the targets hold.
func keyText(key []any) string {
	parts := make([]string, len(key))
	for i, target := range key {
		if v := reflect.ValueOf(target); v.Kind() == reflect.Pointer && !v.IsNil() {
			target = v.Elem().Interface()
		}
		parts[i] = fmt.Sprint(target)
	}
	return strings.Join(parts, ", ")
}
